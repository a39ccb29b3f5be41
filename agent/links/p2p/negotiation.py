"""How two stations come to one channel and keep it: offer, answer, glare, retry, and a heart that beats."""

# One machine per peer. It tries one connection at a time (the attempt) and keeps at most one that works (the channel
# in use). Whatever must change about a channel is changed by a new connection; the old one goes when the new one has
# proven itself, a little later, so that what is on its way arrives.
#
#   idle ── wanted ──▶ making ── described ──▶ calling ── answered ──▶ linking ── proven ──▶ idle, the channel in use
#    │                   ▲ ▲                                              ▲
#    │        present ───┘ └─── delay over ─── waiting ◀── any failure    │
#    │     knocking ◀── the same, if the peer was away last time          │
#    └──────────── offer ─────────▶ taking ────────── described ──────────┘
#
# Glare: when both call, the station with the lower name is polite: it drops its own call and takes the other's offer.
# The other repeats its offer and goes on waiting. A signal older than what it would undo is stale, and a connection
# that was ever named is never begun again, so replays and late arrivals do nothing.
#
# Knocking is a bye for a connection nobody has: a peer that is there passes over it in silence, for one that is not
# the server answers "gone". It costs next to nothing, where an offer costs both stations a connection.

import math
from collections.abc import Callable, Iterator

from agent.domain.signals import SignalAnswer, SignalBye, SignalIce, SignalOffer
from agent.links.p2p import events
from agent.links.p2p.attempt import Attempt, Known, refusal_of
from agent.links.p2p.channel import Channels
from agent.links.p2p.events import Came, Effect, Event
from agent.links.p2p.pulse import Pulse
from agent.links.p2p.table import TABLE, Phase
from agent.wire.signals import offer_hash

MAKE_S, ANSWER_S, LINK_S, KNOCK_S = 8.0, 8.0, 15.0, 1.0
"""The longest a description, an answer, opening and proving a channel, and a "gone" may take."""
LINGER_S = 2.0
"""How long a replaced channel still receives."""
HURRY_S = 2.0
"""A failure older than that does not hold up somebody who wants the channel now."""


