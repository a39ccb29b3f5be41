"""What IT may ask of the running hub over its control socket."""

# do            with                                   result
# hub.invite    person, roles[], station (or "")       {invite: file object, code, link, url, not_after_ms}
# hub.revoke    station                                {}
# hub.roles     station, roles[]                       {}
# hub.stations  -                                      [{station, person, roles, kid, since_ms (a member since),
#                                                        mail (address or ""), seen_ms (last heard, or null), live,
#                                                        revoked}]
# hub.status    -                                      {site, url, broker, http_port, mqtt_port, refused: {code: n},
#                                                        open_rows, links, orders, pages, stations: n, live: [station],
#                                                        ledger: {seq, head}, alarms: [text],
#                                                        restored: null or {made_ms, at_ms, seq, newest, waiting},
#                                                        signaling: {stations: [name], strangers: n, counts},
#                                                        letters: {code or "answered": n} (newcomers by mail)}
# hub.psk.list      -                                  [{station, gen, not_after_ms, gone_percent (of its life),
#                                                        pending_gen (or null), proven_ms (last, or null),
#                                                        until_ms (end of its session, or null), state (a key of
#                                                        keys_report.STATES), passed_over: n}]
# hub.psk.expire    station (or "" for all)            {stations: [station]}
# hub.psk.replace   station                            as hub.invite; only that station can use it
# hub.settle    -                                      {}; a restored hub waits for no station any more, and where the
#                                                        list was split, the hub's is the one that counts
# quit          -                                      {}

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct, ValidationError, convert

from agent.domain.errors import BadInput
from agent.domain.events import Instant
from agent.domain.keys import to_b64u
from agent.domain.ledger import Member
from agent.domain.names import HUB
from agent.hub.core import Core
from agent.hub.enrolment import Ask, Enrolment
from agent.hub.errands import Errands
from agent.hub.forks import SettleAsked
from agent.hub.keys_report import report
from agent.hub.proofs import ExpireAsked
from agent.hub.recovery import Recovery
from agent.system.control_server import Say
from agent.wire.frame import read_body, take_apart
from agent.wire.invite import Card, write_code, write_file, write_link

With = TypeVar("With", bound=Struct)


class _Invite(Struct, forbid_unknown_fields=True):
    person: str
    roles: tuple[str, ...] = ()
    station: str | None = None


class _Station(Struct, forbid_unknown_fields=True):
    station: str


class _Roles(Struct, forbid_unknown_fields=True):
    station: str
    roles: tuple[str, ...]


class Office:
    """Answers IT. `facts` are what the status says besides; `quit_` ends the hub."""

    def __init__(
        self,
        *,
        core: Core,
        enrolment: Enrolment,
        recovery: Recovery,
        alarms: Callable[[], list[str]],
        errands: Errands,
        ask: Ask,
        invite_hours: int,
        now: Callable[[], Instant],
        facts: Callable[[], dict[str, Any]],
        quit_: Callable[[], None],
    ) -> None:
        self._core, self._enrolment, self._errands, self._hours = core, enrolment, errands, invite_hours
        self._ask, self._now, self._facts, self._quit = ask, now, facts, quit_
        self._recovery, self._alarms = recovery, alarms
        self._since: dict[str, int] = {}
        self._read = 0

    async def answer(self, do: str, with_: dict[str, Any], _: Say) -> object:
        """Return the result of a request; raises NmrError."""
        match do:
            case "hub.invite":
                return await self._invite(_given(with_, _Invite))
            case "hub.revoke":
                await self._errands.run(self._enrolment.revoke(_given(with_, _Station).station))
            case "hub.roles":
                asked = _given(with_, _Roles)
                await self._errands.run(self._enrolment.give_roles(asked.station, asked.roles))
            case "hub.stations":
                return self.stations()
            case "hub.status":
                return self.status()
            case "hub.settle":
                await self._errands.run(self._recovery.settle())
                await self._ask(SettleAsked)
            case "quit":
                self._quit()
            case _:
                return await self._keys(do, with_)
        return {}

    async def _keys(self, do: str, with_: dict[str, Any]) -> object:
        """Answer what is about the stations' keys."""
        match do:
            case "hub.psk.list":
                return report(self._core.proofs, self._core.ledger, self._now().ms)
            case "hub.psk.expire":
                return await self._expire(_given(with_, _Station).station)
            case "hub.psk.replace":
                station = _given(with_, _Station).station
                return _made(*await self._errands.run(self._enrolment.replace_keys(station, self._hours)))
        raise BadInput("The hub cannot do that", f"“{do}” is none of its requests", code="no-such-request")

    def stations(self) -> list[dict[str, Any]]:
        """Return every station there ever was, by name."""
        now = self._now()
        members = sorted(self._core.ledger.members.values(), key=lambda member: member.station)
        return [self._station(member, now) for member in members if member.station != HUB]

    def status(self) -> dict[str, Any]:
        """Return how the hub stands."""
        core = self._core
        return {
            "site": core.ledger.site,
            **self._facts(),
            "links": [
                {"name": link.name, "state": link.state, "detail": link.why} for link in core.links.states.values()
            ],
            "orders": core.registry.alive(),
            "pages": len(core.history.pages),
            "stations": len(core.ledger.active()),
            "live": sorted(core.roster.live(self._now().mono)),
            "ledger": {"seq": core.ledger.seq, "head": to_b64u(core.ledger.head)},
            "alarms": self._alarms(),
            "restored": self._recovery.status(),
        }

    async def _invite(self, asked: _Invite) -> dict[str, Any]:
        making = self._enrolment.invite(asked.person, asked.roles, asked.station or "", self._hours)
        return _made(*await self._errands.run(making))

    async def _expire(self, station: str) -> dict[str, Any]:
        known = [row["station"] for row in report(self._core.proofs, self._core.ledger, self._now().ms)]
        if station and station not in known:
            raise BadInput(
                "There is no such station", f"“{station}” is no member", code="no-such-station", field="station"
            )
        stations = (station,) if station else tuple(known)
        await self._ask(lambda ticket: ExpireAsked(stations, ticket))
        return {"stations": list(stations)}

    def _station(self, member: Member, now: Instant) -> dict[str, Any]:
        silent = self._core.roster.silent_for(member.station, now.mono)
        return {
            "station": member.station,
            "person": member.person,
            "roles": list(member.roles),
            "kid": to_b64u(member.kid),
            "mail": member.mail,
            "since_ms": self._added()[member.station],
            "seen_ms": None if silent is None else now.ms - round(silent * 1000),
            "live": member.station in self._core.roster.live(now.mono),
            "revoked": member.revoked,
        }

    def _added(self) -> dict[str, int]:
        """When each station became a member: the entries tell."""
        for frame in self._core.frames[self._read :]:
            envelope, _ = read_body(take_apart(frame).body)
            if envelope.p["op"] == "member.add":
                self._since[envelope.p["subject"]] = envelope.at
        self._read = len(self._core.frames)
        return self._since


def _made(secret: bytes, card: Card) -> dict[str, Any]:
    """What IT gets for an invite."""
    return {
        "invite": write_file(secret, card),
        "code": write_code(secret),
        "link": write_link(secret, card),
        "url": card.url,
        "not_after_ms": card.not_after,
    }


def _given(with_: dict[str, Any], kind: type[With]) -> With:
    try:
        return convert(with_, kind)
    except ValidationError as error:
        raise BadInput("The request cannot be understood", str(error), code="bad-request") from error
