"""Who has proven which keys: answers every proof, keeps what must be on disk first, and does what IT says; pure."""

# Arrived (auth.*, psk.*) -> talks -> Post on the same channel. What a machine wants held is a Keep of the whole
# account, a barrier: what the station is told stands behind it. The memory changes at once, so that each later Keep
# holds what the earlier ones held. When the disk did not take one, nothing in memory can be believed any more: all
# talks are forgotten, nothing is answered, and the accounts are read again behind all writes still under way.
#
# kept "proof": JSON of Proof.

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from agent.domain.audience import Audience
from agent.domain.bundle import Bundle
from agent.domain.effects import Effect, Keep, Note, Post, ReadKeys, Reply, WakeAt
from agent.domain.envelope import QUIET, WANT_NOTHING
from agent.domain.errors import TryLater
from agent.domain.events import Arrived, Instant
from agent.domain.messages import AuthConfirm, AuthHello, AuthRefused, Parameters, PskHello, PskRequest
from agent.hub.account import StationAccount
from agent.hub.talks import Talks
from agent.routing.bucket import Buckets
from agent.wire.acts import AUTH, Act, Entered, Hold, Say, Wake

OPENS_PER_S, OPENS_AT_ONCE = 30 / 60, 20
"""How often a station may begin: a second, for long, and at once, when it crashes and comes again."""
WORDS_PER_S, WORDS_AT_ONCE = 120 / 60, 80
"""How much it may say behind that, so that what was begun can be ended."""
AGAIN_S = 5.0
"""How soon the accounts are read again when the disk did not give them."""

ALARMING = frozenset({"replaced", "restored", "unknown", "invalid", "invalid-backup"})
"""Refusals that somebody at IT should know of."""


class Proof(Struct, frozen=True, kw_only=True):
    """What is remembered of a station's proofs; times are ms UTC, 0 for never.

    The last one was made `at`, began with the nonce `n_s` and counts until `until`; `refused` is why another was
    refused since then. `awaited` says that IT has replaced its keys since then, and it has to fetch the new ones.
    """

    station: str
    at: int = 0
    until: int = 0
    session: str = ""
    n_s: str = ""
    refused: str = ""
    refused_at: int = 0
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class AccountsRead:
    """The accounts as they are on disk, or None if it did not give them."""

    accounts: tuple[StationAccount, ...] | None


CALLS_AT_ONCE, CALL_PAUSE_S = 20, 0.25
"""So many stations are called off at once, the others so many seconds one after the other."""


@dataclass(frozen=True, slots=True)
class ExpireAsked:
    """IT wants the keys of these stations to count as expired from now on."""

    stations: tuple[str, ...]
    ticket: int


@dataclass(frozen=True, slots=True)
class ReplaceAsked:
    """IT wants a station to have these keys, of the next generation, and those before to count no more."""

    station: str
    fresh: Bundle
    ticket: int


