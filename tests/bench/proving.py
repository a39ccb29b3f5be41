"""Stations without a desk: the machines of handshake and renewal over a real link, one word after the other."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agent.domain.audience import THE_HUB
from agent.domain.bundle import Bundle
from agent.domain.effects import Post
from agent.domain.envelope import WANT_NOTHING, Envelope
from agent.domain.events import Instant, Woke
from agent.domain.messages import AuthHello
from agent.domain.names import HUB
from agent.links.base import Delivery, GatedLink, GatedSession
from agent.routing.admission import Admission
from agent.routing.bucket import Buckets
from agent.routing.signing import Signing
from agent.station.proof.appointments import fresh_bundle
from agent.system.ids import new_id
from agent.wire.acts import Act, Admitted, Fail, Listen, Renewed, Save, Say, Wake
from agent.wire.frame import read_body, take_apart
from agent.wire.hello.station import Begin, Hello, hello
from agent.wire.macs import Pair
from agent.wire.renewal.station import Listening, Renew, Renewal, Saved, renewal
from tests.walks.members import Members

Heard = asyncio.Queue[Delivery]
Machine = Callable[[object, Instant], list[Act]]


@asynccontextmanager
async def connected(link: GatedLink) -> AsyncIterator[tuple[GatedSession, Heard]]:
    """A session, and what comes over it."""
    heard = Heard()

    async def listen() -> None:
        async for delivery in session.received():
            heard.put_nowait(delivery)

    async with link.connect() as session:
        listening = asyncio.create_task(listen())
        try:
            yield session, heard
        finally:
            listening.cancel()


def now() -> Instant:
    """This computer's time, which is the hub's as well."""
    return Instant(time.monotonic(), round(time.time() * 1000))


@dataclass
class Bare:
    """One station; `answers` are the seconds from each of its words to the hub's answer."""

    members: Members
    station: str
    bundle: Bundle
    answers: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        me = self.members.people[self.station]
        self._signing = Signing(me, lambda: self.members.ledger, now)
        self._admission = Admission(me, Buckets(1e6, 1e6))
        self._pair = Pair(self.members.site, self.station, self.members.hub.kid)

    async def prove(self, session: GatedSession, heard: Heard) -> str:
        """Shake hands; returns "" or the code of the failure."""
        state = Hello(self._pair)

        def step(event: object, at: Instant) -> list[Act]:
            nonlocal state
            state, acts = hello(state, event, at)
            return acts

        return await self._talk(step, Begin(self.bundle, os.urandom(32)), session, heard)

    async def renew(self, session: GatedSession, heard: Heard) -> str:
        """Get new keys; returns "" or the code of the failure."""
        state = Renewal(self._pair)

        def step(event: object, at: Instant) -> list[Act]:
            nonlocal state
            state, acts = renewal(state, event, at)
            return acts

        begin = Renew(self.bundle, os.urandom(16).hex(), os.urandom(32), fresh_bundle(self.bundle, os.urandom))
        return await self._talk(step, begin, session, heard)

    def envelope(self) -> Envelope:
        """Some word of the handshake, for its size."""
        words = AuthHello(psk_id="A" * 11, gen=1, n_s="A" * 43, mac="A" * 43)
        post = Post(new_id(), THE_HUB, (HUB,), "auth.hello", words, want=WANT_NOTHING)
        return read_body(take_apart(self._signing.sign(post).frame).body)[0]

    async def _talk(self, step: Machine, begin: object, session: GatedSession, heard: Heard) -> str:
        events, said, wake = [begin], 0.0, 0.0
        while True:
            while events:
                for act in step(events.pop(0), now()):
                    match act:
                        case Say():
                            said = time.perf_counter()
                            await session.send(HUB, self._sealed(act), act.channel)
                        case Wake(mono):
                            wake = mono
                        case Listen(channel):
                            await session.listen(channel)
                            events.append(Listening())
                        case Save(bundle):
                            self.bundle = bundle
                            events.append(Saved())
                        case Admitted() | Renewed():
                            return ""
                        case Fail(code):
                            return code
            events.append(await self._next(heard, wake, said))

    async def _next(self, heard: Heard, wake: float, said: float) -> object:
        """What the hub says, or that it is time to say it again."""
        try:
            async with asyncio.timeout(max(0.0, wake - time.monotonic())):
                delivery = await heard.get()
        except TimeoutError:
            return Woke()
        self.answers.append(time.perf_counter() - said)
        members, sender, channel = self.members, delivery.sender, delivery.channel
        return self._admission.admit("mqtt", sender, delivery.sealed, members.ledger, now(), channel).params

    def _sealed(self, say: Say) -> bytes:
        post = Post(new_id(), THE_HUB, (HUB,), say.type, say.params, want=WANT_NOTHING, channel=say.channel)
        sealed = self._signing.sealed(HUB, self._signing.sign(post).frame)
        assert sealed is not None
        return sealed
