"""The signaling server's decisions: who is logged in here, and to whom a sealed frame goes."""

# WebSocket wss://HOST:PORT/signal, text frames, each one JSON object, at most MESSAGE_BYTES:
#
#   S→C {"challenge": B64U(32)}
#   C→S {"login": <JWS frame of the envelope signal.login {challenge, host}, to the hub>}      within LOGIN_S
#   S→C {"ok": {"station": <who you are>}}
#   C→S {"to": <station>, "sealed": <container NMR1…, B64U>}                                   20/s, 40 at once
#   S→C {"from": <station>, "sealed": <the same>}
#   S→C {"gone": <station>}                                    it has no socket here, or does not read what comes
#   S→C {"error": <code of MESSAGES>, "message": <for people>}                always the last word; then it closes
#
# Each socket is a stranger until its login, then the one socket of its station, then forgotten.
#
#               stranger                          member                               forgotten
#   Said        logged in, or refused             relayed, gone, or refused            nothing
#   Late        refused: login-late               nothing                              nothing
#   Taken       nothing waits for it longer       nothing waits for it longer          nothing
#   Closed      forgotten                         forgotten                            nothing
#   a newer socket logs in as the same station    refused: replaced
#   Revoked, Changed                              refused: revoked

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import DecodeError, Struct, json

from agent.domain.envelope import SEALED_BYTES, Name
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.ledger import Member
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
from agent.hub.signaling.login import Gate, LoginRefused
from agent.hub.signaling.pace import Paces
from agent.wire.seal import HEAD_BYTES, MAGIC

CHALLENGE_BYTES = 32
LOGIN_S = 10.0
MESSAGE_BYTES = 64 * 1024
RATE, BURST = 20.0, 40.0

MESSAGES = {
    "busy": "Too many are connected to this server. Try again in a minute",
    "login-late": f"No login came within {LOGIN_S:g} seconds",
    "login": "This is not a login of this site",
    "unknown": "Nobody with this key is a member of the site. A newcomer may try again in a moment",
    "revoked": "This station is no longer a member of the site. Ask IT for an invite",
    "name": "This name belongs to another station",
    "challenge": "This login answers another challenge",
    "host": "This login was made for another server. IT names this one with hub.names or --name",
    "form": 'Say {"to": STATION, "sealed": CONTAINER} in a text frame',
    "sealed": f"Only sealed containers of at most {SEALED_BYTES} bytes are relayed",
    "replaced": "This station has connected again; the newer connection counts",
}
"""Why a connection ends, by code."""

