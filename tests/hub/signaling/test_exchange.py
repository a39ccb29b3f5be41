"""The exchange: one socket a station, sealed frames to whoever is here, and an end with a reason for all else."""

import json
import random
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.envelope import SEALED_BYTES
from agent.domain.keys import to_b64u
from agent.hub.signaling.events import (
    Changed,
    Closed,
    Effect,
    End,
    Event,
    Late,
    Opened,
    Rest,
    Revoked,
    Said,
    Say,
    Taken,
)
from agent.hub.signaling.exchange import BURST, MESSAGES, Exchange, Limits
from agent.hub.signaling.login import Gate
from tests.hub.signaling.scene import HOST, Site, login_frame


class Room:
    """An exchange with its clock, and what each socket got."""

    def __init__(self, *stations: str, **limits: int) -> None:
        self.site, self.now = Site(*stations), 0.0
        chance = random.Random(1).randbytes
        self.exchange = Exchange(Gate(lambda: self.site.ledger, frozenset({HOST})), chance, Limits(**limits))
        self.heard: dict[int, list[Any]] = {}
        self.ended: dict[int, str] = {}
        self.rests: dict[int, float] = {}
        self.take = True

    def tell(self, event: Event) -> list[Effect]:
        effects = self.exchange.handle(event, self.now)
        for effect in effects:
            assert effect.socket not in self.ended, "an ended socket is left alone"
            match effect:
                case Say(number, text):
                    self.heard.setdefault(number, []).append(json.loads(text))
                    if self.take:
                        assert self.exchange.handle(Taken(number, len(text)), self.now) == []
                case End(number, text, code):
                    assert json.loads(text) == {"error": code, "message": MESSAGES[code]}
                    self.ended[number] = code
                case Rest(number, seconds):
                    self.rests[number] = seconds
        return effects

    def open(self, number: int) -> str:
        self.tell(Opened(number))
        return str(self.heard[number][-1]["challenge"])

    def log_in(self, number: int, station: str) -> None:
        challenge = self.open(number)
        self.say(number, login=login_frame(self.site.keys[station], challenge))
        assert self.heard[number][-1] == {"ok": {"station": station}}

    def say(self, number: int, **message: object) -> list[Effect]:
        return self.tell(Said(number, json.dumps(message)))


def test_a_sealed_frame_goes_to_its_station_as_it_came_and_to_nobody_else() -> None:
    room = Room("a", "b", "c")
    for number, station in enumerate("abc"):
        room.log_in(number, station)
    sealed = room.site.sealed("b")
    (effect,) = room.say(0, to="b", sealed=sealed)
    assert effect.socket == 1
    assert room.heard[1][-1] == {"from": "a", "sealed": sealed}


@pytest.mark.parametrize("to", ["c", "nobody", "hub", "a"])
def test_whoever_is_not_here_is_told_gone(to: str) -> None:
    room = Room("a", "b", "c")
    room.log_in(1, "a")
    room.say(1, to=to, sealed=room.site.sealed("c"))
    assert room.heard[1][-1] == {"gone": to}


def test_each_challenge_is_new_and_counts_once_at_its_own_socket() -> None:
    room = Room("a")
    first, second = room.open(1), room.open(2)
    assert first != second
    room.say(2, login=login_frame(room.site.keys["a"], first))
    assert room.ended == {2: "challenge"}


def test_the_newest_socket_wins_and_the_older_is_told() -> None:
    room = Room("a", "b")
    room.log_in(1, "a")
    room.log_in(2, "b")
    room.log_in(3, "a")
    assert room.ended == {1: "replaced"}
    room.tell(Closed(1))
    room.say(2, to="a", sealed=room.site.sealed("a"))
    assert room.heard[3][-1]["from"] == "b"
    assert room.exchange.stations == ["a", "b"]


def test_a_thief_of_a_name_is_refused_and_its_owner_stays() -> None:
    room = Room("a", "b")
    room.log_in(1, "a")
    room.say(2, login=login_frame(room.site.keys["b"], room.open(2), sender="a"))
    assert room.ended == {2: "name"}
    assert room.exchange.stations == ["a"]


