"""A damaged store is noticed, set aside and replaced; a whole one never is.

The corpus damages copies of two states at random: a store closed in order, and one whose process was killed, with
rows still in the log. `wrong` says in what a case breaks the promise; it must find nothing, and must find something
as soon as a check is left out.
"""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agent.system import damage, database
from agent.system.damage import wal_lost_commits
from agent.system.store import Store

SCHEMA = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT"
ROWS = "SELECT id, text, body FROM note ORDER BY id"
FRAME = 24 + 4096  # bytes of a frame in the log
OLD, NEW = 60, 40  # rows in the main file, and commits that are still in the log of the killed one


def body(number: int) -> bytes:
    """Some are small, some fill several pages; all can be checked by themselves, as a signed frame can."""
    chance = random.Random(number)
    content = chance.randbytes(chance.choice([30, 300, 3000, 9000]))
    return sha256(content).digest() + content


def add(number: int) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO note VALUES (?, ?, ?)", (number, f"note {number}", body(number)))

    return work


async def fill(store: Store, numbers: range) -> None:
    for number in numbers:
        await store.write(add(number))


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `closed` and `killed`, each with a store s.db of OLD rows, the latter with NEW more in its log."""
    folder = tmp_path_factory.mktemp("states")

    async def make() -> None:
        (folder / "live").mkdir()
        store = Store.open(folder / "live" / "s.db", [SCHEMA])
        await fill(store, range(OLD))
        store.close()
        shutil.copytree(folder / "live", folder / "closed")
        store = Store.open(folder / "live" / "s.db", [SCHEMA])
        await fill(store, range(OLD, OLD + NEW))
        shutil.copytree(folder / "live", folder / "killed")  # what a killed process leaves: nothing is being written
        store.close()

    asyncio.run(make())
    assert (folder / "closed" / "s.db.sum").exists()
    assert (folder / "killed" / "s.db-wal").stat().st_size > NEW * 4096
    return folder


class Case(NamedTuple):
    """One damage: which state, which of its files, and what happens to the bytes."""

    state: str
    part: str
    how: str


CASES = [
    Case(state, part, how)
    for state, part in (("closed", "s.db"), ("killed", "s.db"), ("killed", "s.db-wal"), ("killed", "s.db-shm"))
    for how in ("cut", "flip", "flips", "zeros", "noise", "longer", "empty")
]


def damaged(data: bytes, how: str, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(data)), chance.choice([16, 512, 4096, 20000])
    result = bytearray(data)
    match how:
        case "cut":
            del result[at:]
        case "empty":
            del result[:]
        case "longer":
            result += chance.randbytes(length)
        case "zeros":
            result[at : at + length] = bytes(min(length, len(data) - at))
        case "noise":
            result[at : at + length] = chance.randbytes(min(length, len(data) - at))
        case _:
            for _ in range(1 if how == "flip" else 20):
                result[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(result)


def wrong(states: Path, folder: Path, case: Case, seed: int) -> list[str]:
    """Damage a copy, open it, use it, open it again; in what it fell short."""
    shutil.copytree(states / case.state, folder)
    victim = folder / case.part
    before = victim.read_bytes()
    after = damaged(before, case.how, random.Random(seed))
    victim.write_bytes(after)
    store = Store.open(folder / "s.db", [SCHEMA])
    if store.set_aside is None:
        said = CHECKS[case.state, case.part](store.read(ROWS), before, after)
    else:
        said = "" if before != after and case.part != "s.db-shm" else "a whole store was set aside"
    asyncio.run(fill(store, range(1000, 1003)))
    store.close()
    again = Store.open(folder / "s.db", [SCHEMA])
    later = [row for row in again.read(ROWS) if row[0] >= 1000]
    kept = not again.set_aside and later == rows(range(1000, 1003))
    again.close()
    return [words for words in (said, "" if kept else "what was written afterwards is not there") if words]


Rows = list[tuple[Any, ...]]


def rows(numbers: range) -> Rows:
    return [(number, f"note {number}", body(number)) for number in numbers]


def closed_file(_: Rows, before: bytes, after: bytes) -> str:
    return "opened although bytes had changed" if before != after else ""


def killed_file(found: Rows, _before: bytes, _after: bytes) -> str:
    """The stated limit: without the sum of an orderly end, a bit flipped inside a row is the row's own to notice."""
    if len(found) != OLD + NEW:
        return "rows are missing"
    altered = [row for row, good in zip(found, rows(range(OLD + NEW)), strict=True) if row != good]
    return "a row changed so that nobody can notice" if any(is_sound(row) for row in altered) else ""


def killed_log(found: Rows, before: bytes, after: bytes) -> str:
    """The stated limit: a log that lost its end looks like one that never had it."""
    if found != rows(range(len(found))):
        return "rows are missing or changed"
    ends = [at for at in range(32, len(before), FRAME) if before[at + 4 : at + 8] != bytes(4)]
    changed = [at for at, byte in enumerate(before) if after[at : at + 1] != bytes([byte])]
    if not changed or sum(at > changed[-1] for at in ends) > 1:
        least = NEW
    else:
        least = sum(at + FRAME <= changed[0] for at in ends)
    return "" if len(found) >= OLD + least else f"acknowledged rows are gone: {len(found)} of {OLD + NEW}"


def killed_index(found: Rows, _before: bytes, _after: bytes) -> str:
    return "" if found == rows(range(OLD + NEW)) else "rows are missing or changed"


