"""`nmr ledger`: who is a member, whether the list is whole, and a file that others can verify."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import encode

from agent.cli import run
from agent.domain.heads import Fork
from agent.domain.names import HUB
from agent.routing import rows
from agent.station.ledger.store import CURES
from agent.system.credentials import save_credentials
from agent.system.paths import Profile
from agent.system.pin import Pin, save_pin
from agent.system.store import Store
from agent.system.wrapping_key import make_key
from tests.station.ledger.ledger_scene import branch, kitchen
from tests.walks.crowd import signed_head
from tests.walks.members import NOW_MS, Members


class Desk:
    """Anna's profile, with what an agent that has run leaves there."""

    def __init__(self, folder: Path, members: Members, capsys: pytest.CaptureFixture[str]) -> None:
        self.profile, self.members, self._capsys = Profile.at(folder), members, capsys
        self.profile.create()
        secrets = self.profile.secrets_folder
        save_credentials(secrets, members.credentials("anna"), make_key(secrets, keyring=False))
        save_pin(secrets, Pin(members.ledger.seq, members.ledger.head))
        self.write(members.frames[1:], signed_head(members, members.ledger))

    def write(self, frames: list[bytes], head: bytes = b"", *forks: Fork) -> None:
        """Keep these entries, and nothing else."""
        store = Store.open(self.profile.data_file, rows.MIGRATIONS)

        def fill(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM kept")
            for seq, frame in enumerate(frames, 2):
                rows.keep(db, "ledger", f"{seq:012d}", frame)
            rows.keep(db, "head", HUB, head or None)
            for fork in forks:
                rows.keep(db, "fork", f"{fork.seq:012d}", encode(fork))

        asyncio.run(store.write(fill))
        store.close()

    def __call__(self, *words: str, exit_code: int = 0) -> str:
        """Run a command; returns what it said, complaints first."""
        self._capsys.readouterr()
        assert run(["--profile", str(self.profile.data_file.parent.parent), "ledger", *words]) == exit_code
        said = self._capsys.readouterr()
        return said.err + said.out

    def asked(self, *words: str, exit_code: int = 0) -> Any:
        """The same with --json."""
        return json.loads(self(*words, "--json", exit_code=exit_code))


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    members = kitchen()
    members.revoke("cleo")
    return Desk(tmp_path / "anna", members, capsys)


def test_show_lists_the_members_with_their_keys_and_since_when(desk: Desk) -> None:
    found = desk.asked("show")
    assert (found["site"], found["seq"], found["state"]) == ("s1", 5, "unknown")
    assert [(one["station"], one["revoked"]) for one in found["members"]] == [
        (HUB, False), ("anna", False), ("ben", False), ("cleo", True),
    ]  # fmt: skip
    anna = found["members"][1]
    kid = desk.members.people["anna"].kid.hex()
    assert anna["fingerprint"].replace(" ", "") == kid
    assert (anna["roles"], anna["since_ms"], anna["mail"], anna["seen_ms"]) == (["kitchen"], NOW_MS, "", None)
    text = desk("show")
    assert anna["fingerprint"] in text
    assert "removed" in text
    assert "NOT WHOLE" not in text


def test_show_knows_from_the_disk_when_each_was_last_seen(desk: Desk) -> None:
    store = Store.open(desk.profile.data_file, rows.MIGRATIONS)
    asyncio.run(store.write(lambda db: rows.keep(db, "seen", "stations", encode({"ben": NOW_MS}))))
    store.close()
    found = {one["station"]: (one["live"], one["seen_ms"]) for one in desk.asked("show")["members"]}
    assert (found["ben"], found["anna"]) == ((False, NOW_MS), (False, None))


def test_verify_says_that_all_is_whole(desk: Desk) -> None:
    found = desk.asked("verify")
    assert found == {"ok": True, "entries": 5, "head": desk.members.ledger.head.hex()}
    assert desk("verify").startswith("whole: 5 entries, and the hub signed entry 5")


def test_verify_says_the_first_thing_that_is_wrong_and_what_to_do(desk: Desk) -> None:
    frames, other = desk.members.frames, branch(desk.members, 4)
    other.add("spy")
    spoiled = bytearray(frames[2])
    spoiled[len(spoiled) // 2] ^= 1
    fork = Fork(5, "A" * 22, "B" * 22, NOW_MS, HUB)
    for kept, head, forks, entry, code in (
        ([frames[1], bytes(spoiled), *frames[3:]], b"", (), 3, None),
        ([frames[1], *frames[3:]], b"", (), 3, "gap"),
        (frames[1:4], b"", (), 5, "rollback"),
        (other.frames[1:], b"", (), 5, "fork"),
        (frames[1:], signed_head(desk.members, other.ledger), (), 5, "fork"),
        (frames[1:], b"", (fork,), 5, "fork"),
    ):
        desk.write(kept, head, *forks)
        wrong = desk.asked("verify", exit_code=1)["wrong"]
        assert wrong["entry"] == entry
        assert code in (None, wrong["code"])
        assert wrong["cure"] in CURES.values()
        assert "NOT WHOLE" in desk("verify", exit_code=1)
        assert "NOT WHOLE" in desk("show")


def test_what_is_exported_can_be_verified_by_anybody(desk: Desk, tmp_path: Path) -> None:
    file, nobody = tmp_path / "members.jsonl", tmp_path / "nobody"
    assert desk.asked("export", str(file)) == {"file": str(file), "entries": 5}
    assert desk.asked("verify", str(file))["ok"]
    assert run(["--profile", str(nobody), "ledger", "verify", str(file)]) == 0
    first, *lines = file.read_text(encoding="ascii").splitlines()
    assert json.loads(first)["hub"].replace(" ", "") == desk.members.hub.kid.hex()
    file.write_text("\n".join([first, *lines[:2], *lines[3:]]), encoding="ascii")
    assert desk.asked("verify", str(file), exit_code=1)["wrong"]["code"] == "gap"
    file.write_text(f"{first}\njunk", encoding="ascii")
    assert "line 2 cannot be read" in desk("verify", str(file), exit_code=2)
    desk("verify", str(tmp_path / "none"), exit_code=2)


def test_a_file_of_another_hub_or_of_another_history_is_told_from_ours(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = branch(desk.members, 4)
    split.add("spy")
    for name, members, code in (("stranger", kitchen(), "other"), ("split", split, "fork")):
        file = tmp_path / f"{name}.jsonl"
        Desk(tmp_path / name, members, capsys)("export", str(file))
        assert desk.asked("verify", str(file), exit_code=1)["wrong"]["code"] == code


def test_nothing_is_exported_that_is_not_whole_and_nobody_without_a_list_has_one(desk: Desk, tmp_path: Path) -> None:
    desk.write(desk.members.frames[1:3])
    assert "is not whole" in desk("export", str(tmp_path / "x"), exit_code=1)
    assert run(["--profile", str(tmp_path / "nobody"), "ledger", "show"]) == 1


def test_on_the_hub_s_computer_the_list_is_verified_with_the_forks_that_it_was_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members, profile = kitchen(), Profile.at(tmp_path / "hub")
    profile.hub_folder.mkdir(parents=True, mode=0o700)
    store = Store.open(profile.hub_folder / "hub.sqlite3", rows.MIGRATIONS)

    def keep(kind: str, seq: int, body: bytes) -> None:
        asyncio.run(store.write(lambda db: rows.keep(db, kind, f"{seq:012d}", body)))

    for seq, frame in enumerate(members.frames, 1):
        keep("ledger", seq, frame)
    assert run(["--profile", str(tmp_path / "hub"), "ledger", "verify"]) == 0
    keep("fork", 4, encode(Fork(4, "A" * 22, "B" * 22, NOW_MS, "anna")))
    assert run(["--profile", str(tmp_path / "hub"), "ledger", "verify"]) == 1
    assert "entry 4 (fork)" in capsys.readouterr().out
    store.close()
