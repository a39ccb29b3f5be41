"""Letters of enrolment: two thousand changed ones and none is believed; a mailbox is the one its owner signed."""

from collections.abc import Callable
from random import Random

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from agent.domain.mail import NOWHERE, Mailbox
from agent.wire import enrolment
from agent.wire.enrol_letter import HEAD_BYTES, Step, is_enrol_letter, read_enrol_letter, write_enrol_letter
from agent.wire.enrolment import (
    ANSWER_BYTES,
    REQUEST_BYTES,
    Done,
    EnrolRefused,
    Refused,
    Request,
    Welcome,
    _open,
    _seal,
    read_answer,
    read_request,
    write_answer,
    write_request,
)
from agent.wire.keys import Identity
from tests.wire.test_enrolment import NONCE, OTHER, SECRET, Sides, sides

__all__ = ["sides"]

MUTANTS = 2000
BOX = Mailbox("anna@mail.example", True)
OTHERS = Mailbox("thief@mail.example", True)


def request(sides: Sides, box: Mailbox = BOX, secret: bytes = SECRET) -> bytes:
    return write_request(sides.card, secret, sides.me, NONCE, "anna", mailbox=box)


def answered(sides: Sides, text: Welcome | Done | Refused, nonce: bytes = NONCE) -> bytes:
    asked = write_request(sides.card, SECRET, sides.me, nonce, "anna", mailbox=BOX)
    return write_answer(sides.hub, SECRET, read_request(sides.hub, asked, sides.secret_of), text)


def mutated(letter: bytes, chance: Random) -> bytes:
    """The letter with one thing changed: a bit, a piece cut out, one put in, or its end."""
    place, raw = chance.randrange(HEAD_BYTES, len(letter)), bytearray(letter)
    match chance.randrange(4):
        case 0:
            raw[place] ^= 1 << chance.randrange(8)
        case 1:
            del raw[place : place + chance.randint(1, 20)]
        case 2:
            raw[place:place] = chance.randbytes(chance.randint(1, 20))
        case 3:
            raw += chance.randbytes(chance.randint(1, 20))
    return bytes(raw)


def believed(read: Callable[[bytes], object], letter: bytes) -> bool:
    try:
        read(letter)
    except EnrolRefused:
        return False
    return True


def test_the_hub_believes_none_of_two_thousand_changed_letters(sides: Sides) -> None:
    def read(letter: bytes) -> object:
        step, sealed = read_enrol_letter(letter)
        return read_request(sides.hub, sealed, sides.secret_of, "request" if step is Step.REQUEST else "confirm")

    letter, chance = write_enrol_letter(Step.REQUEST, request(sides)), Random(11)
    assert believed(read, letter)
    assert not any(believed(read, mutated(letter, chance)) for _ in range(MUTANTS))
    assert not any(believed(read, letter[: HEAD_BYTES - 1] + bytes([step]) + letter[HEAD_BYTES:]) for step in (0, 3, 9))


def test_a_newcomer_believes_none_of_two_thousand_changed_letters(sides: Sides) -> None:
    def read(letter: bytes) -> object:
        return read_answer(sides.card, SECRET, sides.me, NONCE, read_enrol_letter(letter)[1], Welcome)

    letter, chance = write_enrol_letter(Step.ANSWER, answered(sides, sides.welcome())), Random(12)
    assert believed(read, letter)
    assert not any(believed(read, mutated(letter, chance)) for _ in range(MUTANTS))


@pytest.mark.parametrize("other", [OTHERS, replace(BOX, plus=False), NOWHERE])
@pytest.mark.parametrize("weak", [False, True])
def test_nobody_sends_the_answer_to_another_mailbox(
    sides: Sides, other: Mailbox, monkeypatch: pytest.MonkeyPatch, *, weak: bool
) -> None:
    if weak:
        monkeypatch.setattr(enrolment, "_where", lambda _: ())
    honest = _open(sides.hub, request(sides), REQUEST_BYTES, Request)
    forged = _seal(replace(honest, mail=other.mail, plus=other.plus), "s1", sides.hub.sign, sides.hub.receive)
    assert believed(lambda sealed: read_request(sides.hub, sealed, sides.secret_of), forged) == weak


def test_a_request_without_a_mailbox_is_what_it_always_was(sides: Sides) -> None:
    assert read_request(sides.hub, request(sides), sides.secret_of).mailbox == BOX
    bare = _open(sides.hub, request(sides, NOWHERE), REQUEST_BYTES, Request)
    assert bare.mailbox == NOWHERE
    assert not {"mail", "plus"} & set(to_builtins(bare))


def test_whoever_does_not_know_the_secret_and_another_hub_are_refused(sides: Sides) -> None:
    assert not believed(lambda sealed: read_request(sides.hub, sealed, sides.secret_of), request(sides, secret=OTHER))
    stranger = Identity.new("s1", "hub")
    assert not believed(lambda sealed: read_request(stranger, sealed, sides.secret_of), request(sides))


def test_an_exchange_that_is_replayed_or_for_another_newcomer_says_nothing(sides: Sides) -> None:
    for text, kind in (
        (sides.welcome(), Welcome),
        (Done(station="anna", site="s1"), Done),
        (Refused(site="s1", about="request", refused="invite-used"), Refused),
    ):
        old = answered(sides, text, nonce=b"o" * 32)
        other = Identity.new("s1", "")
        assert read_answer(sides.card, SECRET, sides.me, b"o" * 32, old, kind) == text  # type: ignore[type-var]
        with pytest.raises(EnrolRefused):
            read_answer(sides.card, SECRET, sides.me, NONCE, old, kind)  # type: ignore[type-var]
        with pytest.raises(EnrolRefused):
            read_answer(sides.card, SECRET, other, b"o" * 32, old, kind)  # type: ignore[type-var]


def test_what_one_answer_says_is_never_taken_for_another(sides: Sides) -> None:
    said = {
        Welcome: sides.welcome(),
        Done: Done(station="anna", site="s1"),
        Refused: Refused(site="s1", about="confirm", refused="invite-used"),
    }
    for kind, text in said.items():
        for other in set(said) - {kind}:
            with pytest.raises(EnrolRefused):
                read_answer(sides.card, SECRET, sides.me, NONCE, answered(sides, text), other)  # type: ignore[arg-type]


@pytest.mark.parametrize("letter", [b"", b"NMRE", b"NMRE\x01", b"NMRE\x01\x00x", b"NMRE\x01\x06x", b"NMR1" + b"x" * 99])
def test_what_is_no_letter_is_refused(letter: bytes) -> None:
    with pytest.raises(EnrolRefused) as caught:
        read_enrol_letter(letter)
    assert caught.value.code == "enrol-unreadable"
    assert not is_enrol_letter(b"NMR1" + letter)


@pytest.mark.parametrize(("step", "most"), [(Step.REQUEST, REQUEST_BYTES), (Step.ANSWER, ANSWER_BYTES)])
def test_a_letter_is_as_large_as_what_it_carries_may_be(step: Step, most: int) -> None:
    assert read_enrol_letter(write_enrol_letter(step, b"x" * most)) == (step, b"x" * most)
    with pytest.raises(EnrolRefused) as caught:
        read_enrol_letter(write_enrol_letter(step, b"x" * (most + 1)))
    assert caught.value.code == "size"
