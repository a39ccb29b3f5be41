"""Enrolment on the wire: nothing a stranger changes, repeats or makes up is taken for the other side."""

from dataclasses import dataclass

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from agent.domain.bundle import Bundle
from agent.domain.keys import from_b64u, to_b64u
from agent.wire.enrolment import (
    REQUEST_BYTES,
    EnrolRefused,
    Fresh,
    Keys,
    Request,
    Welcome,
    _open,
    _seal,
    read_answer,
    read_card,
    read_request,
    show_card,
    write_answer,
    write_request,
)
from agent.wire.invite import Card, invite_id, new_secret
from agent.wire.keys import Identity
from agent.wire.strict_json import encode
from tests.wire.test_invite import CARD

SECRET, OTHER = new_secret(bytes(range(13))), new_secret(bytes(range(1, 14)))
NONCE = b"n" * 32
BUNDLE = Bundle(3, b"i" * 8, b"k" * 32, 1_750_000_000_000, b"j" * 8, b"b" * 32, 86_400_000)


@dataclass(frozen=True)
class Sides:
    """A hub, its card, and a newcomer."""

    hub: Identity
    card: Card
    me: Identity

    def secret_of(self, invite: str) -> bytes | None:
        return SECRET if invite == invite_id(SECRET) else None

    def welcome(self) -> Welcome:
        return Welcome(
            station="anna",
            site="s1",
            person="anna",
            roles=("kitchen",),
            password="p" * 32,
            client_id="c" * 22,
            url=self.card.url,
            brokers=self.card.brokers,
            ca=self.card.ca,
            genesis="a.b.c",
            psk=Keys.of(BUNDLE),
        )


@pytest.fixture
def sides() -> Sides:
    hub, me = Identity.new("s1", "hub"), Identity.new("s1", "")
    return Sides(hub, replace(CARD, sign=to_b64u(hub.sign), receive=to_b64u(hub.receive)), me)


def test_a_card_is_believed_from_whoever_knows_the_secret(sides: Sides) -> None:
    assert read_card(SECRET, show_card(SECRET, sides.card)) == sides.card


@pytest.mark.parametrize("shown", [b"", b"{}", b"<html>", b'{"card":"e30","mac":"' + b"A" * 43 + b'"}'])
def test_a_card_of_a_stranger_is_refused(sides: Sides, shown: bytes) -> None:
    for answer in (shown, show_card(OTHER, sides.card)):
        with pytest.raises(EnrolRefused) as caught:
            read_card(SECRET, answer)
        assert caught.value.code == "wrong-hub"


def test_a_request_arrives_with_its_proofs(sides: Sides) -> None:
    sealed = write_request(sides.card, SECRET, sides.me, NONCE, "anna")
    request = read_request(sides.hub, sealed, sides.secret_of)
    assert (request.wish, from_b64u(request.sign)) == ("anna", sides.me.sign)
    assert len(sealed) < REQUEST_BYTES


def test_a_request_is_no_confirmation(sides: Sides) -> None:
    sealed = write_request(sides.card, SECRET, sides.me, NONCE, "anna")
    with pytest.raises(EnrolRefused, match="secret"):
        read_request(sides.hub, sealed, sides.secret_of, "confirm")


@pytest.mark.parametrize("field", ["wish", "sign", "receive", "nonce", "signature", "mac"])
def test_a_request_with_any_field_changed_is_refused(sides: Sides, field: str) -> None:
    request = _open(sides.hub, write_request(sides.card, SECRET, sides.me, NONCE, "anna"), REQUEST_BYTES, Request)
    length = len(from_b64u(getattr(request, field))) if field != "wish" else 0
    forged = replace(request, **{field: to_b64u(b"x" * length) if length else "ben"})
    sealed = _seal(forged, "s1", sides.hub.sign, sides.hub.receive)
    with pytest.raises(EnrolRefused) as caught:
        read_request(sides.hub, sealed, sides.secret_of)
    assert caught.value.code == "enrol-proof"


