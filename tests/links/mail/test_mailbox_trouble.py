"""Servers that fail for a moment, lose a folder or count anew cost no message and touch nobody else's mail."""

from pathlib import Path

import pytest

from agent.links.base import LinkDown, LinkRefused
from agent.links.mail import mailbox
from agent.links.mail.letter import HEAD_BYTES
from agent.links.mail.mailbox import AT_ONCE, HEAD, SHOWN_AGAIN_S
from agent.links.mail.settings import MailSettings, with_detail
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


def test_another_mailbox_with_the_same_uidvalidity_is_read_from_its_beginning_and_keeps_its_mails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = FakeImap("MOVE"), FakeImap("MOVE")
    before.put(ours(b"one"))
    monkeypatch.setattr(FakeImap, "move", refuses)
    box, state = opened(before, tmp_path)
    assert taken(box) == [[b"one"]]
    state.save()
    monkeypatch.undo()
    mail, human = after.put(ours(b"two")), after.put(b"Subject: lunch?\r\n\r\nyes")
    assert taken(opened(after, tmp_path, user="carla")[0]) == [[b"two"]]
    assert (list(after.folders["INBOX"]), list(after.folders[PUT_AWAY])) == ([human], [mail])
    assert human not in after.flags


def test_a_number_that_stands_for_a_persons_mail_now_is_not_moved(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    human = imap.put(b"Subject: lunch?\r\n\r\nyes")
    settings = MailSettings(ME, ADDRESS, ("h", 993), ("h", 465))
    State(tmp_path / "state", 1, human, {human}, {human}, mailbox=settings.mailbox).save()
    assert taken(opened(imap, tmp_path)[0]) == []
    assert list(imap.folders["INBOX"]) == [human]
    assert not imap.flags


def test_a_folder_that_cannot_be_opened_now_is_tried_again_and_one_that_is_not_there_is_not(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    imap.shut.add("INBOX")
    with pytest.raises(LinkDown, match="now: select failed: for <address>"):
        opened(imap, tmp_path)
    with pytest.raises(LinkRefused, match="no folder 'Agents'"):
        opened(imap, tmp_path, folder="Agents")


@pytest.mark.parametrize("what", [HEAD, "BODY.PEEK[]"], ids=["head", "body"])
def test_a_mail_the_server_cannot_show_holds_up_no_other_and_is_asked_for_again(tmp_path: Path, what: str) -> None:
    imap, now = FakeImap("MOVE"), [NOW]
    for message in (b"before", b"damaged", b"after"):
        damaged = imap.put(ours(message))
    imap.damaged.add((damaged - 1, what))
    box, state = opened(imap, tmp_path)
    with pytest.raises(LinkDown, match="does not show"):
        list(box.letters())
    state.save()
    box, state = opened(imap, tmp_path)
    box._clock = lambda: now[0]
    assert sorted(taken(box)) == [[b"after"], [b"before"]]
    assert (read(box), state.open) == ([], {damaged - 1})
    imap.damaged.clear()
    assert read(box) == []
    now[0] += SHOWN_AGAIN_S
    assert taken(box) == [[b"damaged"]]
    assert not state.open


def test_a_mail_that_one_session_was_not_shown_comes_in_the_next(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    imap.damaged.add((imap.put(ours(b"damaged")), HEAD))
    box, state = opened(imap, tmp_path)
    with pytest.raises(LinkDown, match="does not show"):
        list(box.letters())
    state.save()
    imap.damaged.clear()
    assert taken(opened(imap, tmp_path)[0]) == [[b"damaged"]]


def test_no_command_names_more_mails_than_a_server_reads_in_one_line(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    for number in range(2 * AT_ONCE + 1):
        imap.put(ours(b"%d" % number))
    box, state = opened(imap, tmp_path)
    assert len(read(box)) == 2 * AT_ONCE + 1
    state.save()
    assert len(read(opened(imap, tmp_path)[0])) == 2 * AT_ONCE + 1
    assert imap.most_at_once == AT_ONCE


def test_what_cannot_be_opened_is_put_aside_soon_and_read_once_even_where_it_cannot_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "AT_ONCE", 2)
    imap = FakeImap("MOVE")
    for mail in (BAD["seal"], ours(b"one"), ours(b"two")):
        imap.put(mail)
    box, _ = opened(imap, tmp_path)
    letters = box.letters()
    assert [next(letters).containers for _ in range(2)] == [[b"one"], [b"two"]]
    assert len(imap.folders[ASIDE]) == 1
    monkeypatch.setattr(FakeImap, "move", refuses)
    bad = imap.put(BAD["seal"])
    box, state = opened(imap, tmp_path)
    read(box)
    assert bad not in state.open
    state.save()
    again, _ = opened(imap, tmp_path)
    read(again)
    assert (dict(box.refused), dict(again.refused)) == ({"seal": 1}, {})


def test_a_folder_of_ours_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    imap, now = FakeImap("MOVE"), [NOW]
    imap.put(ours(b"one"))
    box, _ = opened(imap, tmp_path)
    box._clock = lambda: now[0]
    taken(box)
    del imap.folders[PUT_AWAY]
    last = imap.put(ours(b"two"))
    taken(box)
    now[0] += mailbox.TIDY_AGAIN_S
    box.put_away()
    assert list(imap.folders[PUT_AWAY]) == [last]


def test_a_mailbox_numbered_anew_in_the_middle_of_a_session_ends_it(tmp_path: Path) -> None:
    imap = FakeImap("MOVE", "UIDPLUS")
    imap.put(ours(b"handed up, not accepted"))
    box, _ = opened(imap, tmp_path)
    (letter,) = box.letters()
    imap.validity += 1
    with pytest.raises(LinkDown, match="anew"):
        box.sweep()
    box.accept([letter.uid])
    box.put_away()
    assert list(imap.folders["INBOX"]) == [letter.uid]


def test_old_mails_for_a_key_we_had_before_are_removed_too(tmp_path: Path) -> None:
    imap = FakeImap("MOVE", "UIDPLUS")
    imap.put(ours(b"old", to=with_detail(ADDRESS, bytes(16))), PUT_AWAY)
    opened(imap, tmp_path)[0].sweep()
    assert not imap.folders[PUT_AWAY]


def test_a_clock_that_was_far_ahead_once_does_not_end_the_sweeping(tmp_path: Path) -> None:
    imap = FakeImap("MOVE", "UIDPLUS")
    imap.put(ours(b"old"), PUT_AWAY)
    box, state = opened(imap, tmp_path)
    state.swept = NOW + 10 * 365 * mailbox.SWEEP_S
    box.sweep()
    assert not imap.folders[PUT_AWAY]


def test_of_a_head_without_end_only_the_beginning_is_asked_for(tmp_path: Path) -> None:
    imap = FakeImap("MOVE")
    imap.put(b"To: " + b"x" * 10 * HEAD_BYTES + b"\r\n\r\n")
    imap.put(ours(b"one"))
    assert taken(opened(imap, tmp_path)[0]) == [[b"one"]]
    assert imap.longest_head == HEAD_BYTES
