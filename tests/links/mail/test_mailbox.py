"""What is ours is opened, and goes where the server can put it; what the server cannot do is not done to others."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agent.links.mail import mailbox
from agent.links.mail.connection import ImapError
from agent.links.mail.letter import write_letter
from agent.links.mail.mailbox import MAIL_BYTES, Mailbox
from agent.links.mail.pack import seal_pack
from agent.links.mail.settings import MailSettings, with_detail
from agent.links.mail.state import State
from agent.wire.keys import Identity

ME = Identity.new("site", "bert")
ADDRESS = "bert@mail.test"
NOW = 1_800_000_000.0
PROCESSED, REFUSED = "No More Running/Processed", "No More Running/Refused"


def ours(*containers: bytes, to: str = with_detail(ADDRESS, ME.kid)) -> bytes:
    pack = seal_pack(containers, ME.site, ME.kid, ME.receive)
    return write_letter(pack, "anna@mail.test", to, random_hex="0" * 32, at_s=NOW)


class FakeImap:
    """Folders of mails by UID; does what a server with these capabilities does, and writes down each change."""

    def __init__(self, *capabilities: str, separator: str = "/", prefix: str = "") -> None:
        self.capabilities, self.separator, self.prefix = capabilities, separator, prefix
        self.folders: dict[str, dict[int, bytes]] = {"INBOX": {}}
        self.flags: dict[int, set[bytes]] = {}
        self.validity, self.next, self.selected = 1, 1, "INBOX"
        self.deeds: list[str] = []
        self.sizes: dict[int, int] = {}

    def put(self, mail: bytes, folder: str = "INBOX") -> int:
        uid, self.next = self.next, self.next + 1
        self.folders.setdefault(folder, {})[uid] = mail
        return uid

    def has_capability(self, name: str) -> bool:
        return name in self.capabilities

    def namespace(self) -> Any:
        class Namespace:
            personal = ((self.prefix, self.separator),)

        return Namespace

    def list_folders(self, directory: str, pattern: str) -> list[tuple[Any, bytes, str]]:
        return [((), self.separator.encode(), "")]

    def folder_exists(self, name: str) -> bool:
        return name in self.folders

    def create_folder(self, name: str) -> None:
        self.deeds.append(f"create {name}")
        self.folders[name] = {}

    def select_folder(self, name: str) -> dict[bytes, int]:
        self.selected = name
        return {b"UIDVALIDITY": self.validity, b"UIDNEXT": self.next}

    def search(self, criteria: list[Any]) -> list[int]:
        uids = sorted(self.folders[self.selected])
        if criteria[0] == "BEFORE":
            assert isinstance(criteria[1], date)
            return uids
        first = int(criteria[1].partition(":")[0])
        return [uid for uid in uids if uid >= first] or uids[-1:]  # as `n:*` is understood

    def fetch(self, uids: Iterable[int], what: list[str]) -> dict[int, dict[bytes, Any]]:
        there = self.folders[self.selected]
        if what == ["BODY.PEEK[]"]:
            return {uid: {b"BODY[]": there[uid]} for uid in uids if uid in there}
        heads = {uid: there[uid].partition(b"\r\n\r\n")[0] for uid in uids if uid in there}
        return {
            uid: {b"RFC822.SIZE": self.sizes.get(uid, len(there[uid])), b"BODY[HEADER.FIELDS (TO)]": head}
            for uid, head in heads.items()
        }

    def add_flags(self, uids: list[int], flags: list[bytes], *, silent: bool) -> None:
        for uid in uids:
            self.flags.setdefault(uid, set()).update(flags)

    def move(self, uids: list[int], folder: str) -> None:
        self.deeds.append("move")
        for uid in uids:
            self.folders[folder][uid] = self.folders[self.selected].pop(uid)

    def copy(self, uids: list[int], folder: str) -> None:
        self.deeds.append("copy")
        self.folders[folder].update({uid: self.folders[self.selected][uid] for uid in uids})

    def uid_expunge(self, uids: list[int]) -> None:
        self.deeds.append("expunge")
        for uid in uids:
            assert rb"\Deleted" in self.flags[uid]
            del self.folders[self.selected][uid]


def opened(imap: FakeImap, folder: Path, **changes: Any) -> tuple[Mailbox, State]:
    settings = MailSettings(ME, ADDRESS, ("h", 993), ("h", 465), **changes)
    state = State.load(folder / "state")
    box = Mailbox(imap, settings, state, clock=lambda: NOW)
    box.open()
    return box, state


def read(box: Mailbox) -> list[list[bytes]]:
    return [letter.containers for letter in box.letters()]


def taken(box: Mailbox) -> list[list[bytes]]:
    letters = list(box.letters())
    box.accept(letter.uid for letter in letters)
    box.put_away()
    return [letter.containers for letter in letters]


MOVES = [
    (("MOVE", "NAMESPACE"), ["create No More Running/Processed", "move"], True),
    (("UIDPLUS",), ["create No More Running/Processed", "copy", "expunge"], True),
    ((), ["create No More Running/Processed"], False),
]


@pytest.mark.parametrize(("capabilities", "deeds", "gone"), MOVES, ids=["MOVE", "UIDPLUS", "neither"])
def test_what_was_accepted_is_marked_and_put_away_as_well_as_the_server_can(
    tmp_path: Path, capabilities: tuple[str, ...], deeds: list[str], gone: bool
) -> None:
    imap = FakeImap(*capabilities)
    human, mail = imap.put(b"Subject: lunch?\r\n\r\nyes"), imap.put(ours(b"one", b"two"))
    box, state = opened(imap, tmp_path)
    assert taken(box) == [[b"one", b"two"]]
    assert imap.deeds == deeds
    assert (mail in imap.folders[PROCESSED]) is gone
    assert list(imap.folders["INBOX"]) == ([human] if gone else [human, mail])
    assert rb"\Seen" in imap.flags[mail]
    assert human not in imap.flags
    assert read(box) == []
    assert not state.open
    assert not state.accepted


@pytest.mark.parametrize(
    ("capabilities", "separator", "prefix", "name"),
    [
        (("MOVE", "NAMESPACE"), ".", "INBOX.", "INBOX.No More Running.Processed"),
        (("MOVE",), ".", "", "No More Running.Processed"),
    ],
)
def test_our_folders_are_named_as_the_server_names_folders(
    tmp_path: Path, capabilities: tuple[str, ...], separator: str, prefix: str, name: str
) -> None:
    imap = FakeImap(*capabilities, separator=separator, prefix=prefix)
    imap.put(ours(b"one"))
    taken(opened(imap, tmp_path)[0])
    assert name in imap.folders


def test_what_was_not_accepted_comes_first_in_the_next_session_and_once(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    imap.put(ours(b"one"))
    box, state = opened(imap, tmp_path)
    assert read(box) == [[b"one"]]
    assert read(box) == []
    state.save()
    imap.put(ours(b"two"))
    assert taken(opened(imap, tmp_path)[0]) == [[b"one"], [b"two"]]


def breaks(*_: object) -> None:
    raise OSError("gone")


def test_what_was_accepted_and_could_not_be_moved_does_not_come_again(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    imap.put(ours(b"one"))
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(FakeImap, "move", breaks)
        with pytest.raises(OSError, match="gone"):
            taken(opened(imap, tmp_path)[0])
    box, _ = opened(imap, tmp_path)
    assert read(box) == []
    box.put_away()
    assert len(imap.folders[PROCESSED]) == 1


def test_a_mail_half_read_when_the_session_ends_is_neither_lost_nor_doubled(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    for number in range(5):
        imap.put(ours(b"%d" % number))
    box, state = opened(imap, tmp_path)
    for letter in box.letters():
        if letter.containers == [b"2"]:
            break
    state.save()
    assert taken(opened(imap, tmp_path)[0]) == [[b"%d" % number] for number in range(5)]


def renumbered(imap: FakeImap, told: bool) -> None:
    """What a restored backup does: the same mails under other numbers, whether the server says so or not."""
    imap.folders["INBOX"] = dict(enumerate(imap.folders["INBOX"].values(), 1))
    imap.validity, imap.next = imap.validity + told, len(imap.folders["INBOX"]) + 1


def after_renumbering(tmp_path: Path, told: bool) -> list[list[bytes]]:
    imap = FakeImap("MOVE")
    for number in range(10):
        imap.put(ours(b"%d" % number))
    box, state = opened(imap, tmp_path)
    assert len(taken(box)) == 10
    state.save()
    imap.put(ours(b"new"))
    renumbered(imap, told)
    return read(opened(imap, tmp_path)[0])


@pytest.mark.parametrize("told", [True, False], ids=["another UIDVALIDITY", "the old one, from a backup"])
def test_a_mailbox_numbered_anew_is_read_from_its_beginning(tmp_path: Path, told: bool) -> None:
    assert after_renumbering(tmp_path, told) == [[b"new"]]


@pytest.mark.parametrize("told", [True, False])
def test_without_looking_at_the_numbering_a_message_would_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setattr(State, "begin", lambda *_: True)
    assert after_renumbering(tmp_path, told) == []


BAD = {
    "letter": ours(b"x").replace(b"Version: 1", b"Version: 9"),
    "not-mine": write_letter(
        seal_pack([b"x"], "site", bytes(16), ME.receive), "a@b", with_detail(ADDRESS, ME.kid), random_hex="0", at_s=0
    ),
    "seal": write_letter(
        seal_pack([b"x"], "elsewhere", ME.kid, ME.receive), "a@b", with_detail(ADDRESS, ME.kid), random_hex="0", at_s=0
    ),
    "size": write_letter(b"NMRM", "a@b", with_detail(ADDRESS, ME.kid), random_hex="0", at_s=0),
}


@pytest.mark.parametrize("code", BAD)
def test_what_cannot_be_opened_is_counted_and_put_aside(tmp_path: Path, code: str) -> None:
    imap = FakeImap("MOVE")
    bad, good = imap.put(BAD[code]), imap.put(ours(b"good"))
    box, state = opened(imap, tmp_path)
    assert read(box) == [[b"good"]]
    assert dict(box.refused) == {code: 1}
    assert list(imap.folders[REFUSED]) == [bad]
    assert state.open == {good}


def too_large(tmp_path: Path) -> Mailbox:
    imap = FakeImap("MOVE")
    imap.sizes[imap.put(ours(b"large"))] = MAIL_BYTES + 1
    box, _ = opened(imap, tmp_path)
    assert read(box) == ([] if mailbox.MAIL_BYTES == MAIL_BYTES else [[b"large"]])
    return box


def test_a_mail_above_the_limit_is_put_aside_unread(tmp_path: Path) -> None:
    assert dict(too_large(tmp_path).refused) == {"too-large": 1}


def test_without_the_limit_it_would_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MAIL_BYTES", MAIL_BYTES + 1)
    assert dict(too_large(tmp_path).refused) == {}


def refuses(*_: object) -> None:
    raise ImapError("[OVERQUOTA] <bert@mail.test> is full")


def test_a_server_that_will_not_move_mails_still_brings_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FakeImap, "move", refuses)
    imap = FakeImap("MOVE")
    imap.put(BAD["seal"])
    for number in range(3):
        imap.put(ours(b"%d" % number))
        box, state = opened(imap, tmp_path)
        assert taken(box) == [[b"%d" % number]]
        state.save()
    assert len(state.accepted) == 3
    assert "cannot be tidied up" in caplog.text
    assert "bert" not in caplog.text


def test_moving_is_not_tried_again_at_once_but_after_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imap, now = FakeImap("MOVE"), [NOW]
    imap.put(ours(b"one"))
    state = State.load(tmp_path / "state")
    box = Mailbox(imap, MailSettings(ME, ADDRESS, ("h", 993), ("h", 465)), state, clock=lambda: now[0])
    box.open()
    with monkeypatch.context() as refusing:
        refusing.setattr(FakeImap, "move", refuses)
        taken(box)
    box.put_away()
    assert len(imap.folders["INBOX"]) == 1
    now[0] += 3600
    box.put_away()
    assert len(imap.folders["INBOX"]) == 0


def test_a_folder_that_cannot_be_swept_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeImap, "uid_expunge", refuses)
    imap = FakeImap("MOVE", "UIDPLUS")
    imap.put(ours(b"old"), PROCESSED)
    imap.put(ours(b"new"))
    box, _ = opened(imap, tmp_path)
    box.sweep()
    assert imap.selected == "INBOX"
    assert read(box) == [[b"new"]]


def test_without_plus_all_of_our_type_is_ours_and_with_it_only_what_names_our_key(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    imap.put(ours(b"bare", to=ADDRESS))
    assert read(opened(imap, tmp_path, plus=True)[0]) == []
    (tmp_path / "state").unlink(missing_ok=True)
    assert read(opened(imap, tmp_path, plus=False)[0]) == [[b"bare"]]


def test_old_mails_of_ours_are_removed_once_a_day_and_nothing_else(tmp_path: Path) -> None:
    imap = FakeImap("MOVE", "UIDPLUS")
    human = imap.put(b"Subject: kept here by hand\r\n\r\n", PROCESSED)
    imap.put(ours(b"old"), PROCESSED)
    box, state = opened(imap, tmp_path)
    box.sweep()
    assert list(imap.folders[PROCESSED]) == [human]
    assert (imap.selected, state.swept) == ("INBOX", NOW)
    imap.put(ours(b"old"), PROCESSED)
    box.sweep()
    assert len(imap.folders[PROCESSED]) == 2


def test_a_server_that_could_remove_only_everything_is_not_asked_to(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    imap.put(ours(b"old"), PROCESSED)
    opened(imap, tmp_path)[0].sweep()
    assert len(imap.folders[PROCESSED]) == 1
