"""`nmr run`: from an empty process to a station, in the order that puts the icon up first."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.domain.errors import BadConfiguration, NmrError
from agent.station.surface import Surface
from agent.system.lock import ProfileLock
from agent.system.log import close_log, event, open_log
from agent.system.paths import Profile
from agent.ui.view import IconState, TrayView

if TYPE_CHECKING:
    from agent.links.base import Link
    from agent.station.app import App
    from agent.system.config.schema import Config
    from agent.system.credentials import Credentials

log = logging.getLogger(__name__)

SWITCH_S = 0.0002
"""How long one thread may keep the interpreter while another wants it, seconds: Python's 5 ms would be a page's whole
way. The loop, the network thread and the writer are never busy for long, so switching costs nothing.
"""

STARTING = TrayView(IconState.OFFLINE, 0, "No More Running", ())


def run_agent(profile: Profile) -> int:
    """Run the agent until it is told to end; returns its exit code, raises NmrError after telling it on the desktop."""
    try:
        return asyncio.run(run_station(profile))
    except KeyboardInterrupt:  # told to end before it listened to that, perhaps still waiting for its invite
        return 0
    except NmrError as error:
        asyncio.run(tell_user(error))
        raise


async def run_station(profile: Profile) -> int:
    """Run the agent in this loop; a second agent of the same profile hands over and ends at once with 0."""
    sys.setswitchinterval(SWITCH_S)
    profile.create()
    lock = ProfileLock(profile.lock_file)
    if not lock.acquire():
        return _hand_over(profile)
    try:
        return await _run(profile, lock)
    finally:
        lock.release()


class _People:
    """What people do before the app is there is nothing yet: the first menu is empty."""

    app: "App | None" = None

    def clicked(self, intent: object) -> None:
        """A menu entry was clicked."""
        if self.app is not None:
            self.app.clicked(intent)

    def happened(self, key: str, action: str) -> None:
        """Something was done with a notice."""
        if self.app is not None:
            self.app.happened(key, action)


async def _run(profile: Profile, lock: ProfileLock) -> int:
    """Put the icon up, and only then load what does the work."""
    people = _People()
    surface = await Surface.choose()
    await surface.start(people.clicked, people.happened)
    surface.show(STARTING)
    try:
        import agent.system.slim  # noqa: F401 - before anything that needs msgspec
        from agent.system.config.load import load
        from agent.system.memory import one_heap

        one_heap()

        loaded = load(profile)
        settings = loaded.config.log
        file = open_log(
            profile.log_folder,
            "agent",
            level=settings.level,
            keep_files=settings.keep_files,
            megabytes=settings.megabytes,
        )
        try:
            while await _run_once(profile, lock, surface, people):
                event(log, "enrolled-anew")
        finally:
            close_log(file)
    finally:
        await surface.stop()
    return 0


async def _run_once(profile: Profile, lock: ProfileLock, surface: Surface, people: _People) -> bool:
    """Run until it is told to end; return whether that was because the profile is another station by now."""
    credentials = await _credentials(profile, surface)

    from agent.station.app import App
    from agent.system.config.load import load
    from agent.system.control_server import ControlServer

    loaded = load(profile)  # only now: who joins by mail has just got settings for that
    app = people.app = App(profile, loaded, credentials, surface)
    app.drawing.now()
    event(log, "started", station=credentials.station, tray=surface.tray.name)
    _listen_to_signals(app.quit)
    finishing = asyncio.create_task(_finish(profile, surface), name="finish a first start")
    try:
        async with ControlServer(profile.control_address, lock, app.requests.answer):
            await app.run(make_links(credentials, loaded.config))
    finally:
        finishing.cancel()
        await asyncio.gather(finishing, return_exceptions=True)
    return app.enrolled_anew


async def _finish(profile: Profile, surface: Surface) -> None:
    """Go on with a first start that was broken off at its end, if there was one."""
    from agent.system.credentials import is_pending

    if is_pending(profile.secrets_folder):
        from agent.station.enrolment.first_start import finish

        await finish(profile, lambda title, message: surface.tell("start", title, message))


async def _credentials(profile: Profile, surface: Surface) -> "Credentials":
    """What enrolment left here, if need be that of just now; raises BadConfiguration where there is no invite either.

    Raises SecretsUnreadable, and NmrError where the invite IT left is of no use.
    """
    from agent.system.beside import beside
    from agent.system.credentials import load_credentials
    from agent.system.wrapping_key import storage_of

    if storage_of(profile.secrets_folder) == "keyring":
        credentials = await beside(lambda: load_credentials(profile.secrets_folder))
    else:
        credentials = load_credentials(profile.secrets_folder)
    if credentials is None:
        from agent.station.enrolment.first_start import join

        credentials = await join(profile, lambda title, message: surface.tell("start", title, message))
    if credentials is None:
        raise BadConfiguration(
            "This computer is not enrolled yet",
            "Ask IT for an invite and run: nmr enrol INVITE",
            code="not-enrolled",
        )
    return credentials


def make_links(credentials: "Credentials", config: "Config") -> "list[Link]":
    """Return the links this station keeps alive."""
    if not config.link.mqtt.enabled:
        return []
    from agent.links.mqtt.link import MqttLink
    from agent.links.mqtt.settings import MqttSettings

    own = tuple(_address(text) for text in config.link.mqtt.addresses)
    settings = MqttSettings(
        site=credentials.site,
        station=credentials.station,
        addresses=own or credentials.brokers,
        user=credentials.station,
        password=credentials.password,
        client_id=credentials.client_id,
        ca_pem=credentials.ca_pem.encode(),
    )
    return [MqttLink(settings, gated=True)]


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _hand_over(profile: Profile) -> int:
    """Let the agent that runs already show its window."""
    from agent.system.control import connect

    with connect(profile) as line:
        line.request("open", window="orders")
    return 0


def _listen_to_signals(quit_: Callable[[], None]) -> None:
    """End cleanly on SIGTERM and Ctrl+C; Windows knows only the latter."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(quit_))
    else:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, quit_)


async def tell_user(error: NmrError) -> None:
    """Show why the agent cannot start: a person who clicked an icon reads no log."""
    surface = await Surface.choose()
    await surface.notifier.start(lambda _key, _action: None)
    await surface.tell("start", error.title, error.message)