def test_a_stranger_has_one_try_and_a_limited_time() -> None:
    room = Room("a")
    room.open(1)
    room.tell(Late(1))
    room.open(2)
    room.say(2, to="a", sealed=room.site.sealed("a"))
    room.open(3)
    room.tell(Said(3, None))
    assert room.ended == {1: "login-late", 2: "login", 3: "form"}
    room.log_in(4, "a")
    assert room.tell(Late(4)) == []
    assert room.exchange.strangers == 0


ODD = [
    ("form", None),
    ("form", "no json"),
    ("form", "[]"),
    ("form", '{"to": "b"}'),
    ("form", '{"to": "B!", "sealed": "x"}'),
    ("form", '{"to": "b", "sealed": 7}'),
    ("form", '{"to": "b", "sealed": "x", "sdp": "v=0"}'),
    ("sealed", '{"to": "b", "sealed": ""}'),
    ("sealed", '{"to": "b", "sealed": "v=0\\r\\no=- 1 1 IN IP4 127.0.0.1"}'),
    ("sealed", json.dumps({"to": "b", "sealed": to_b64u(b"NMR1" + bytes(16))})),
    ("sealed", json.dumps({"to": "b", "sealed": to_b64u(b"NMR2" + bytes(300))})),
    ("sealed", json.dumps({"to": "b", "sealed": to_b64u(b"NMR1" + bytes(300)) + "="})),
    ("sealed", json.dumps({"to": "b", "sealed": "ü" * 300})),
    ("sealed", json.dumps({"to": "b", "sealed": to_b64u(b"NMR1" + bytes(300))[:-1] + "B"})),
    ("sealed", json.dumps({"to": "b", "sealed": to_b64u(b"NMR1" + bytes(SEALED_BYTES))})),
]


@pytest.mark.parametrize(("code", "text"), ODD)
def test_whatever_is_no_sealed_frame_ends_the_socket_and_reaches_nobody(code: str, text: str | None) -> None:
    room = Room("a", "b")
    room.log_in(1, "a")
    room.log_in(2, "b")
    room.tell(Said(1, text))
    assert room.ended == {1: code}
    assert len(room.heard[2]) == 2


def test_the_largest_container_is_relayed() -> None:
    room = Room("a", "b")
    room.log_in(1, "a")
    room.log_in(2, "b")
    room.say(1, to="b", sealed=to_b64u(b"NMR1" + bytes(SEALED_BYTES - 4)))
    assert room.heard[2][-1]["from"] == "a"


def test_a_revoked_station_is_closed_when_it_is_said_so() -> None:
    room = Room("a", "b")
    room.log_in(1, "a")
    room.log_in(2, "b")
    room.tell(Revoked("a"))
    room.tell(Revoked("nobody"))
    assert room.ended == {1: "revoked"}


def test_a_ledger_that_has_grown_closes_who_is_out_or_has_new_keys_and_nobody_else() -> None:
    room = Room("a", "b", "c")
    for number, station in enumerate("abc"):
        room.log_in(number, station)
    room.site.revoke("a")
    room.site.revoke("b")
    room.site.add("b")
    room.tell(Changed())
    assert room.ended == {0: "revoked", 1: "revoked"}


def test_a_revoked_station_says_and_hears_nothing_even_before_anybody_said_so() -> None:
    room = Room("a", "b", "c")
    for number, station in enumerate("abc"):
        room.log_in(number, station)
    room.site.revoke("a")
    room.say(1, to="a", sealed=room.site.sealed("a"))
    assert room.ended == {0: "revoked"}
    assert room.heard[1][-1] == {"gone": "a"}
    room.site.revoke("b")
    room.say(1, to="c", sealed=room.site.sealed("c"))
    assert room.ended == {0: "revoked", 1: "revoked"}
    assert len(room.heard[2]) == 2


def test_a_flood_is_read_more_slowly_and_a_new_socket_is_no_way_around() -> None:
    room = Room("a", "b")
    room.log_in(1, "a")
    for _ in range(int(BURST) + 1):
        assert 1 not in room.rests
        room.say(1, to="b", sealed=room.site.sealed("b"))
    assert room.rests[1] == pytest.approx(1 / 20)
    room.log_in(2, "a")
    room.say(2, to="b", sealed=room.site.sealed("b"))
    assert room.rests[2] == pytest.approx(2 / 20)


