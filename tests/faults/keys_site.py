"""One site that lives through kills: its folders, its two processes, and whether both sides agree about the keys."""

import asyncio
import multiprocessing
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import json
from msgspec.structs import replace

from agent.domain.bundle import LIFE_MS, Bundle, Held
from agent.domain.effects import Keep
from agent.domain.envelope import PROOF_TYPES
from agent.domain.keys import to_b64u
from agent.domain.names import HUB
from agent.domain.rights import PROOFS
from agent.hub.account import StationAccount, read_account
from agent.hub.kept import write_kept
from agent.routing import rows
from agent.system.crash import EXIT_CODE
from agent.system.credentials import Credentials, save_credentials
from agent.system.psk_file import load_bundle, save_bundle
from agent.system.store import Store
from agent.system.wrapping_key import make_key
from tests.faults.keys_programs import STATION, Place, run_false_hub, run_hasty_station, run_hub, run_station
from tests.walks.members import Members

Step = tuple[str, int]
"""A crash point, and how often it must be reached for the end."""
NO_STEP: Step = ("", 1)

COLLEAGUE = "till"
"""Another station, which is only spoken to and spoken for."""

FAILED = "psk.failed"
"""Said only to a hub whose backup is wrong, which is a story of its own."""

OTHER = [("station", kind) for kind in ("ledger", "head", "order", "since", "pending", "in", "out", "end")]
"""What a station writes besides its keys."""

PATIENCE_S = 60.0

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tests.faults.keys_programs"])
FORKING = threading.Lock()
"""Whoever starts a process asks after all others, and the answer about one that ended is given once."""


def station_steps() -> list[Step]:
    """Every send and every write of the station, as the code names them."""
    sends = [type_ for type_ in PROOF_TYPES if type_ in PROOFS and type_ != FAILED]
    written = [(f"station.write.bundle.{when}", 1) for when in ("before", "written", "after")]
    return [*_around([f"station.send.{type_}" for type_ in sends]), *written]


def hub_steps() -> list[Step]:
    """Every send and every write of the hub; the account is written twice, as pending and as current."""
    sends = [f"hub.send.{type_}" for type_ in PROOF_TYPES if type_ not in PROOFS]
    writes = ["hub.write.account", "hub.write.proof"]
    return [*_around(sends), *_around(writes), *_around(["hub.write.account"], 2)]


def noted_steps(site: "KeysSite") -> set[str]:
    """Every step both sides have gone through, sends and writes that have nothing to do with keys left out."""
    noted = set[str]()
    for side in ("hub", "station"):
        noted |= set((site.place.folder / f"{side}.steps").read_text().split())
    return {step for step in noted if not step.startswith(tuple(f"{side}.write.{kind}." for side, kind in OTHER))}


def _around(names: Sequence[str], times: int = 1) -> list[Step]:
    return [(f"{name}.{when}", times) for name in names for when in ("before", "after")]