CHECKS = {
    ("closed", "s.db"): closed_file,
    ("killed", "s.db"): killed_file,
    ("killed", "s.db-wal"): killed_log,
    ("killed", "s.db-shm"): killed_index,
}


def is_sound(row: tuple[Any, ...]) -> bool:
    number, text, content = row
    return bool(sha256(content[32:]).digest() == content[:32]) and text == f"note {number}"


def corpus(states: Path, folder: Path, seeds: range) -> dict[str, list[str]]:
    """The cases that broke the promise, by name."""
    found = {}
    for seed in seeds:
        case = CASES[seed % len(CASES)]
        if said := wrong(states, folder / str(seed), case, seed):
            found[f"{seed} {case}"] = said
        shutil.rmtree(folder / str(seed))
    return found


def test_no_damage_goes_unnoticed_and_the_store_works_afterwards(states: Path, tmp_path: Path) -> None:
    assert corpus(states, tmp_path, range(224)) == {}


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_no_damage_goes_unnoticed_in_many_more_cases(states: Path, tmp_path: Path) -> None:
    assert corpus(states, tmp_path, range(224, 5000)) == {}


@pytest.mark.parametrize("check", ["sum", "log", "structure"])
def test_the_corpus_notices_a_check_that_is_left_out(
    states: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    if check == "sum":
        monkeypatch.setattr(damage, "file_digest", lambda *_: sha256())
        monkeypatch.setattr(damage, "read_if_there", lambda path: b"" if path.suffix == ".sum" else path.read_bytes())
    elif check == "log":
        monkeypatch.setattr(damage, "wal_lost_commits", lambda _: False)
    else:
        monkeypatch.setattr(database, "_is_sound", lambda _: True)
    found: dict[str, list[str]] = {}
    for start in range(0, 560, len(CASES)):
        try:
            found = corpus(states, tmp_path / str(start), range(start, start + len(CASES)))
        except (sqlite3.Error, database.StoreError) as error:
            found = {"cannot even be used": [str(error)]}
        if found:
            break
    assert found


@pytest.mark.parametrize("state", ["closed", "killed"])
def test_a_whole_store_is_never_set_aside(states: Path, tmp_path: Path, state: str) -> None:
    shutil.copytree(states / state, tmp_path / "s")
    for _ in range(3):
        store = Store.open(tmp_path / "s" / "s.db", [SCHEMA])
        assert store.set_aside is None
        assert store.read(ROWS) == rows(range(OLD if state == "closed" else OLD + NEW))
        store.close()


def test_what_was_set_aside_can_still_be_looked_at_and_a_second_one_gets_its_own_name(
    states: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "s"
    shutil.copytree(states / "killed", folder)
    for n in (1, 2):
        log = bytearray((folder / "s.db-wal").read_bytes())
        log[3] ^= 1
        (folder / "s.db-wal").write_bytes(log)
        store = Store.open(folder / "s.db", [SCHEMA])
        assert store.set_aside == folder / f"s.db.damaged-{n}"
        assert (folder / f"s.db.damaged-{n}-wal").read_bytes() == log
        asyncio.run(fill(store, range(NEW)))
        shutil.copy(folder / "s.db-wal", folder / "kept")
        store.close()
        (folder / "kept").replace(folder / "s.db-wal")
    aside = sqlite3.connect(folder / "s.db.damaged-1")
    assert aside.execute("SELECT count(*) FROM note").fetchall() == [(OLD,)]
    aside.close()


def test_a_store_found_damaged_while_open_is_set_aside_at_the_next_start(states: Path, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    shutil.copytree(states / "closed", folder)
    store = Store.open(folder / "s.db", [SCHEMA])
    with (folder / "s.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * ((folder / "s.db").stat().st_size - 4096))
    with pytest.raises(database.StoreDamaged, match="Start the agent again"):
        store.read(ROWS)
    with pytest.raises(database.StoreDamaged):
        asyncio.run(fill(store, range(1000, 1001)))
    store.close()
    assert Store.open(folder / "s.db", [SCHEMA]).set_aside == folder / "s.db.damaged-1"


def test_only_the_last_commit_of_a_log_may_be_torn(states: Path) -> None:
    log = (states / "killed" / "s.db-wal").read_bytes()
    assert not wal_lost_commits(log)
    assert not wal_lost_commits(b"")
    frames = range(32, len(log), FRAME)
    commits = [at for at in frames if log[at + 4 : at + 8] != bytes(4)]
    assert len(commits) == NEW
    for at in frames:
        torn = log[: at + 100] + b"?" + log[at + 101 :]
        assert wal_lost_commits(torn) == (at <= commits[-2]), "only what was not acknowledged may be lost in silence"
    for end in (commits[-1], commits[-1] + 24, len(log) - 1):
        assert not wal_lost_commits(log[:end])


def test_frames_of_an_earlier_generation_are_no_damage(tmp_path: Path) -> None:
    async def run() -> bytes:
        store = Store.open(tmp_path / "s.db", [SCHEMA])
        await fill(store, range(100))
        store._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        long = (tmp_path / "s.db-wal").stat().st_size
        await fill(store, range(100, 103))
        log = (tmp_path / "s.db-wal").read_bytes()
        store.close()
        assert len(log) == long, "the log began anew in the same file"
        return log

    assert not wal_lost_commits(asyncio.run(run()))
