"""A hub is put away while stations talk to it, and comes back with all that was committed before; nothing else does."""

import asyncio
import json
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.cli import run
from agent.domain.audience import EVERYBODY
from agent.domain.errors import BadInput, NmrError, TryLater
from agent.hub import backup, backup_file
from agent.hub.backup import back_up
from agent.hub.backup_file import BackupDamaged, BackupUnknown, Head, open_backup, seal_backup
from agent.hub.restore import restore
from agent.routing import rows
from agent.system.database import StoreTooNew
from agent.system.ids import new_id
from agent.system.paths import Profile
from tests.hub.scene import Peer, enrolled, invited, running_hub
from tests.hub.test_app import an_order

pytestmark = pytest.mark.servers

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_file, "_MEMORY_KIB", 64)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a hub that has ended, with the station anna; not to be written to."""
    folder = tmp_path_factory.mktemp("small")

    async def walk() -> None:
        async with running_hub(folder) as hub:
            await enrolled(hub, folder)

    asyncio.run(walk())
    return folder


def hub_of(folder: Path) -> Profile:
    return Profile.at(folder / "hub")


def test_what_was_committed_before_a_backup_is_there_after_its_restore(tmp_path: Path) -> None:
    file, back = tmp_path / "hub.backup", tmp_path / "back"

    async def walk() -> None:
        acknowledged: list[str] = []
        async with running_hub(tmp_path) as hub:
            anna = Peer(await enrolled(hub, tmp_path))

            async def busy() -> None:
                async with anna.connected():
                    while True:
                        order = an_order()
                        await anna.say("order.put", order, to=EVERYBODY, id_=new_id(), want=1)
                        await anna.hear("receipt")
                        acknowledged.append(order.uuid)

            working = asyncio.create_task(busy())
            for number in range(3):
                while len(acknowledged) < 20 * (number + 1):
                    await asyncio.sleep(0.01)
                before = list(acknowledged)
                made = await asyncio.to_thread(back_up, hub_of(tmp_path), file, PASSPHRASE)
                assert made["orders"] >= len(before)
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            frames, ports = list(hub.engine.core.frames), (hub.web.port, hub.broker.port)
        found = await asyncio.to_thread(restore, hub_of(back), file, PASSPHRASE)
        assert found.set_aside is None
        async with running_hub(back) as hub:
            assert (hub.web.port, hub.broker.port) == ports
            assert hub.engine.core.frames == frames
            assert [uuid for uuid in before if hub.engine.core.registry.get(uuid) is None] == []
            async with anna.connected():
                await anna.say("order.put", an_order(), to=EVERYBODY, id_=new_id(), want=1)
                await anna.hear("receipt")

    asyncio.run(walk())


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX matters")
def test_only_its_owner_reads_a_backup_and_nothing_is_left_beside_it(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "hub.backup"
    back_up(hub_of(small), file, PASSPHRASE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["hub.backup"]


def test_a_backup_that_cannot_be_read_again_leaves_the_older_one(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hub.backup"
    back_up(hub_of(small), file, PASSPHRASE)
    older = file.read_bytes()
    monkeypatch.setattr(backup, "write_atomically", lambda path, data: path.write_bytes(data[:-1]))
    with pytest.raises(NmrError):
        back_up(hub_of(small), file, PASSPHRASE)
    assert file.read_bytes() == older
    assert [path.name for path in tmp_path.iterdir()] == ["hub.backup"]


def test_a_backup_holds_nothing_in_the_clear(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "hub.backup"
    back_up(hub_of(small), file, PASSPHRASE)
    data = file.read_bytes()
    for name in ("secrets.bin", "wrap.key", "tls/ca.key"):
        assert (hub_of(small).hub_folder / name).read_bytes()[-40:] not in data
    assert b"SQLite" not in data
    assert b"anna" not in data


def test_a_hub_that_is_not_whole_is_not_put_away(small: Path, tmp_path: Path) -> None:
    import shutil

    with pytest.raises(NmrError, match="no hub"):
        back_up(hub_of(tmp_path / "nowhere"), tmp_path / "x", PASSPHRASE)
    shutil.copytree(small, tmp_path / "lame", ignore=shutil.ignore_patterns("run"))
    folder = hub_of(tmp_path / "lame").hub_folder
    (folder / "wrap.key").unlink()
    with pytest.raises(NmrError, match=r"wrap\.key"):
        back_up(hub_of(tmp_path / "lame"), tmp_path / "x", PASSPHRASE)
    database = folder / "hub.sqlite3"
    whole = database.read_bytes()
    database.write_bytes(whole[:5000] + b"x" * 100 + whole[5100:])
    with pytest.raises(NmrError, match="damaged"):
        back_up(hub_of(tmp_path / "lame"), tmp_path / "x", PASSPHRASE)
    assert not (tmp_path / "x").exists()


def edited(data: bytes, head: Callable[[Head], Head], files: Callable[[dict[str, bytes]], dict[str, bytes]]) -> bytes:
    """A backup as somebody with the passphrase could write it."""
    opened = open_backup(data, PASSPHRASE)
    return seal_backup(head(opened.head), files(dict(opened.files)), PASSPHRASE)


def test_a_restore_is_refused_in_every_wrong_case_and_changes_nothing(small: Path, tmp_path: Path) -> None:
    from msgspec.structs import replace

    file, bad, target = tmp_path / "hub.backup", tmp_path / "bad", tmp_path / "target"
    back_up(hub_of(small), file, PASSPHRASE)
    data = file.read_bytes()
    newer = edited(data, lambda head: replace(head, store=len(rows.MIGRATIONS) + 1), lambda files: files)
    keyless = edited(data, lambda head: head, lambda files: {k: v for k, v in files.items() if k != "hub/secrets.bin"})
    strange = edited(data, lambda head: head, lambda files: {**files, "hub/../../x": b""})
    broken = edited(
        data, lambda head: head, lambda files: {**files, "hub/hub.sqlite3": files["hub/hub.sqlite3"][:-4096]}
    )
    cases: list[tuple[bytes, str, type[NmrError], str]] = [
        (data, PASSPHRASE + "!", BadInput, "passphrase is wrong"),
        (data[:-1], PASSPHRASE, BackupDamaged, "damaged"),
        (data[: len(data) // 2], PASSPHRASE, BackupDamaged, "damaged"),
        (b"", PASSPHRASE, BackupDamaged, "no backup"),
        (data[:4] + b"\0" + data[5:], PASSPHRASE, BackupUnknown, "older form"),
        (data[:4] + b"\2" + data[5:], PASSPHRASE, BackupUnknown, "newer form"),
        (newer, PASSPHRASE, StoreTooNew, "newer version"),
        (keyless, PASSPHRASE, BackupDamaged, r"secrets\.bin"),
        (strange, PASSPHRASE, BackupDamaged, "Strange"),
        (broken, PASSPHRASE, NmrError, "damaged"),
    ]
    for content, passphrase, kind, words in cases:
        bad.write_bytes(content)
        with pytest.raises(kind, match=words):
            restore(hub_of(target), bad, passphrase)
        assert not target.exists()
    with pytest.raises(BadInput, match="cannot be read"):
        restore(hub_of(target), tmp_path / "nowhere", PASSPHRASE)


def test_a_hub_that_is_there_is_only_replaced_when_told_to_and_kept(small: Path, tmp_path: Path) -> None:
    file = tmp_path / "hub.backup"
    back_up(hub_of(small), file, PASSPHRASE)

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            await enrolled(hub, tmp_path, "ben")
            with pytest.raises(TryLater, match="is running"):
                restore(hub_of(tmp_path), file, PASSPHRASE, take_place=True)
        with pytest.raises(BadInput, match="a hub already"):
            restore(hub_of(tmp_path), file, PASSPHRASE)
        found = restore(hub_of(tmp_path), file, PASSPHRASE, take_place=True)
        assert found.set_aside is not None
        assert (found.set_aside / "secrets.bin").exists()
        async with running_hub(tmp_path) as hub:
            assert [one["station"] for one in hub.office.stations()] == ["anna"]

    asyncio.run(walk())


def test_a_restore_that_was_cut_off_is_done_again(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hub.backup"
    back_up(hub_of(small), file, PASSPHRASE)
    with monkeypatch.context() as patch:
        patch.setattr("agent.hub.restore._make_room", lambda _: (_ for _ in ()).throw(OSError("cut off")))
        with pytest.raises(NmrError, match="same command"):
            restore(hub_of(tmp_path), file, PASSPHRASE)
    assert not hub_of(tmp_path).hub_folder.exists()
    assert restore(hub_of(tmp_path), file, PASSPHRASE).site == "s1"


def test_an_invite_from_before_the_backup_opens_no_door_after_it(tmp_path: Path) -> None:
    from agent.station.enrolment.enrol import enrol

    file = tmp_path / "hub.backup"

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            await enrolled(hub, tmp_path)
            made = await invited(hub, "ben")
            back_up(hub_of(tmp_path), file, PASSPHRASE)
        restore(hub_of(tmp_path), file, PASSPHRASE, take_place=True)
        async with running_hub(tmp_path) as hub:
            with pytest.raises(NmrError):
                await asyncio.to_thread(enrol, Profile.at(tmp_path / "ben"), json.dumps(made["invite"]))

    asyncio.run(walk())


def test_it_types_one_command_for_each(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret, file = tmp_path / "passphrase", str(tmp_path / "hub.backup")
    secret.write_text(f"{PASSPHRASE}\n")
    secret.chmod(0o600)

    def nmr(folder: Path, *words: str) -> tuple[int, Any]:
        code = run(["--profile", str(folder / "hub"), "hub", *words, "--passphrase-file", str(secret), "--json"])
        return code, json.loads(capsys.readouterr().out)

    code, made = nmr(small, "backup", file)
    assert (code, made["site"], made["stations"], made["entries"]) == (0, "s1", 1, 2)
    code, found = nmr(tmp_path / "back", "restore", file)
    assert (code, found["site"], found["stations"]) == (0, "s1", 1)
    code, error = nmr(tmp_path / "back", "restore", file)
    assert (code, error["error"]["code"]) == (2, "hub-there")
    secret.chmod(0o644)
    code, error = nmr(small, "backup", file)
    assert (code, error["error"]["code"]) == (1, "not-private")


def test_without_a_terminal_a_passphrase_is_asked_for_in_words(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--profile", str(small / "hub"), "hub", "backup", "x"]) == 2
    assert "--passphrase-file" in capsys.readouterr().err
