"""The door of the site: makes invites, lets newcomers in, shows members out."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec.structs import replace

from agent.domain.effects import Keep
from agent.domain.errors import BadInput, NmrError, TryLater
from agent.domain.events import Instant, NotSaved
from agent.domain.keys import from_b64u, kid_of, to_b64u
from agent.domain.ledger import Member
from agent.domain.names import HUB, is_name
from agent.hub.accounts import Accounts, make_account, make_bundle, new_password
from agent.hub.core import Core
from agent.hub.entries import member_value
from agent.hub.invites import FORGET_MS, Issued, claimed_by, claimed_for, free_name, is_alarm, judge
from agent.hub.kept import write_kept
from agent.hub.papers import Site
from agent.hub.proofs import ReplaceAsked
from agent.hub.publisher import Publisher
from agent.system.log import event
from agent.system.store import Store
from agent.wire.enrolment import Done, EnrolRefused, Refused, Request, read_request, show_card, write_answer
from agent.wire.invite import SECRET_BYTES, Card, Purpose, invite_id, new_secret

log = logging.getLogger(__name__)

_MOST_ALARMS = 20


Ask = Callable[[Callable[[int], object]], Awaitable[object]]
"""Tells the core what is made for a ticket, and waits for its Reply."""


class Enrolment:
    """Invites and what becomes of them. Its coroutines must not be cancelled on the way; see Errands.

    `ask` and `tell` reach the core, `life_ms` is how long keys are good.
    """

    def __init__(
        self,
        *,
        site: Site,
        store: Store,
        accounts: Accounts,
        publisher: Publisher,
        core: Core,
        ask: Ask,
        tell: Callable[[object], None],
        now: Callable[[], Instant],
        life_ms: int,
        kept: Iterable[Issued],
    ) -> None:
        self._site, self._store, self._accounts, self._publisher = site, store, accounts, publisher
        self._core, self._ask, self._tell, self._now, self._life_ms = core, ask, tell, now, life_ms
        self._issued = {issued.id: issued for issued in kept}
        self._one = asyncio.Lock()  # one newcomer at a time: the first key of an invite is the only one
        self.alarms: list[str] = []

    async def invite(self, person: str, roles: Sequence[str], station: str, hours: int) -> tuple[bytes, Card]:
        """Make an invite; returns its secret and its card. Raises BadInput, StoreError, TryLater."""
        self._publisher.refuse_if_stopped()
        for field, name in (
            ("person", person),
            *(("roles", role) for role in roles),
            *([("station", station)] * bool(station)),
        ):
            if not is_name(name) or name == HUB:
                raise BadInput("This name cannot be used", f"“{name}”: write 1 to 32 of a-z, 0-9 and -", field=field)
        if station and self._is_taken(station):
            raise BadInput(
                "This station is there already", f"Revoke “{station}” first, or choose another name", field="station"
            )
        issued = self._issue(person, tuple(dict.fromkeys(roles)), station, hours)
        await self._keep(issued)
        event(log, "invite", id=issued.id, person=person, roles=",".join(roles))
        return from_b64u(issued.secret), self._site.card(issued)

    async def replace_keys(self, station: str, hours: int) -> tuple[bytes, Card]:
        """Let a station's keys count no more, at once, and make the invite with which it gets new ones.

        Returns its secret and its card. Raises BadInput, StoreError.
        """
        member = self._member(station)
        async with self._one:
            fresh = make_bundle(1, self._now().ms, self._life_ms)  # which generation it is, the core knows
            issued = replace(
                self._issue(member.person, member.roles, station, hours),
                claimed=claimed_for(member),
                given=station,
                renews=to_b64u(fresh.psk_id),
            )
            await self._keep(issued)  # first: until the hub holds the keys it is for, it is worth nothing
            await self._ask(lambda ticket: ReplaceAsked(station, fresh, ticket))
            event(log, "keys-replaced", invite=issued.id, station=station)
        return from_b64u(issued.secret), self._site.card(issued)

    def show(self, invite: str) -> bytes:
        """Return what the hub shows to whoever knows the name of an invite; raises EnrolRefused."""
        issued = self._issued.get(invite)
        if issued is None:
            raise EnrolRefused("invite-unknown")
        if self._now().ms >= issued.not_after:
            raise EnrolRefused("invite-used" if issued.used else "invite-expired")
        return show_card(from_b64u(issued.secret), self._site.card(issued))

    async def enrol(self, sealed: bytes) -> bytes:
        """Let a newcomer in as far as it must confirm; returns the sealed answer. Raises EnrolRefused, NmrError."""
        return await self.admit(self.read(sealed))

    def read(self, sealed: bytes, purpose: Purpose = "request") -> Request:
        """Return a request whose proofs are right, whether or not its invite is good; raises EnrolRefused."""
        return read_request(self._site.me, sealed, self._secret, purpose)

    async def admit(self, request: Request) -> bytes:
        """Do what `enrol` does, for a request that `read` returned."""
        async with self._one:
            issued = self._judged(request)
            if issued.renews:
                return self._hand_out(issued, request)
            if not issued.answer:
                self._publisher.refuse_if_stopped()
                issued = await self._admit(issued, request)
            await self._accounts.tell()
            return from_b64u(issued.answer)

    async def confirm(self, sealed: bytes) -> None:
        """The newcomer has everything on its disk: it is a member. Raises EnrolRefused, NmrError."""
        await self.confirmed(self.read(sealed, "confirm"))

    async def confirmed(self, request: Request) -> None:
        """Do what `confirm` does, for a request that `read` returned."""
        async with self._one:
            if self._is_settled(request):
                return
            issued = self._judged(request)
            if not issued.given or issued.given != request.wish:
                raise EnrolRefused("enrol-proof", "nothing was claimed that could be confirmed")
            used = replace(issued, used=True)
            if issued.renews:
                await self._keep(used)
                return
            value = member_value(issued.person, issued.roles, request.sign, request.receive, request.mailbox)
            await self._publisher.append("member.add", issued.given, value, [_keep(used)])
            self._issued[used.id] = used

    def answer(self, request: Request, text: Done | Refused) -> bytes:
        """Return the sealed answer to a request that `read` returned."""
        return write_answer(self._site.me, from_b64u(self._issued[request.invite].secret), request, text)

    async def revoke(self, station: str) -> None:
        """Show a member out: from now on nobody takes its messages, and the broker throws it off."""
        self._member(station)
        async with self._one:
            closed = [self._closed(issued) for issued in self._issued.values() if issued.given == station]
            gone = [Accounts.keep_none(station), *self._core.proofs.drop(station), *map(_keep, closed)]
            try:
                await self._publisher.append("member.revoke", station, {}, gone)
            except NmrError as error:
                self._tell(NotSaved(error.title, error.message))
                raise
            self._issued |= {issued.id: issued for issued in closed}
            await self._accounts.drop(station)

    async def give_roles(self, station: str, roles: Sequence[str]) -> None:
        """Change what a member may do and is called for."""
        self._member(station)
        for role in roles:
            if not is_name(role) or role == HUB:
                raise BadInput("This name cannot be used", f"“{role}”: write 1 to 32 of a-z, 0-9 and -", field="roles")
        await self._publisher.append("member.roles", station, {"roles": list(dict.fromkeys(roles))})

    async def tidy(self) -> None:
        """Close the accounts of newcomers who never confirmed, forget old invites."""
        now = self._now().ms
        async with self._one:
            for issued in [issued for issued in self._issued.values() if now >= issued.not_after]:
                if issued.given and not issued.used and not issued.renews:
                    self._core.proofs.drop(issued.given)
                    await self._keep(replace(issued, given="", answer=""), Accounts.keep_none(issued.given))
                    await self._accounts.drop(issued.given)
                if now >= issued.not_after + FORGET_MS:
                    await write_kept(self._store, [Keep("invite", issued.id, None)])
                    del self._issued[issued.id]

    async def _admit(self, issued: Issued, request: Request) -> Issued:
        """Commit claim, account and answer together, then return the claim."""
        station = free_name(issued.station or request.wish or issued.person, self._is_taken)
        password, kid = new_password(), kid_of(from_b64u(request.sign))
        account = make_account(station, kid, password, make_bundle(1, self._now().ms, self._life_ms))
        welcome = self._site.welcome(issued, account, password, self._core.frames[0])
        answer = write_answer(self._site.me, from_b64u(issued.secret), request, welcome)
        claimed = replace(issued, claimed=claimed_by(request), given=station, answer=to_b64u(answer))
        await self._keep(claimed, Accounts.keep(account))
        self._accounts.put(account)
        self._core.proofs.put(account)
        event(log, "enrol", invite=issued.id, station=station)
        return claimed

    def _hand_out(self, issued: Issued, request: Request) -> bytes:
        """Give a station the keys that were made for it, as often as it asks until it has others."""
        if self._core.proofs.lost:
            raise TryLater("The hub cannot read its disk now", "Try again in a minute")
        account = self._core.proofs.accounts.get(issued.given)
        if account is None or to_b64u(account.current.psk_id) != issued.renews or account.pending is not None:
            # A pending bundle may be on its disk by now, and its word of that on the way: these would be worth nothing.
            raise EnrolRefused("invite-used", "the hub holds other keys by now")
        event(log, "keys-handed-out", invite=issued.id, station=issued.given)
        return write_answer(self._site.me, from_b64u(issued.secret), request, self._site.fresh(account))

    def _judged(self, request: Request) -> Issued:
        """Return the invite if this request may use it; a second computer with the same secret is an alarm."""
        issued = self._issued[request.invite]
        if is_alarm(issued, request):
            self._alarm(issued)
        verdict = judge(issued, request, self._now().ms)
        if verdict not in ("new", "again"):
            raise EnrolRefused(verdict)
        return issued

    def _is_settled(self, request: Request) -> bool:
        """Whether this very newcomer has confirmed already: it is told so again, even after its invite's time."""
        issued = self._issued[request.invite]
        gone = self._core.ledger.member(issued.given) is None
        return issued.used and not gone and claimed_by(request) == issued.claimed and issued.given == request.wish

    def _closed(self, issued: Issued) -> Issued:
        """Return the invite of somebody shown out: it does not open the door again."""
        return replace(issued, not_after=min(issued.not_after, self._now().ms), answer="")

    def _alarm(self, issued: Issued) -> None:
        event(log, "enrol-alarm", logging.WARNING, invite=issued.id, person=issued.person, station=issued.given)
        told = f"A second computer tried the invite for {issued.person}, which {issued.given} had used: who has it?"
        if issued.renews:
            told = f"Another computer tried the invite that gives {issued.given} new keys: who has it?"
        self.alarms = [told, *(old for old in self.alarms if old != told)][:_MOST_ALARMS]

    def _is_taken(self, station: str) -> bool:
        claimed = any(
            issued.given == station and not issued.used and not issued.renews for issued in self._issued.values()
        )
        return station == HUB or claimed or self._core.ledger.member(station) is not None

    def _member(self, station: str) -> Member:
        member = None if station == HUB else self._core.ledger.member(station)
        if member is None:
            raise BadInput(
                "There is no such station", f"“{station}” is no member", code="no-such-station", field="station"
            )
        return member

    def _issue(self, person: str, roles: tuple[str, ...], station: str, hours: int) -> Issued:
        secret = new_secret(secrets.token_bytes(SECRET_BYTES))
        return Issued(
            id=invite_id(secret),
            secret=to_b64u(secret),
            person=person,
            roles=roles,
            station=station,
            not_after=self._now().ms + hours * 3_600_000,
        )

    def _secret(self, invite: str) -> bytes | None:
        issued = self._issued.get(invite)
        return None if issued is None else from_b64u(issued.secret)

    async def _keep(self, issued: Issued, *also: Keep) -> None:
        await write_kept(self._store, [_keep(issued), *also])
        self._issued[issued.id] = issued


def _keep(issued: Issued) -> Keep:
    return Keep("invite", issued.id, issued)
