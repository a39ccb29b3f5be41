"""What is ours is opened, and goes where the server can put it; what the server cannot do is not done to others."""

from pathlib import Path

import pytest

from agent.links.mail import mailbox
from agent.links.mail.mailbox import MAIL_BYTES, Mailbox
from agent.links.mail.settings import MailSettings
from agent.links.mail.state import State
from tests.links.mail.fake_imap import (
    ADDRESS,
    ASIDE,
    BAD,
    ME,
    NOW,
    PUT_AWAY,
    FakeImap,
    opened,
    ours,
    read,
    refuses,
    taken,
)

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
    assert (mail in imap.folders[PUT_AWAY]) is gone
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
    assert len(imap.folders[PUT_AWAY]) == 1


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


@pytest.mark.parametrize("code", BAD)
def test_what_cannot_be_opened_is_counted_and_put_aside(tmp_path: Path, code: str) -> None:
    imap = FakeImap("MOVE")
    bad, good = imap.put(BAD[code]), imap.put(ours(b"good"))
    box, state = opened(imap, tmp_path)
    assert read(box) == [[b"good"]]
    assert dict(box.refused) == {code: 1}
    assert list(imap.folders[ASIDE]) == [bad]
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
    imap.put(ours(b"old"), PUT_AWAY)
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
    human = imap.put(b"Subject: kept here by hand\r\n\r\n", PUT_AWAY)
    imap.put(ours(b"old"), PUT_AWAY)
    box, state = opened(imap, tmp_path)
    box.sweep()
    assert list(imap.folders[PUT_AWAY]) == [human]
    assert (imap.selected, state.swept) == ("INBOX", NOW)
    imap.put(ours(b"old"), PUT_AWAY)
    box.sweep()
    assert len(imap.folders[PUT_AWAY]) == 2


def test_a_server_that_could_remove_only_everything_is_not_asked_to(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    imap.put(ours(b"old"), PUT_AWAY)
    opened(imap, tmp_path)[0].sweep()
    assert len(imap.folders[PUT_AWAY]) == 1