class KeysSite:
    """A hub that calls the station's key expired, and the station, which has to renew it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.place = Place(folder, f"s{secrets.token_hex(4)}", port)
        self._running: dict[str, BaseProcess] = {}
        self.first = Bundle(1, b"psk-id-1", secrets.token_bytes(32), _now_ms() + LIFE_MS, b"backup-1", bytes(32))
        self._lay_down()

    def start(self, side: str, step: Step = NO_STEP, *, weak: bool = False) -> None:
        """Start one side, to end at `step`; a `weak` hub proves what it cannot, a weak station saves too early."""
        run = (run_false_hub if weak else run_hub) if side == HUB else (run_hasty_station if weak else run_station)
        process = FORK.Process(target=run, args=(self.place, *step), daemon=True)
        with FORKING:
            process.start()
        self._running[side] = process

    def stop(self) -> None:
        """Kill what still runs."""
        for process in self._running.values():
            with FORKING:
                process.kill()
                process.join()

    def revive(self) -> int:
        """Start again, to end nowhere, whoever has ended at its step; returns how many."""
        with FORKING:
            ended = [side for side, process in self._running.items() if not process.is_alive()]
        for side in ended:
            assert self._running[side].exitcode == EXIT_CODE, f"{side} failed: {self.output(side)}"
            self.start(side)
        return len(ended)

    def live_through(self, station: Step = NO_STEP, hub: Step = NO_STEP) -> int:
        """Run both until they agree on new keys, reviving whoever ends; returns how many ended."""
        self.start(HUB, hub)
        self.start(STATION, station)
        return self.run_until_agreed()

    def wait_until_ended(self, side: str) -> None:
        """Wait for a side's end at its step."""
        process = self._running[side]
        process.join(PATIENCE_S)
        assert process.exitcode == EXIT_CODE, f"{side} did not end as it should: {self}"

    def run_until_agreed(self) -> int:
        """Wait for the agreement; returns how many sides ended on the way."""
        ended, end = 0, time.monotonic() + PATIENCE_S
        while not self.agreed():
            assert time.monotonic() < end, f"no agreement: {self}"
            ended += self.revive()
            time.sleep(0.02)
        return ended

    def agreed(self) -> bool:
        """Whether the station that runs has proven itself with a new key, and the hub has that key and no other."""
        process = self._running.get(STATION)
        try:
            said = json.decode(self.place.mark.read_bytes())
        except FileNotFoundError:
            return False
        if process is None or said["pid"] != process.pid or said["state"] != "proven" or not said["up"]:
            return False
        held, disk = self.held(), self.on_disk()
        return held.pending is None and held.current == disk and disk.gen > self.first.gen

    def held(self) -> Held:
        """What the hub has on disk."""
        with closing(sqlite3.connect(f"file:{self._hub_file}?mode=ro", uri=True)) as db:
            ((_, body),) = db.execute(rows.KEPT, ("account",)).fetchall()
        return read_account(body).held

    def on_disk(self) -> Bundle:
        """What the station has on disk; read from a copy, for reading tidies up, which only the station may."""
        with TemporaryDirectory() as copy:
            for name in ("psk.bin", "wrap.key"):
                shutil.copy2(self.place.profile.secrets_folder / name, copy)
            return load_bundle(Path(copy), self.place.site, STATION)

    def accepts_what_the_station_has(self) -> bool:
        """Whether the hub would take the bundle on the station's disk: there is a way on for both."""
        return self.on_disk().backup_id in {bundle.backup_id for bundle in self.held().both}

    def hold(self, held: Held) -> None:
        """Give the hub other keys, while it is not running."""
        account = replace(self._account, current=held.current, pending=held.pending)
        self._write(self._hub_file, [Keep("account", STATION, account)])

    def output(self, side: str) -> str:
        """What a side wrote."""
        name = "hub.out" if side == HUB else "station.out"
        return (self.place.folder / name).read_text(errors="replace")[-3000:]

    def __str__(self) -> str:
        mark = self.place.mark.read_text() if self.place.mark.exists() else "nothing"
        return f"hub {self.held()}, station {self.on_disk()}, said {mark}\n{self.output(HUB)}\n{self.output(STATION)}"

    @property
    def _hub_file(self) -> Path:
        return self.place.hub_folder / "hub.sqlite3"

    def _lay_down(self) -> None:
        members = self.members = Members(self.place.site)
        members.add(STATION, "crew")
        members.add(COLLEAGUE, "crew")
        self.place.profile.create()
        self.place.hub_folder.mkdir(parents=True)
        self._account = StationAccount(
            station=STATION,
            bcrypt="",
            pbkdf2="",
            client_id="",
            kid=to_b64u(members.people[STATION].kid),
            current=replace(self.first, not_after=_now_ms() - 1),
        )
        ledger = [Keep("ledger", f"{number:012d}", frame) for number, frame in enumerate(members.frames, 1)]
        self._write(self._hub_file, [*ledger, Keep("account", STATION, self._account)])
        self._write(self.place.profile.data_file, ledger[1:])
        _save(self.place.hub_folder, _hub_credentials(members))
        folder = self.place.profile.secrets_folder
        _save(folder, members.credentials(STATION))
        save_bundle(folder, self.place.site, STATION, self.first)

    def _write(self, path: Path, keeps: Sequence[Keep]) -> None:
        store = Store.open(path, rows.MIGRATIONS)
        asyncio.run(write_kept(store, keeps))
        store.close()


@contextmanager
def keys_site(folder: Path, port: int) -> Iterator[KeysSite]:
    """A site whose processes are gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    site = KeysSite(folder, port)
    try:
        yield site
    finally:
        site.stop()


def end_forks() -> None:
    """End the process that forks, and the one that watches it; the next fork would start them again."""
    forkserver._forkserver._stop()  # type: ignore[attr-defined]  # it ends with Python, and a test ends what it started
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]  # as above


def _save(folder: Path, credentials: Credentials) -> None:
    save_credentials(folder, credentials, make_key(folder, keyring=False))


def _hub_credentials(members: Members) -> Credentials:
    """The hub's keys in the form of a station's: where these tests keep them."""
    sign, receive = members.hub.private_keys()
    return replace(members.credentials(STATION), station=HUB, sign_key=to_b64u(sign), receive_key=to_b64u(receive))


def _now_ms() -> int:
    return round(time.time() * 1000)