_TEXT = re.compile("[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much this server takes on: sockets in all, strangers among them, bytes that wait for one slow reader."""

    sockets: int = 2000
    strangers: int = 200
    waiting: int = 1024 * 1024


class _Login(Struct, forbid_unknown_fields=True):
    login: str


class _Relay(Struct, forbid_unknown_fields=True):
    to: Name
    sealed: str


@dataclass(slots=True)
class _Socket:
    challenge: str
    member: Member | None = None
    waiting: int = 0


class Exchange:
    """One signaling server. `handle` is the whole interface; it keeps nothing but who is here.

    `chance` gives so many fresh random bytes. `counts` says how often what happened.
    """

    def __init__(self, gate: Gate, chance: Callable[[int], bytes], limits: Limits = Limits()) -> None:
        self._gate, self._chance, self._limits = gate, chance, limits
        self._sockets: dict[int, _Socket] = {}
        self._strangers: dict[int, None] = {}  # a set that keeps its order
        self._stations: dict[str, int] = {}
        self._paces = Paces(RATE, BURST)
        self.counts: Counter[str] = Counter()

    @property
    def stations(self) -> list[str]:
        """Who is logged in."""
        return sorted(self._stations)

    @property
    def strangers(self) -> int:
        """How many sockets are not logged in yet."""
        return len(self._strangers)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Decide, at monotonic time `now`; what a forgotten socket says, or that is not due any more, has no effect."""
        match event:
            case Opened(number):
                return self._opened(number, now)
            case Revoked(station):
                return self._refuse(self._stations[station], "revoked") if station in self._stations else []
            case Changed():
                return [effect for number in list(self._stations.values()) for effect in self._still_member(number)]
            case _:
                socket = self._sockets.get(event.socket)
                return [] if socket is None else self._at_socket(event, socket, now)

    def _at_socket(self, event: Said | Taken | Late | Closed, socket: _Socket, now: float) -> list[Effect]:
        match event:
            case Said(number, text):
                return self._said(number, socket, text, now)
            case Late(number) if socket.member is None:
                return self._refuse(number, "login-late")
            case Taken(_, size):
                socket.waiting = max(0, socket.waiting - size)
            case Closed(number):
                self._forget(number)
        return []

    def _opened(self, number: int, now: float) -> list[Effect]:
        """Greet a stranger; where there are too many, whoever has been one for longest goes."""
        if len(self._sockets) >= self._limits.sockets:
            self.counts["busy"] += 1
            return [_end(number, "busy")]
        effects: list[Effect] = []
        if len(self._strangers) >= self._limits.strangers:
            effects += self._refuse(next(iter(self._strangers)), "busy")
        self._paces.forget_idle(now)
        socket = self._sockets[number] = _Socket(to_b64u(self._chance(CHALLENGE_BYTES)))
        self._strangers[number] = None
        return effects + self._say(number, {"challenge": socket.challenge})

    def _said(self, number: int, socket: _Socket, text: str | None, now: float) -> list[Effect]:
        if text is None:
            return self._refuse(number, "form")
        if socket.member is None:
            return self._log_in(number, socket, text)
        effects = self._still_member(number) or self._relay(number, socket.member.station, text)
        rest = self._paces.spend(socket.member.station, now)
        if rest and number in self._sockets:
            self.counts["rests"] += 1
            effects.append(Rest(number, rest))
        return effects

    def _log_in(self, number: int, socket: _Socket, text: str) -> list[Effect]:
        try:
            member = self._gate.check(json.decode(text, type=_Login).login, socket.challenge)
        except DecodeError:
            return self._refuse(number, "login")
        except LoginRefused as refused:
            return self._refuse(number, refused.code)
        older = self._stations.get(member.station)
        effects = [] if older is None else self._refuse(older, "replaced")
        socket.member = member
        del self._strangers[number]
        self._stations[member.station] = number
        self.counts["logins"] += 1
        return effects + self._say(number, {"ok": {"station": member.station}})

    def _relay(self, number: int, sender: str, text: str) -> list[Effect]:
        try:
            asked = json.decode(text, type=_Relay)
        except DecodeError:
            return self._refuse(number, "form")
        if not _is_container(asked.sealed):
            return self._refuse(number, "sealed")
        effects: list[Effect] = []
        recipient = self._stations.get(asked.to)
        if recipient is not None and recipient != number:
            effects = self._still_member(recipient) or self._say(recipient, {"from": sender, "sealed": asked.sealed})
        if any(isinstance(effect, Say) for effect in effects):
            self.counts["relayed"] += 1
            return effects
        self.counts["gone"] += 1
        return effects + self._say(number, {"gone": asked.to})

    def _still_member(self, number: int) -> list[Effect]:
        """Nothing if the station at this socket is a member with the keys it logged in with; else its end."""
        member = self._sockets[number].member
        now = self._gate.ledger().member(member.station) if member else None
        return [] if member and now and now.kid == member.kid else self._refuse(number, "revoked")

    def _say(self, number: int, message: object) -> list[Effect]:
        """Say it unless too much waits for this socket already."""
        text, socket = json.encode(message).decode(), self._sockets[number]
        if socket.waiting + len(text) > self._limits.waiting:
            self.counts["dropped"] += 1
            return []
        socket.waiting += len(text)
        return [Say(number, text)]

    def _refuse(self, number: int, code: str) -> list[Effect]:
        self._forget(number)
        self.counts[code] += 1
        return [_end(number, code)]

    def _forget(self, number: int) -> None:
        member = self._sockets.pop(number).member
        self._strangers.pop(number, None)
        if member is not None:
            del self._stations[member.station]


def _end(number: int, code: str) -> End:
    return End(number, json.encode({"error": code, "message": MESSAGES[code]}).decode(), code)


def _is_container(text: str) -> bool:
    """Whether it looks like one from outside; what is in it is none of our business."""
    if _TEXT.fullmatch(text) is None:
        return False
    try:
        raw = from_b64u(text)
    except ValueError:
        return False
    return HEAD_BYTES < len(raw) <= SEALED_BYTES and raw.startswith(MAGIC)
