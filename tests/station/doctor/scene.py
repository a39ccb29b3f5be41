"""A station to be examined: enrolled at a real hub, or put together by hand, with the one fault a test plants."""

import asyncio
import json
import shutil
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from msgspec import structs

from agent import __version__
from agent.hub.app import Running
from agent.routing import rows
from agent.station.doctor.checks import CHECKS, examine
from agent.station.doctor.finding import Finding, Level
from agent.station.doctor.report import cure, title
from agent.station.doctor.sight import take_sight
from agent.station.enrolment.enrol import enrol
from agent.system.control_server import ControlServer, Say
from agent.system.credentials import load_credentials, save_credentials
from agent.system.lock import ProfileLock
from agent.system.paths import Profile
from agent.system.store import Store
from agent.system.wrapping_key import load_key
from agent.ui.texts.doctor import doctor_texts
from tests.hub.scene import invited, running_hub

T = TypeVar("T")

GOOD: dict[str, Any] = {
    "station": "anna",
    "person": "anna",
    "roles": ["kitchen"],
    "site": "s1",
    "version": __version__,
    "state": "ok",
    "dnd_until_ms": None,
    "unanswered": 0,
    "links": [{"name": "mqtt", "state": "up", "since_ms": 1, "detail": "", "rtt_ms": 2.5}],
    "peers": [],
    "hub": {"state": "up", "seen_ms": 1, "rtt_ms": 2.5},
    "tray": "sni",
    "notifier": "dbus",
    "sound": "paplay",
    "storage": "keyring",
    "notices": [],
    "proof": {"state": "proven", "notice": "", "proven_ms": 1, "until_ms": 2, "gen": 1, "not_after_ms": 3},
    "ledger": {"seq": 2, "head": "0" * 16},
    "can": {"page": True, "edit": True, "create": True, "everybody": False},
    "refused": {},
    "open_rows": 0,
}
"""The Status of an agent that is well."""


def examined(profile: Profile, *names: str, status: dict[str, Any] | None = None, **sight: Any) -> list[Finding]:
    """What the checks of these names find, beside an agent with this status or, by default, none.

    Everything found is said in both languages, and whatever is not well with what to do about it.
    """
    checks = tuple(check for check in CHECKS if getattr(check, "__name__", "") in names)
    assert len(checks) == len(names), names

    async def look() -> list[Finding]:
        async with AsyncExitStack() as stack:
            if status is not None:
                await stack.enter_async_context(agent_with(profile, status, stack))
            return await examine(await take_sight(profile, **sight), checks)

    found = asyncio.run(look())
    for finding in found:
        for language in ("en", "de"):
            texts = doctor_texts(language)
            assert title(finding, texts)
            assert bool(cure(finding, texts)) == (finding.level in (Level.WARNING, Level.FAILURE))
    return found


def said(profile: Profile, check: str, **how: Any) -> list[tuple[str, str]]:
    """Level and kind of what one check finds, as `examined` does."""
    return [(str(finding.level), finding.what) for finding in examined(profile, check, **how)]


def agent_with(profile: Profile, status: dict[str, Any], stack: AsyncExitStack) -> ControlServer:
    """An agent that can say how it is, and nothing else."""

    async def answer(do: str, _: dict[str, Any], __: Say) -> object:
        assert do == "status"
        return status

    profile.create()
    lock = ProfileLock(profile.lock_file)
    assert lock.acquire()
    stack.callback(lock.release)
    return ControlServer(profile.control_address, lock, answer)


class LivingHub:
    """A real hub in a thread of its own, whose stations are profiles below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hub", daemon=True)
        self._thread.start()
        self._stack = AsyncExitStack()
        self.running: Running = self.do(self._stack.enter_async_context(running_hub(folder)))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` where the hub runs."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def enrolled(self, person: str, *roles: str) -> Profile:
        """A new station."""
        made = self.do(invited(self.running, person, *roles))
        profile = Profile.at(self.folder / person)
        enrol(profile, json.dumps(made["invite"]))
        return profile

    def revoke(self, station: str) -> None:
        """Remove a station from the site."""
        self.do(self.running.office.answer("hub.revoke", {"station": station}, lambda _: None))

    def close(self) -> None:
        """End."""
        self.do(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@contextmanager
def living_hub(folder: Path) -> Iterator[LivingHub]:
    """A hub while the block runs."""
    hub = LivingHub(folder)
    try:
        yield hub
    finally:
        hub.close()


def copy_of(profile: Profile, folder: Path) -> Profile:
    """The same station once more, to be spoiled."""
    assert profile.folder
    shutil.copytree(profile.folder, folder)
    return Profile.at(folder)


def changed(station: Profile, **changes: object) -> Profile:
    """The same station with other credentials."""
    key = load_key(station.secrets_folder)
    old = load_credentials(station.secrets_folder, key)
    assert key is not None
    assert old is not None
    save_credentials(station.secrets_folder, structs.replace(old, **changes), key)
    return station


def spoil(file: Path, at: int = -1) -> None:
    """Turn one byte over."""
    content = bytearray(file.read_bytes())
    content[at] ^= 0xFF
    file.write_bytes(content)


def with_store(station: Profile) -> Path:
    """Give the station the database its agent would make."""
    Store.open(station.data_file, rows.MIGRATIONS).close()
    return station.data_file
