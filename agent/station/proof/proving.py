"""The hub proves itself before anything else, and keys are renewed: the order of requirements N-12 to N-43.

Keys are read from the disk for each proof and each renewal, and forgotten with it.
"""

from agent.domain.effects import Abort, Anchor, Effect, Note, OpenInbox, ReadKeys, UseServers, WakeAt
from agent.domain.events import ChannelOpen, Instant, KeysRead, KeysSaved, LinkChanged
from agent.domain.messages import Parameters
from agent.station.desk import Desk
from agent.station.proof.appointments import Chance, Seldom, Slower, proof_in, renewal_again_in, renewal_in, share
from agent.station.proof.conversation import (
    Conversation,
    HubProven,
    KeysNew,
    LetIn,
    NotProven,
    NotRenewed,
    Outcome,
    Step,
)
from agent.station.proof.failures import of_fault, of_hello, of_renewal
from agent.station.proof.standing import Standing

AMBER_S = 3.0
"""So long a hub that has proven itself lately may be silent before a new connection is used all the same."""


CONNECTED = ("proving", "up")


class Proving:
    """The gated link's way from connecting to up, and what keeps it proven; `chance` gives fresh random bytes."""

    def __init__(self, desk: Desk, chance: Chance) -> None:
        self.standing = Standing()
        self._desk, self._chance = desk, chance
        self._talk = Conversation(desk, chance)
        self._slower, self._seldom = Slower(chance), Seldom()
        self._at = "down"
        self._reading = False
        self._why = ""
        self._expired = False
        self._lot: tuple[int | None, float] | None = None
        self._forget()

    def _forget(self) -> None:
        """A connection has ended: what was under way is over."""
        self._keys: KeysRead | None = None
        self._wanted = ""
        self._open = self._leaving = False
        self._amber_at: float | None = None
        self._prove_at: float | None = None
        self._renew_at: float | None = None

    @property
    def _connected(self) -> bool:
        return self._at in CONNECTED

    # the link

    def link(self, event: LinkChanged, now: Instant) -> list[Effect]:
        """The link that waits for the hub's proof has changed."""
        if not event.gated:
            return []
        before, self._at = self._at, event.state
        match event.state:
            case "connecting":  # N-12 to N-14: tell the user, look at the keys, and connect
                return [*self.standing.say("notice.connecting"), *self._read("prove")]
            case "proving":
                return self._negotiate(now)
            case "up":
                return [] if self.standing.state == "amber" else self.standing.say()
        self._talk.lost(now)
        return self._ended(event.state, before)

    def _negotiate(self, now: Instant) -> list[Effect]:
        """N-18: the broker has let us in; now the hub proves itself, or renews the key when that has expired."""
        self.standing.state = "proving"
        effects = self.standing.say("notice.negotiating")
        if self._may_be_amber(now):
            self._amber_at = now.mono + AMBER_S
            effects.append(WakeAt(self._amber_at))
        keys, self._keys = self._keys, None
        return [*effects, *(self._read("prove") if keys is None else self._start("prove", keys, now))]

    def _ended(self, state: str, before: str) -> list[Effect]:
        """N-17, or a connection that broke; one that we gave up keeps the notice that says why."""
        left = self._leaving
        self._forget()
        if state == "refused":
            self.standing.state = "failed"
            return self.standing.fail("notice.login-refused")
        if left or before not in CONNECTED:
            return []
        self.standing.state, lost = "unproven", "notice.connection-lost"
        return self.standing.fail(lost) if before == "proving" else self.standing.say(lost)

    # the keys on disk

    def _read(self, wanted: str) -> list[Effect]:
        """Ask for the keys; one question at a time, its answer serves what was wanted last."""
        self._wanted = wanted
        if self._reading:
            return []
        self._reading = True
        return [ReadKeys()]

    def keys_read(self, event: KeysRead, now: Instant) -> list[Effect]:
        """N-13, N-14, N-21: the keys, or why there are none."""
        self._reading, wanted, self._wanted = False, self._wanted, ""
        if event.bundle is not None:
            self.standing.know(event.bundle)
        if self._at == "connecting":
            self._keys = event
            return self._unusable(event) if event.bundle is None else []
        return self._start(wanted, event, now) if wanted and self._connected else []

    def _start(self, wanted: str, keys: KeysRead, now: Instant) -> list[Effect]:
        """N-15: an expired key allows only its renewal, and that only now that the broker knows us."""
        bundle = keys.bundle
        if bundle is None:
            return [*self._unusable(keys), *(self._retry(now) if self._open else self._leave(f"key {keys.fault}"))]
        if wanted == "renew" or now.ms >= bundle.not_after:
            return self._go_on(self._talk.renew(bundle, now), now)
        return self._go_on(self._talk.prove(bundle, now), now)

    def _unusable(self, keys: KeysRead) -> list[Effect]:
        self.standing.state = "amber" if self._open else "failed"
        noted = Note("psk-unusable", {"fault": keys.fault, "text": f"{keys.title}: {keys.message}"})
        return [noted, *self.standing.fail(of_fault(keys.fault))]

    def keys_saved(self, event: KeysSaved, now: Instant) -> list[Effect]:
        """N-39: the new keys are on the disk, or why they are not."""
        self._why, self._keys = event.why, None  # what was read before it is not what is there now
        return self._go_on(self._talk.saved(ok=event.ok, now=now), now)

    # what is heard, and time

    def channel_open(self, event: ChannelOpen, now: Instant) -> list[Effect]:
        """A channel is heard."""
        return self._go_on(self._talk.listening(event.channel, now), now)

    def arrived(self, params: Parameters, now: Instant) -> list[Effect]:
        """The hub said something on a channel of proofs."""
        return self._go_on(self._talk.hear(params, now), now)

    def woke(self, now: Instant) -> list[Effect]:
        """Do what is due."""
        effects = self._go_on(self._talk.woke(now), now)
        if self._amber_at is not None and now.mono >= self._amber_at:
            self._amber_at, self._open = None, True
            effects += [*self._silent(), OpenInbox()]
        if self._at != "up" or self._leaving or self._reading or self._talk.busy:
            return effects
        if self._prove_at is not None and now.mono >= self._prove_at:
            self._prove_at = None
            return [*effects, *self._read("prove")]
        if self._renew_at is not None and now.mono >= self._renew_at and now.anchored:
            self._renew_at = None
            return [*effects, *self._read("renew")]
        return effects

    # what comes of it

    def _go_on(self, step: Step, now: Instant) -> list[Effect]:
        effects: list[Effect] = []
        for one in step:
            effects += self._outcome(one, now) if isinstance(one, Outcome) else [one]
        return effects

    def _outcome(self, outcome: Outcome, now: Instant) -> list[Effect]:
        match outcome:
            case HubProven(not_after):  # N-27
                self.standing.not_after = not_after
                return [] if self._open else self.standing.say("notice.subscribing")
            case LetIn():
                return self._let_in(outcome, now)
            case NotProven(code):
                return self._not_proven(code, now)
            case KeysNew():
                return self._renewed(now)
            case NotRenewed(code):
                return self._not_renewed(code, now)

    def _let_in(self, let_in: LetIn, now: Instant) -> list[Effect]:
        """N-43: all is open to us now, until the next proof is due."""
        opening: list[Effect] = [] if self._open else [OpenInbox()]
        self._open, self._amber_at = True, None
        self._slower.reset()
        effects = [*self.standing.prove(let_in.hub_time, let_in.until), Anchor(let_in.hub_time, let_in.half_way)]
        effects += [*opening, *(self.standing.say() if self._at == "up" else [])]
        effects += [UseServers(let_in.ice)] if let_in.ice is not None else []
        self._prove_at = now.mono + proof_in(let_in.until, let_in.hub_time, self._chance)
        self._renew_at = now.mono + self._renewal_in(let_in.hub_time)
        return effects  # no WakeAt: both are far, and while a link is up its probes wake us every 20 s

    def _renewal_in(self, now_ms: int) -> float:
        standing = self.standing
        if self._lot is None or self._lot[0] != standing.gen:
            self._lot = (standing.gen, share(self._chance))
        return renewal_in(standing.not_after or 0, standing.life_ms, now_ms, self._lot[1], self._chance)

    def _not_proven(self, code: str, now: Instant) -> list[Effect]:
        """N-23, N-26 and what else may come of a handshake."""
        if code in ("again", "expired"):
            self._expired = code == "expired"
            if self._seldom.take(now.mono):
                return self._read("renew" if self._expired else "prove")
            code = "timeout"
        if code == "timeout" and self._open:
            return [*self._silent(), *self._retry(now)]
        self.standing.state, failure = "failed", of_hello(code)
        told = self.standing.fail(failure.notice, code=code)
        return [*self._leave(f"handshake: {code}"), Note("psk-failure", {"text": failure.log}), *told]

    def _renewed(self, now: Instant) -> list[Effect]:
        """N-41, N-42: begin anew with the new keys; an inbox that is open stays so."""
        self._expired = False
        if not self._connected or self._reading:
            return []  # the connection it was made on is gone, and whatever comes next begins with the new keys
        effects = self.standing.say("notice.new-psk")
        if self._open:
            return [*effects, *self._read("prove")]
        return [*effects, *self._leave("new keys", soon=self._seldom.take(now.mono))]

    def _not_renewed(self, code: str, now: Instant) -> list[Effect]:
        """N-31, N-34, N-38 and what else may come of a round; one that is not urgent is tried again later."""
        if code == "again":
            if self._seldom.take(now.mono):
                return self._read("renew")
            code = "timeout-offered"
        failure, values = of_renewal(code), {"code": code, "why": self._why}
        told = [Note("psk-failure", {"text": failure.log}), *self.standing.fail(failure.notice, **values)]
        if not self._connected or self._reading:
            return told
        if not self._open:
            self.standing.state = "failed"
            return [*self._leave(f"renewal: {code}"), *told]
        not_after = 0 if self._expired else self.standing.not_after or 0
        self._renew_at = now.mono + renewal_again_in(not_after, self.standing.life_ms, now.ms, self._chance)
        return [*told, WakeAt(self._renew_at), *(self._retry(now) if self.standing.state == "amber" else [])]

    def _leave(self, why: str, *, soon: bool = False) -> list[Effect]:
        self._leaving, self._amber_at = True, None
        return [Abort(why, soon=soon)]

    # amber

    def _may_be_amber(self, now: Instant) -> bool:
        """Whether a silent hub keeps us from nothing: every message is signed by its author."""
        until = self.standing.until_ms
        lately = until is not None and now.anchored and now.ms < until
        return lately or not self._desk.habits.hub_proof_required

    def _silent(self) -> list[Effect]:
        """Go on without a proof, and say so."""
        self.standing.state = "amber"
        return self.standing.say("notice.hub-not-proven" if self.standing.proven_ms is None else "notice.hub-silent")

    def _retry(self, now: Instant) -> list[Effect]:
        """Ask for a proof again, more and more slowly."""
        self._prove_at = now.mono + self._slower.pause()
        return [WakeAt(self._prove_at)]
