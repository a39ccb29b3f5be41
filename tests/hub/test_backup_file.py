"""The form of a backup: what was put in comes out, and nothing that was changed, cut or guessed."""

import secrets

import pytest

from agent.domain.errors import BadInput
from agent.hub import backup_file
from agent.hub.backup_file import (
    BackupDamaged,
    BackupUnknown,
    Head,
    check_passphrase,
    open_backup,
    read_head,
    seal_backup,
)

PASSPHRASE = "correct horse battery"
HEAD = Head(site="s1", made_ms=1_000, program="1.0", store=1)
FILES = {"hub/secrets.bin": b"a secret of ours", "hub/hub.sqlite3": secrets.token_bytes(2_500_000), "empty": b""}


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_file, "_MEMORY_KIB", 64)


def test_what_was_put_in_comes_out() -> None:
    data = seal_backup(HEAD, FILES, PASSPHRASE)
    opened = open_backup(data, PASSPHRASE)
    head = opened.head
    assert opened.files == FILES
    assert "a secret of ours" not in repr(opened)
    assert (head.site, head.made_ms, head.program, head.store) == ("s1", 1_000, "1.0", 1)
    assert read_head(data) == head
    assert b"a secret of ours" not in data


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 200, 1 << 20, 2 << 20])
def test_content_of_every_size_comes_out(size: int) -> None:
    files = {"x": bytes(size)}
    assert open_backup(seal_backup(HEAD, files, PASSPHRASE), PASSPHRASE).files == files


def test_two_backups_of_the_same_have_nothing_in_common() -> None:
    one, other = seal_backup(HEAD, FILES, PASSPHRASE), seal_backup(HEAD, FILES, PASSPHRASE)
    assert open_backup(one, PASSPHRASE).head.salt != open_backup(other, PASSPHRASE).head.salt
    assert one[-1000:] != other[-1000:]


def test_a_passphrase_is_the_same_however_its_letters_were_typed() -> None:
    composed, combined = "sch\u00f6ne gr\u00fc\u00dfe", "scho\u0308ne gru\u0308\u00dfe"
    assert open_backup(seal_backup(HEAD, FILES, composed), combined).files == FILES


def test_a_wrong_passphrase_is_told_from_damage() -> None:
    with pytest.raises(BadInput, match="passphrase is wrong"):
        open_backup(seal_backup(HEAD, FILES, PASSPHRASE), PASSPHRASE + "!")


def test_every_changed_byte_is_noticed() -> None:
    data = seal_backup(HEAD, {"x": b"small"}, PASSPHRASE)
    for at in range(len(data)):
        with pytest.raises((BackupDamaged, BackupUnknown)):
            open_backup(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], PASSPHRASE)


def test_every_cut_and_every_addition_is_noticed() -> None:
    small, large = seal_backup(HEAD, {"x": b"small"}, PASSPHRASE), seal_backup(HEAD, FILES, PASSPHRASE)
    chunk = (1 << 20) + 16
    rest = len(large) % chunk
    cuts = [*(small[:at] for at in range(len(small))), small + b"x", large[:-rest], large[: -rest - 1], large + large]
    for data in cuts:
        with pytest.raises(BackupDamaged):
            open_backup(data, PASSPHRASE)


def test_chunks_that_changed_places_are_noticed() -> None:
    data = seal_backup(HEAD, FILES, PASSPHRASE)
    start, chunk = data.index(b"}") + 1 + 32, (1 << 20) + 16
    first, second = data[start : start + chunk], data[start + chunk : start + 2 * chunk]
    with pytest.raises(BackupDamaged):
        open_backup(data[:start] + second + first + data[start + 2 * chunk :], PASSPHRASE)


@pytest.mark.parametrize(("form", "words"), [(0, "older form"), (2, "newer form")])
def test_another_form_is_refused_in_its_own_words(form: int, words: str) -> None:
    data = seal_backup(HEAD, FILES, PASSPHRASE)
    with pytest.raises(BackupUnknown, match=words):
        open_backup(data[:4] + bytes([form]) + data[5:], PASSPHRASE)


def test_something_else_is_no_backup() -> None:
    with pytest.raises(BackupDamaged, match="no backup"):
        open_backup(b"PK\x03\x04" + bytes(100), PASSPHRASE)


def test_a_head_cannot_make_this_computer_work_for_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_file, "_MOST_MEMORY_KIB", 63)
    with pytest.raises(BackupDamaged):
        open_backup(seal_backup(HEAD, FILES, PASSPHRASE), PASSPHRASE)


def test_a_passphrase_that_can_be_guessed_is_refused() -> None:
    assert check_passphrase("twelve chars") == "twelve chars"
    with pytest.raises(BadInput, match="too short"):
        check_passphrase("eleven char")
