"""A hub and a station as processes of their own that end at a named step, over a broker that stays.

Both are the product's parts from the core to the socket; only the faces are missing. They are forked from a process
that has loaded everything, so that hundreds of them can come and go.
"""

import asyncio
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import json
from msgspec.structs import replace

from agent.domain.events import Instant
from agent.domain.keys import from_b64u
from agent.domain.messages import PskProof
from agent.domain.names import HUB
from agent.hub.engine import Engine
from agent.hub.kept import load_kept
from agent.links import keeper
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.settings import MqttSettings
from agent.routing import lane, router, rows
from agent.station.app import App
from agent.station.proof import conversation
from agent.station.surface import Surface
from agent.system import crash, psk_file
from agent.system.clock import SiteClock
from agent.system.config.load import load
from agent.system.credentials import load_credentials
from agent.system.memory import give_back
from agent.system.paths import Profile
from agent.system.store import Store
from agent.wire import acts
from agent.wire.hello.station import Hello
from agent.wire.keys import Identity
from agent.wire.renewal import hub as renewal_hub
from agent.wire.renewal import station as renewal_station
from agent.wire.renewal.station import Renewal
from tests.walks.desk import Drawing, Showing

STATION = "bar"
NOTE = "note"
"""A step of this name ends nobody: all steps are noted in a file."""
QUICK = acts.Times(wait=6.0, repeat=(0.2, 0.4, 0.8, 1.6, 3.2), ready=0.5)
"""Times of the machines a tenth and less of the usual ones: what is repeated comes soon."""


@dataclass(frozen=True, slots=True)
class Place:
    """One site in a folder, over the broker at `port`."""

    folder: Path
    site: str
    port: int

    @property
    def hub_folder(self) -> Path:
        """The hub's own."""
        return self.folder / HUB

    @property
    def profile(self) -> Profile:
        """The station's."""
        return Profile.at(self.folder / STATION)

    @property
    def mark(self) -> Path:
        """What the station last said of itself: {state, gen} of its proof."""
        return self.folder / "proof.json"

    def link(self, station: str, client_id: str, *, gated: bool) -> MqttLink:
        """The way to the broker, which lets everybody in."""
        addresses = (("127.0.0.1", self.port),)
        settings = MqttSettings(self.site, station, addresses, station, "any", client_id, ca_pem=None)
        return MqttLink(settings, gated=gated)


def run_hub(place: Place, kill_at: str, times: int) -> None:
    """Run the hub until it is killed."""
    _begin(place.folder / "hub.out", kill_at, times)
    asyncio.run(_hub(place))


def run_false_hub(place: Place, kill_at: str, times: int) -> None:
    """Run a hub that has other keys than the station and does not care: it answers every greeting."""
    _begin(place.folder / "hub.out", kill_at, times)
    setattr(renewal_hub, "is_mac", lambda *_: True)  # noqa: B010 - weakened on purpose
    asyncio.run(_hub(place))


def run_station(place: Place, kill_at: str, times: int) -> None:
    """Run the station until it is killed."""
    _begin(place.folder / "station.out", kill_at, times)
    setattr(conversation, "Hello", partial(Hello, times=QUICK))  # noqa: B010 - what takes minutes takes seconds
    setattr(conversation, "Renewal", partial(Renewal, times=QUICK))  # noqa: B010 - the same
    keeper.SLOW_SHORTEST_S, keeper.SLOW_FIRST_BOUND_S = 0.2, 0.4
    asyncio.run(_station(place))


def run_hasty_station(place: Place, kill_at: str, times: int) -> None:
    """Run a station that replaces its keys before the hub has shown that it has the new ones."""
    check = renewal_station.STATION["greeted", PskProof].step

    def save_at_once(state: Renewal, proof: PskProof, now: Instant) -> tuple[Renewal, list[acts.Act]]:
        offered, said = check(state, proof, now)
        fresh = replace(offered.fresh, not_after=2**53 - 1) if offered.fresh is not None else None
        return offered, [*([acts.Save(fresh)] if fresh is not None else []), *said]

    renewal_station.STATION["greeted", PskProof] = acts.Row(save_at_once, ("offered",))  # type: ignore[index]  # weakened
    run_station(place, kill_at, times)


def _begin(output: Path, kill_at: str, times: int) -> None:
    """Write to a file, and want the end at this step, or note all steps."""
    if kill_at == NOTE:
        for module in (lane, router, psk_file):
            vars(module)["point"] = partial(_note, output.with_suffix(".steps"))
    log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.setswitchinterval(0.0002)
    give_back()
    crash.end_at(kill_at, times)


def _note(path: Path, name: str) -> None:
    """Note a step that is reached."""
    with path.open("a") as steps:
        steps.write(f"{name}\n")


async def _hub(place: Place) -> None:
    store = Store.open(place.hub_folder / "hub.sqlite3", rows.MIGRATIONS)
    found = load_credentials(place.hub_folder)
    assert found is not None
    me = Identity.of(place.site, HUB, from_b64u(found.sign_key), from_b64u(found.receive_key))
    engine = Engine(me, store, load_kept(store, place.hub_folder, place.site), SiteClock())
    engine.start()
    await engine.keep(place.link(HUB, f"hub-{place.site}", gated=False))


async def _station(place: Place) -> None:
    credentials = load_credentials(place.profile.secrets_folder)
    assert credentials is not None
    surface = Surface(Marking(place.mark), Showing(), Showing())
    app = App(place.profile, load(place.profile), credentials, surface)
    surface.tray.app = app  # type: ignore[attr-defined]  # the tray of this file
    await app.run([place.link(STATION, f"bar-{place.site}", gated=True)])


class Marking(Drawing):
    """A tray that writes down how the proof stands."""

    app: App | None = None

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def show(self, view: Any) -> None:
        """Note it for whoever waits, whole or not at all."""
        super().show(view)
        if self.app is None:
            return
        standing = self.app.core.proving.standing
        links = self.app.core.reach.links.values()
        up = any(link.state == "up" for link in links)
        new = self._path.with_suffix(f".{os.getpid()}")
        new.write_bytes(json.encode({"pid": os.getpid(), "state": standing.state, "gen": standing.gen, "up": up}))
        new.replace(self._path)
