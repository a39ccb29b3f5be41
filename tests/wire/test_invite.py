"""An invite's code: people type it, so every slip of a finger must show before anything is sent."""

import json
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.domain.errors import BadInput
from agent.domain.keys import to_b64u
from agent.wire.invite import (
    SECRET_BYTES,
    Card,
    _check,
    invite_id,
    invite_key,
    new_secret,
    read_code,
    read_invite,
    write_code,
    write_file,
    write_link,
)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRETS = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES).map(new_secret)
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CARD = Card(
    site="s1",
    sign=to_b64u(b"s" * 32),
    receive=to_b64u(b"r" * 32),
    url="https://hub.example:8443",
    brokers=(("hub.example", 8883),),
    ca=to_b64u(PEM.encode()),
    person="anna",
    roles=("kitchen",),
    not_after=1_700_000_000_000,
)


@given(SECRETS)
def test_a_code_is_read_as_it_was_written(secret: bytes) -> None:
    code = write_code(secret)
    assert read_code(code) == secret
    assert [len(group) for group in code.split("-")] == [5] * 5
    assert set(code) <= {*ALPHABET, "-"}


def test_a_code_holds_a_hundred_bits() -> None:
    assert new_secret(b"\xff" * 13) == ((1 << 100) - 1).to_bytes(13, "big")
    assert read_code(write_code(new_secret(b"\xff" * 13))) == new_secret(b"\xff" * 13)


@given(SECRETS, st.sampled_from(["", " ", "-", "–", " - ", "\n", "."]), st.booleans())
def test_case_dashes_spaces_and_look_alikes_do_not_matter(secret: bytes, between: str, lower: bool) -> None:
    typed = write_code(secret).replace("0", "O").replace("1", "I").replace("-", between)
    assert read_code(f" {typed.lower() if lower else typed}\n") == secret
    assert read_code(write_code(secret).replace("1", "l")) == secret


def test_no_group_turns_into_another_by_one_wrong_symbol() -> None:
    # All 2^20 groups there are. Two that agree in four of their five symbols would be one typo apart: so with any one
    # data symbol left out, the other three and the check must still tell all groups apart. (With the check left out
    # the four data symbols do so anyway.)
    seen = [bytearray(1 << 20) for _ in range(4)]
    for a, b, c, d in product(range(32), repeat=4):
        check = _check(0, (a, b, c, d))
        seen[0][b << 15 | c << 10 | d << 5 | check] = 1
        seen[1][a << 15 | c << 10 | d << 5 | check] = 1
        seen[2][a << 15 | b << 10 | d << 5 | check] = 1
        seen[3][a << 15 | b << 10 | c << 5 | check] = 1
    assert [marks.count(1) for marks in seen] == [1 << 20] * 4


@given(st.lists(st.integers(0, 31), min_size=4, max_size=4), st.integers(0, 4))
def test_the_place_of_a_group_only_shifts_its_check(data: list[int], group: int) -> None:
    assert _check(group, data) == _check(0, data) ^ group


@given(SECRETS, st.integers(0, 4), st.data())
def test_two_symbols_swapped_in_a_group_show(secret: bytes, group: int, data: st.DataObject) -> None:
    groups = write_code(secret).split("-")
    one, other = sorted(data.draw(st.lists(st.integers(0, 4), min_size=2, max_size=2, unique=True)))
    symbols = list(groups[group])
    symbols[one], symbols[other] = symbols[other], symbols[one]
    if "".join(symbols) == groups[group]:
        return
    groups[group] = "".join(symbols)
    with pytest.raises(BadInput):
        read_code("-".join(groups))


@given(SECRETS, st.permutations(range(5)))
def test_groups_in_a_wrong_order_show(secret: bytes, order: list[int]) -> None:
    groups = write_code(secret).split("-")
    if order == list(range(5)):
        return
    with pytest.raises(BadInput):
        read_code("-".join(groups[index] for index in order))


def test_the_message_names_the_wrong_groups() -> None:
    groups = write_code(new_secret(bytes(range(13)))).split("-")
    wrong = [groups[0], "AAAAA", groups[2], groups[3][:4] + "U", groups[4]]
    with pytest.raises(BadInput, match=r"Groups 2 \(“AAAAA”\), 4 ") as caught:
        read_code(" ".join(wrong))
    assert caught.value.code == "invite-mistyped"
    with pytest.raises(BadInput, match=r"Group 5 \(“....”\)"):
        read_code("-".join(groups)[:-1])
    with pytest.raises(BadInput, match="24 characters"):
        read_code("".join(groups)[:-1])


@pytest.mark.parametrize("text", ["", "-", "?", "AAAAA-AAAAA", "é" * 25, "١" * 25, "\x00" * 25, "x" * 10_000])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_code(text)


def test_a_file_a_link_and_a_code_give_the_same_secret() -> None:
    secret = new_secret(Random(1).randbytes(13))
    file = read_invite(json.dumps(write_file(secret, CARD), indent=2))
    link = read_invite(write_link(secret, CARD))
    code = read_invite(write_code(secret))
    assert {file.secret, link.secret, code.secret} == {secret}
    assert (file.card, file.hub) == (CARD, CARD.url)
    assert (link.card, link.hub) == (None, "hub.example:8443")
    assert (code.card, code.hub) == (None, "")
    assert read_invite("\ufeff" + json.dumps(write_file(secret, CARD))).card == CARD


def _changed(**changes: object) -> str:
    return json.dumps({**write_file(new_secret(bytes(13)), CARD), **changes})


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{",
        _changed(v=2),
        _changed(nmr="page"),
        _changed(more=1),
        _changed(code="AAAAA"),
        _changed(card={}),
        '{"nmr":"invite","nmr":"invite"}',
        json.dumps(write_file(new_secret(bytes(13)), replace(CARD, ca="AAAA"))),
        json.dumps(write_file(new_secret(bytes(13)), replace(CARD, url="http://hub"))),
        json.dumps(write_file(new_secret(bytes(13)), replace(CARD, sign="A" * 42 + "B"))),
    ],
)
def test_a_file_that_is_not_exactly_an_invite_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_invite(text)


def test_keys_and_names_of_an_invite_have_nothing_in_common() -> None:
    secret = new_secret(bytes(range(13)))
    keys = {invite_key(secret, "card"), invite_key(secret, "request"), invite_key(secret, "answer")}
    assert len(keys | {invite_key(secret, "confirm")}) == 4
    assert len(invite_id(secret)) == 16
    assert invite_id(secret) != invite_id(new_secret(bytes(13)))