def test_what_waits_for_a_slow_reader_is_bounded_and_the_sender_knows() -> None:
    room = Room("a", "b", waiting=1000)
    room.log_in(1, "a")
    room.log_in(2, "b")
    room.take = False
    sealed = room.site.sealed("b")
    (first,) = room.say(1, to="b", sealed=sealed)
    room.say(1, to="b", sealed=sealed)
    assert room.heard[1][-1] == {"gone": "b"}
    assert isinstance(first, Say)
    room.tell(Taken(2, len(first.text)))
    room.say(1, to="b", sealed=sealed)
    assert len(room.heard[2]) == 4


def test_a_sender_that_does_not_read_answers_is_bounded_too() -> None:
    room = Room("a", waiting=1000)
    room.log_in(1, "a")
    room.take = False
    for _ in range(200):
        room.say(1, to="z", sealed=room.site.sealed("a"))
    assert sum(len(json.dumps(message)) for message in room.heard[1]) < 1500


def test_among_too_many_strangers_the_one_that_waited_longest_goes() -> None:
    room = Room("a", strangers=2)
    for number in (1, 2, 3):
        room.open(number)
    assert room.ended == {1: "busy"}
    room.log_in(4, "a")
    assert room.ended == {1: "busy", 2: "busy"}


def test_where_all_sockets_are_taken_a_newcomer_is_told_and_nobody_loses_theirs() -> None:
    room = Room("a", "b", sockets=2)
    room.log_in(1, "a")
    room.log_in(2, "b")
    room.tell(Opened(3))
    assert room.ended == {3: "busy"}
    assert room.exchange.stations == ["a", "b"]
    room.tell(Closed(1))
    room.open(4)


STATES = ["unknown", "stranger", "member", "ended"]
EVENTS: list[Event] = [
    Said(1, "{}"),
    Said(1, None),
    Taken(1, 5),
    Late(1),
    Closed(1),
    Revoked("a"),
    Changed(),
]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_has_an_answer_in_every_state(state: str, event: Event) -> None:
    room = Room("a")
    if state == "stranger":
        room.open(1)
    elif state != "unknown":
        room.log_in(1, "a")
    if state == "ended":
        room.tell(Revoked("a"))
    effects = room.tell(event)
    if state in ("unknown", "ended"):
        assert effects == []


_acts = st.tuples(
    st.sampled_from(["open", "login", "thief", "relay", "odd", "close", "late", "revoke", "add", "changed", "wait"]),
    st.integers(0, 5),
    st.sampled_from("abc"),
)


class Walk:
    """Six places from which sockets come and go, as chance will have it."""

    def __init__(self) -> None:
        self.room, self.numbers, self.latest = Room("a", "b", "c", sockets=4, strangers=2), count(1), [0] * 6

    def act(self, act: str, place: int, station: str) -> None:
        number, room = self.latest[place], self.room
        here: dict[str, Event] = {"close": Closed(number), "late": Late(number), "odd": Said(number, "?")}
        if act == "open":
            self.latest[place] = next(self.numbers)
            room.tell(Opened(self.latest[place]))
        elif act in ("login", "thief") and room.heard.get(number):
            key = room.site.keys["a" if act == "thief" else station]
            room.say(number, login=login_frame(key, room.heard[number][0]["challenge"], sender=station))
        elif act == "relay":
            room.say(number, to=station, sealed=room.site.sealed(station))
        elif act in ("revoke", "add"):
            if (act == "revoke") == (room.site.ledger.member(station) is not None):
                getattr(room.site, act)(station)
        elif act == "wait":
            room.now += 1
        else:
            room.tell(here.get(act, Changed()))


@given(st.lists(_acts, max_size=60))
def test_whatever_happens_each_station_has_at_most_one_socket_and_nothing_is_left_behind(
    acts: list[tuple[str, int, str]],
) -> None:
    walk = Walk()
    exchange = walk.room.exchange
    for act in acts:
        walk.act(*act)
        here = {socket.member.station: n for n, socket in exchange._sockets.items() if socket.member}
        assert exchange._stations == here
        assert set(exchange._sockets) == set(here.values()) | set(exchange._strangers)
        assert len(exchange._sockets) <= 4
        assert exchange.strangers <= 2
        assert all(socket.waiting == 0 for socket in exchange._sockets.values())