def test_a_request_by_somebody_else_with_the_secret_cannot_use_our_key(sides: Sides) -> None:
    thief = Identity.new("s1", "")
    mixed = Identity(
        thief.site, "", thief.signing, thief.receiving, sides.me.sign, thief.receive, sides.me.kid
    )  # signs with its own key, claims ours
    with pytest.raises(EnrolRefused, match="own its key"):
        read_request(sides.hub, write_request(sides.card, SECRET, mixed, NONCE, ""), sides.secret_of)


def test_strangers_and_noise_are_refused(sides: Sides) -> None:
    def code(sealed: bytes) -> str:
        with pytest.raises(EnrolRefused) as caught:
            read_request(sides.hub, sealed, sides.secret_of)
        return caught.value.code

    assert code(write_request(sides.card, OTHER, sides.me, NONCE, "")) == "invite-unknown"
    assert code(b"") == code(b"noise" * 50) == "enrol-unreadable"
    assert code(b"x" * (REQUEST_BYTES + 1)) == "size"
    other_site = write_request(replace(sides.card, site="s2"), SECRET, sides.me, NONCE, "")
    assert code(other_site) == "enrol-unreadable"


def test_an_answer_is_for_the_one_who_asked(sides: Sides) -> None:
    request = read_request(sides.hub, write_request(sides.card, SECRET, sides.me, NONCE, ""), sides.secret_of)
    sealed = write_answer(sides.hub, SECRET, request, sides.welcome())
    assert read_answer(sides.card, SECRET, sides.me, NONCE, sealed, Welcome) == sides.welcome()
    with pytest.raises(EnrolRefused):
        read_answer(sides.card, SECRET, Identity.new("s1", ""), NONCE, sealed, Welcome)


def test_an_answer_that_is_old_or_of_another_hub_is_refused(sides: Sides) -> None:
    request = read_request(sides.hub, write_request(sides.card, SECRET, sides.me, NONCE, ""), sides.secret_of)
    other = Identity.new("s1", "hub")
    wrong = [
        (NONCE, write_answer(other, SECRET, request, sides.welcome())),
        (NONCE, write_answer(sides.hub, OTHER, request, sides.welcome())),
        (b"m" * 32, write_answer(sides.hub, SECRET, request, sides.welcome())),
        (NONCE, write_answer(sides.hub, SECRET, request, replace(sides.welcome(), site="s2"))),
    ]
    for nonce, sealed in wrong:
        with pytest.raises(EnrolRefused) as caught:
            read_answer(sides.card, SECRET, sides.me, nonce, sealed, Welcome)
        assert caught.value.code == "wrong-hub"


def test_a_welcome_fits_into_an_answer(sides: Sides) -> None:
    assert len(encode(to_builtins(sides.welcome()))) < 4096


def test_keys_travel_whole_and_show_themselves_to_nobody() -> None:
    keys = Keys.of(BUNDLE)
    assert keys.bundle() == BUNDLE
    assert "a2tra" not in repr(keys) + repr(Fresh(station="anna", site="s1", psk=keys))
    with pytest.raises(EnrolRefused) as caught:
        replace(keys, psk=to_b64u(b"k" * 31)).bundle()
    assert caught.value.code == "wrong-hub"


def test_new_keys_are_no_welcome_and_a_welcome_is_no_new_keys(sides: Sides) -> None:
    request = read_request(sides.hub, write_request(sides.card, SECRET, sides.me, NONCE, ""), sides.secret_of)
    fresh = Fresh(station="anna", site="s1", psk=Keys.of(BUNDLE))
    sealed = write_answer(sides.hub, SECRET, request, fresh)
    assert read_answer(sides.card, SECRET, sides.me, NONCE, sealed, Fresh) == fresh
    with pytest.raises(EnrolRefused):
        read_answer(sides.card, SECRET, sides.me, NONCE, sealed, Welcome)
    with pytest.raises(EnrolRefused):
        read_answer(
            sides.card, SECRET, sides.me, NONCE, write_answer(sides.hub, SECRET, request, sides.welcome()), Fresh
        )


def test_the_card_of_a_newcomer_says_nothing_of_renewing(sides: Sides) -> None:
    assert "renews" not in to_builtins(sides.card)
    assert read_card(SECRET, show_card(SECRET, replace(sides.card, renews="anna"))).renews == "anna"