class Negotiation:
    """The machine for one peer. `handle` is the whole interface, with `due`, which says when it wants a Tick.

    `new_id` makes names of connections; `delays` the seconds between attempts, anew after a success.
    """

    def __init__(
        self, me: str, peer: str, *, new_id: Callable[[], str], delays: Callable[[], Iterator[float]], signaling: bool
    ) -> None:
        self.me, self.peer = me, peer
        self.phase = Phase.IDLE
        self._new_id, self._new_delays = new_id, delays
        self._delays = delays()
        self._signaling = signaling
        self._channels = Channels()
        self._attempt: Attempt | None = None
        self._deadline = math.inf
        self._failed_at = -math.inf
        self._away = False
        self._known = Known()

    @property
    def use(self) -> str | None:
        """The connection whose channel messages go over."""
        return self._channels.use

    @property
    def pulse(self) -> Pulse | None:
        """The heart of that channel."""
        return self._channels.pulse()

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Decide, at monotonic time `now`, seconds."""
        kind = type(event.signal) if isinstance(event, Came) else type(event)
        effects: list[Effect] = getattr(self, f"_{TABLE[self.phase, kind]}")(event, now)
        return effects

    def due(self, now: float) -> float:
        """When it wants the next Tick."""
        return min(self._deadline, self._channels.due(now))

    # What anybody wants

    def _want(self, event: events.Wanted, now: float) -> list[Effect]:
        self._channels.want(event.until)
        return self._start(now) if self.use is None else []

    def _hurry(self, event: events.Wanted, now: float) -> list[Effect]:
        self._channels.want(event.until)
        return self._start(now) if now - self._failed_at >= HURRY_S else []

    def _note_want(self, event: events.Wanted, _: float) -> list[Effect]:
        self._channels.want(event.until)
        return []

    def _unwant(self, _: events.Unwanted, now: float) -> list[Effect]:
        self._channels.unwant(now)
        return []

    def _start(self, now: float) -> list[Effect]:
        """Begin an attempt, or the wait for what it needs."""
        if not self._signaling:
            self._enter(Phase.WAITING)
            return []
        if self._away:
            self._enter(Phase.KNOCKING, now + KNOCK_S)
            return self._tell(self._new_id(), "knock")
        return self._make(now)

    def _make(self, now: float) -> list[Effect]:
        self._attempt = Attempt(self._new_id(), caller=True)
        self._known.add(self._attempt.pc, now)
        self._enter(Phase.MAKING, now + MAKE_S)
        return [events.Call(self._attempt.pc)]

    # The signaling server

    def _up(self, _: events.SignalingUp, now: float) -> list[Effect]:
        self._signaling = True
        if self._channels.missing(now):
            self._wait(now)
        return []

    def _note_up(self, _: events.SignalingUp, __: float) -> list[Effect]:
        self._signaling = True
        return []

    def _note_down(self, _: events.SignalingDown, __: float) -> list[Effect]:
        """A channel that is being opened needs no more signals; no new attempt begins."""
        self._signaling = False
        if self.phase is Phase.WAITING:
            self._enter(Phase.WAITING)
        return []

    def _fail_down(self, _: events.SignalingDown, now: float) -> list[Effect]:
        self._signaling = False
        return self._fail(now)

    def _nobody(self, _: events.Gone, now: float) -> list[Effect]:
        """Our signal did not arrive."""
        self._away = True
        return self._fail(now)

    def _bounced(self, event: events.Gone, now: float) -> list[Effect]:
        """Our answer did not arrive; a caller whose channel is opening said nothing that matters."""
        return [] if self._now.caller else self._nobody(event, now)

    # Descriptions

    def _call(self, event: events.Described, now: float) -> list[Effect]:
        attempt = self._now
        if event.pc != attempt.pc:
            return [events.Close(event.pc)]
        attempt.offer = SignalOffer(pc=attempt.pc, n=0, fp=event.fp, sdp=event.sdp)
        self._enter(Phase.CALLING, now + ANSWER_S)
        return [events.Say(attempt.offer)]

    def _answer(self, event: events.Described, now: float) -> list[Effect]:
        attempt = self._now
        if event.pc != attempt.pc or attempt.offer is None:
            return [events.Close(event.pc)]
        hash_ = offer_hash(attempt.offer)
        self._enter(Phase.LINKING, now + LINK_S)
        return [events.Say(SignalAnswer(pc=attempt.pc, n=0, fp=event.fp, sdp=event.sdp, offer_hash=hash_))]

    def _stray(self, event: events.Described | events.Opened, _: float) -> list[Effect]:
        """A connection that was given up has got on; a channel in use is not opened again."""
        return [] if event.pc == self.use else [events.Close(event.pc)]

    def _take(self, event: Came, now: float) -> list[Effect]:
        """events.Take an offer, in place of our attempt if there is one."""
        offer: SignalOffer = event.signal  # type: ignore[assignment]  # the table pairs signals with their methods
        if offer.pc in self._known:
            return [events.Refuse("replay")]
        self._known.add(offer.pc, now)
        if code := refusal_of(offer):
            return [events.Refuse(code)]
        dropped = self._drop("yield")
        self._away = False
        self._attempt = Attempt(offer.pc, caller=False, at=event.at, offer=offer)
        self._enter(Phase.TAKING, now + MAKE_S)
        return [*dropped, events.Take(offer.pc, offer.sdp)]

    def _glare(self, event: Came, now: float) -> list[Effect]:
        """Both call. The polite one yields; the other says again what it wants, in case it was lost."""
        if self.me < self.peer:
            return self._take(event, now)
        offer = self._now.offer
        return [events.Refuse("glare"), *([events.Say(offer)] if offer else [])]

    def _take_if_newer(self, event: Came, now: float) -> list[Effect]:
        """An offer about an attempt in which the peer has had a word: it gave that up, unless the offer is older."""
        return self._take(event, now) if event.at > self._now.at else [events.Refuse("stale")]

    def _answered(self, event: Came, now: float) -> list[Effect]:
        answer: SignalAnswer = event.signal  # type: ignore[assignment]  # the table pairs signals with their methods
        attempt = self._now
        if answer.pc != attempt.pc:
            return self._unasked(event, now)
        if code := attempt.refusal(answer):
            return [events.Refuse(code)]
        attempt.at = event.at
        self._enter(Phase.LINKING, now + LINK_S)
        return [events.Join(answer.pc, answer.sdp)]

    def _unasked(self, event: Came, _: float) -> list[Effect]:
        """An answer to nothing; its sender is told, unless it is only an answer given twice."""
        pc = event.signal.pc
        if pc == self.use or (self._attempt is not None and pc == self._attempt.pc):
            return [events.Refuse("replay")]
        return [events.Refuse("unasked"), *self._tell(pc, "unasked")]

    def _found(self, event: Came, now: float) -> list[Effect]:
        ice: SignalIce = event.signal  # type: ignore[assignment]  # the table pairs signals with their methods
        return [events.Candidate(ice.pc, ice.candidate)] if self._now.takes(ice) else self._too_late(event, now)

    def _too_late(self, event: Came, _: float) -> list[Effect]:
        """A candidate for nothing; a peer may still find its last one when the channel already works."""
        return [] if event.signal.pc == self.use else [events.Refuse("order")]

    def _bye(self, event: Came, now: float) -> list[Effect]:
        pc = event.signal.pc
        if pc == self.use:
            return self._lose(now)
        if self._attempt is not None and pc == self._attempt.pc:
            return self._fail(now)
        self._known.add(pc, now)
        return []

    # The channels

    def _opened(self, event: events.Opened, now: float) -> list[Effect]:
        if event.pc != self._now.pc or not self._channels.open(event.pc, now):
            return self._stray(event, now)
        return self._channels.beats(now)

    def _heard(self, event: events.Heard, now: float) -> list[Effect]:
        if not self._channels.is_open(event.pc):
            return []  # a replaced channel that still receives
        if event.beat is None and not self._channels.is_proven(event.pc):
            return [events.Refuse("unproven"), *self._failed(events.Failed(event.pc, "unproven"), now)]
        news = self._channels.heard(event.pc, event.beat, now)
        beats = self._channels.beats(now)
        return [*beats, *self._switch(event.pc, now)] if news else beats

    def _switch(self, pc: str, now: float) -> list[Effect]:
        """The attempt has a proven channel: it is the one in use from now on."""
        self._attempt = None
        self._enter(Phase.IDLE)
        old = self._channels.put_to_use(pc, now)
        return [events.Use(pc)] if old is None else [events.Use(pc), events.Close(old, LINGER_S)]

    def _failed(self, event: events.Failed, now: float) -> list[Effect]:
        if event.pc == self.use:
            return self._lose(now)
        if self._attempt is not None and event.pc == self._attempt.pc:
            return self._fail(now, event.why)
        return []

    def _lose(self, now: float) -> list[Effect]:
        """The channel in use is no more."""
        lost = self.use
        assert lost is not None
        self._channels.forget(lost)
        self._renew_delays(now)
        if self.phase is Phase.IDLE and self._channels.missing(now):
            self._wait(now)
        return [events.Use(None), events.Close(lost)]

    # Time

    def _tick(self, _: events.Tick, now: float) -> list[Effect]:
        self._known.forget_old(now)
        effects = [*self._channels.beats(now), *self._look(now)]
        if now < self._deadline:
            return effects
        match self.phase:
            case Phase.WAITING:
                return effects + (self._start(now) if self._channels.missing(now) else self._rest())
            case Phase.KNOCKING:
                self._away = False
                return effects + self._make(now)
        return effects + self._fail(now, "too late")

    def _look(self, now: float) -> list[Effect]:
        """Judge the channel in use."""
        pulse, use = self._channels.pulse(), self.use
        if pulse is None or use is None:
            return []
        if pulse.health(now) == "dead":
            return self._lose(now)
        if self._channels.give_up_idle(now):
            return [*self._tell(use, "idle"), *self._lose(now)]
        if self.phase is Phase.IDLE and self._channels.missing(now):
            self._renew_delays(now)
            self._wait(now)
        return []

    def _renew_delays(self, now: float) -> None:
        if self._channels.was_good(now):
            self._delays = self._new_delays()

    # Ends

    def _fail(self, now: float, why: str = "") -> list[Effect]:
        """Give up the attempt and, if it is still wanted, try again later; with `why` the peer is told."""
        dropped = self._drop(why)
        self._failed_at = now
        if self._channels.missing(now):
            self._wait(now)
            return dropped
        return dropped + self._rest()

    def _drop(self, why: str) -> list[Effect]:
        attempt, self._attempt = self._attempt, None
        if attempt is None:
            return []
        self._channels.forget(attempt.pc)
        told = why and self.phase is not Phase.MAKING
        return [events.Close(attempt.pc), *(self._tell(attempt.pc, why) if told else [])]

    def _tell(self, pc: str, why: str) -> list[Effect]:
        return [events.Say(SignalBye(pc=pc, why=why))] if self._signaling else []

    def _wait(self, now: float) -> None:
        self._enter(Phase.WAITING, now + next(self._delays) if self._signaling else math.inf)

    def _rest(self) -> list[Effect]:
        self._enter(Phase.IDLE)
        return []

    def _stop(self, _: events.Stopped, now: float) -> list[Effect]:
        self._channels.unwant(now)
        effects = [*self._drop("stopped"), *self._rest()]
        return effects if self.use is None else [*effects, *self._tell(self.use, "stopped"), *self._lose(now)]

    def _nothing(self, _: Event, __: float) -> list[Effect]:
        return []

    def _enter(self, phase: Phase, deadline: float = math.inf) -> None:
        self.phase, self._deadline = phase, deadline

    @property
    def _now(self) -> Attempt:
        assert self._attempt is not None
        return self._attempt