class Proofs:
    """`accounts` and `proofs`, by station, are what is on disk or will be there before anything stands on it."""

    def __init__(
        self, accounts: Iterable[StationAccount], proofs: Iterable[Proof], talks: Talks, new_id: Callable[[], str]
    ) -> None:
        self.accounts = {account.station: account for account in accounts}
        self.proofs = {proof.station: proof for proof in proofs}
        self.passed_over: dict[str, int] = {}
        self.lost = False
        self._talks, self._new_id = talks, new_id
        self._opens, self._words = Buckets(OPENS_PER_S, OPENS_AT_ONCE), Buckets(WORDS_PER_S, WORDS_AT_ONCE)
        self._read_at: float | None = None
        self._calls: deque[tuple[float, Post]] = deque()

    def heard(self, event: Arrived, params: Parameters, now: Instant) -> list[Effect]:
        """A member speaks; one that says too much is passed over in silence for a while."""
        station = event.envelope.sender
        account = self.accounts.get(station)
        if self.lost or account is None:
            return []
        bucket = self._opens if isinstance(params, AuthHello | PskRequest | PskHello) else self._words
        if not bucket.take("", station, now.mono):
            self.passed_over[station] = self.passed_over.get(station, 0) + 1
            return []
        acts = self._talks.hear(station, account.held, params, now)
        # Said again by somebody else, or by a copy with a wrong clock, which is still there when the session ends.
        quietly = event.envelope.exp <= now.ms and self._is_in(station, now)
        return [effect for act in acts for effect in self._done(station, act, params, now, quietly=quietly)]

    def _is_in(self, station: str, now: Instant) -> bool:
        return station in self.proofs and self.proofs[station].until > now.ms

    def woke(self, now: Instant) -> list[Effect]:
        """End what has gone on for too long, read what could not be read, and ask to be woken for the rest."""
        if self._read_at is not None and now.mono >= self._read_at:
            self._read_at = None
            return [ReadKeys()]
        if self.lost:
            return [WakeAt(self._read_at)] if self._read_at is not None else []
        ended = list(self._talks.woke(lambda station: self.accounts[station].held, now))
        effects = [effect for station, acts in ended for act in acts for effect in self._done(station, act, None, now)]
        while self._calls and now.mono >= self._calls[0][0]:
            effects.append(self._calls.popleft()[1])
        ends = [end for end in (self._talks.next_end(), self._calls[0][0] if self._calls else None) if end is not None]
        return [*effects, WakeAt(min(ends))] if ends else effects

    def not_saved(self) -> list[Effect]:
        """The disk did not take something: what is in memory may stand on it, so take what is really there.

        Once only: nothing is held until it is read, and what a second reading found could be older than what is held.
        """
        self._talks.clear()
        if self.lost:
            return []
        self.lost = True
        return [ReadKeys()]

    def read(self, accounts: Iterable[StationAccount] | None, now: Instant) -> list[Effect]:
        """The disk has said what it holds."""
        if accounts is None:
            self._read_at = now.mono + AGAIN_S
            return [WakeAt(self._read_at)]
        self.accounts = {account.station: account for account in accounts}
        self.lost, self._read_at = False, None
        return []

    def put(self, account: StationAccount) -> None:
        """A new station's account is on disk."""
        self.accounts[account.station] = account

    def drop(self, station: str) -> list[Keep]:
        """Answer a station no more; returns what is to be taken from the disk together with its account."""
        self.accounts.pop(station, None)
        self.passed_over.pop(station, None)
        self._talks.forget(station)
        return [Keep("proof", station, None)] if self.proofs.pop(station, None) is not None else []

    def expire(self, asked: ExpireAsked, now: Instant) -> list[Effect]:
        """From now on these stations' keys are good for getting new ones only.

        Those that are in hear of it: a few at once, the others one after the other, for each begins to renew then.
        """
        if self.lost:
            return [_not_now(asked.ticket)]
        kept: list[Effect] = []
        told: list[Effect] = []
        for station in asked.stations:
            if (account := self.accounts.get(station)) is not None:
                pending = None if account.pending is None else _ended(account.pending, now.ms)
                kept += self._hold(station, _ended(account.current, now.ms), pending)
                told += self._send_out(station, "expired", now, turn=len(kept))
        return [*kept, *told, Reply(asked.ticket)]

    def replace(self, asked: ReplaceAsked, now: Instant) -> list[Effect]:
        """From now on the station holds these keys, which it has still to fetch; no others count."""
        station, account = asked.station, self.accounts.get(asked.station)
        if account is None or self.lost:
            return [_not_now(asked.ticket)]
        fresh = replace(asked.fresh, gen=account.held.both[-1].gen + 1)
        kept = self._hold(station, fresh, None)
        told = self._send_out(station, "replaced", now)
        self._talks.forget(station)
        awaited = replace(self.proofs.get(station, Proof(station=station)), awaited=True, refused="")
        return [*kept, *self._remember(awaited), *told, Reply(asked.ticket)]

    def _done(
        self, station: str, act: Act, params: Parameters | None, now: Instant, *, quietly: bool = False
    ) -> list[Effect]:
        match act:
            case Say(type_, said, channel):
                refused = [] if quietly else self._refused(station, said, now)
                return [self._post(station, type_, said, channel), *refused]
            case Hold(current, pending):
                return self._hold(station, current, pending)
            case Wake(mono):
                return [WakeAt(mono)]
            case Entered(session, until) if isinstance(params, AuthConfirm):
                return self._remember(Proof(station=station, at=now.ms, until=until, session=session, n_s=params.n_s))
        return []

    def _post(self, station: str, type_: str, params: Parameters, channel: str) -> Post:
        to = Audience("station", station)
        return Post(self._new_id(), to, (station,), type_, params, want=WANT_NOTHING, prio=QUIET, channel=channel)

    def _hold(self, station: str, current: Bundle, pending: Bundle | None) -> list[Effect]:
        account = self.accounts[station] = replace(self.accounts[station], current=current, pending=pending)
        return [Keep("account", station, account)]

    def _remember(self, proof: Proof) -> list[Effect]:
        self.proofs[proof.station] = proof
        return [Keep("proof", proof.station, proof)]

    def _refused(self, station: str, said: Parameters, now: Instant) -> list[Effect]:
        """Remember for the report what is no mere loss of a message."""
        proof = self.proofs.get(station, Proof(station=station))
        if not isinstance(said, AuthRefused) or said.code not in ALARMING or said.code == proof.refused:
            return []
        if proof.awaited and said.code == "replaced":
            return []
        note = Note("key-refused", {"station": station, "code": said.code})
        return [note, *self._remember(replace(proof, refused=said.code, refused_at=now.ms))]

    def _send_out(self, station: str, code: str, now: Instant, turn: int = 0) -> list[Effect]:
        """End a station's session; it hears of it in its turn if it is there, with its next hello otherwise."""
        self._talks.shut_doors(station)
        proof = self.proofs.get(station)
        if proof is None or not proof.n_s or proof.until <= now.ms:
            return []
        told = self._post(station, "auth.refused", AuthRefused(about=proof.n_s, code=code), AUTH)
        remembered = self._remember(replace(proof, until=now.ms, n_s=""))
        if turn <= CALLS_AT_ONCE:
            return [*remembered, told]
        at = now.mono + (turn - CALLS_AT_ONCE) * CALL_PAUSE_S
        self._calls = deque(sorted([*self._calls, (at, told)], key=lambda call: call[0]))
        return [*remembered, WakeAt(at)]


def _not_now(ticket: int) -> Reply:
    why = TryLater("The hub cannot do that now", "It is reading its disk again. Try again in a minute")
    return Reply(ticket, error=why)


def _ended(bundle: Bundle, now_ms: int) -> Bundle:
    return replace(bundle, not_after=min(bundle.not_after, now_ms))
