"""A station's side of the proofs, driven by hand: its machines, its keys on disk, and what it was told."""

from collections.abc import Callable
from secrets import token_bytes

from agent.domain.bundle import Bundle
from agent.domain.events import Instant
from agent.domain.messages import Parameters, PskProof, PskReady, PskStored
from agent.wire.acts import Act, Admitted, Fail, Listen, Renewed, Save, Say
from agent.wire.hello.station import Begin, Hello, hello
from agent.wire.macs import Pair
from agent.wire.renewal.station import Listening, Renew, Renewal, Saved, renewal

Send = Callable[[Say], list[Parameters]]
"""Says something to the hub and returns what it answers."""


class KeySide:
    """`ends` is what came of it: Admitted, Fail and Renewed acts, in order. `saves` is whether it lives to save."""

    def __init__(self, site: str, station: str, hub_kid: bytes, bundle: Bundle) -> None:
        self._pair = Pair(site, station, hub_kid)
        self.hello, self.renewal, self.bundle = Hello(self._pair), Renewal(self._pair), bundle
        self.ends: list[Act] = []
        self.saves = True
        self.write: Callable[[Bundle], None] = lambda _: None
        self.now = Instant(0.0, 0)

    def begin(self) -> list[Act]:
        """Start a handshake with the keys on disk."""
        self.hello, acts = hello(Hello(self._pair), Begin(self.bundle, token_bytes(32)), self.now)
        return acts

    def renew(self) -> list[Act]:
        """Start a round of renewal."""
        fresh = Bundle(self.bundle.gen + 1, token_bytes(8), token_bytes(32), 0, token_bytes(8), token_bytes(32))
        event = Renew(self.bundle, token_bytes(16).hex(), token_bytes(32), fresh)
        self.renewal, acts = renewal(Renewal(self._pair), event, self.now)
        return acts

    def hear(self, params: Parameters) -> list[Act]:
        """The hub's word for whichever of the two."""
        acts: list[Act] = []
        if not isinstance(params, PskProof | PskReady | PskStored):
            self.hello, acts = hello(self.hello, params, self.now)
        if not type(params).__name__.startswith("Auth") or type(params).__name__ == "AuthRefused":
            self.renewal, more = renewal(self.renewal, params, self.now)
            acts = [*acts, *more]
        return acts

    def go_on(self, acts: list[Act]) -> list[Say]:
        """Do what can be done here; returns what is to be said."""
        said: list[Say] = []
        for act in acts:
            match act:
                case Say():
                    said.append(act)
                case Listen():
                    self.renewal, more = renewal(self.renewal, Listening(), self.now)
                    said += self.go_on(more)
                case Save(bundle) if self.saves:
                    self.write(bundle)
                    self.bundle = bundle
                    self.renewal, more = renewal(self.renewal, Saved(), self.now)
                    said += self.go_on(more)
                case Admitted() | Fail() | Renewed():
                    self.ends.append(act)
        return said

    def talk(self, acts: list[Act], send: Send) -> list[Act]:
        """Go on until nobody says anything more; returns what came of it."""
        self.ends, words = [], self.go_on(acts)
        while words:
            for answer in send(words.pop(0)):
                words += self.go_on(self.hear(answer))
        return self.ends

    @property
    def codes(self) -> list[str]:
        """Why it failed, or what it came to."""
        return [end.code if isinstance(end, Fail) else type(end).__name__ for end in self.ends]
