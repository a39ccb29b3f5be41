"""What a session asks of its broker, each with its answer: to be let in, to hear a topic, to hear it no more."""

import asyncio
import logging
from typing import Any, TypeVar

from paho.mqtt.reasoncodes import ReasonCode

from agent.links.base import LinkDown, LinkRefused
from agent.links.mqtt.network import Network

WELCOME_S, ANSWER_S = 15.0, 5.0
"""How long connecting may take, TCP and TLS included; how long any other answer, seconds."""
PAUSES_S = (0.5, 1.5)
"""Before the second and the third SUBSCRIBE, if a cluster that just started refuses the first, seconds."""

NOT_US = {"Bad user name or password", "Not authorized"}

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class Requests:
    """The questions of one session; used in the event loop only."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers: dict[int, asyncio.Future[list[ReasonCode]]] = {}

    async def welcome(self) -> None:
        """Wait until the broker lets us in; raises LinkDown or LinkRefused."""
        await _within(WELCOME_S, self._welcome)

    async def subscribe(self, topic: str, qos: int) -> None:
        """Return when the broker has granted `topic`; raises LinkDown."""
        for pause in (*PAUSES_S, None):
            codes = await self._answer(self._network.subscribe(topic, qos))
            if not any(code.is_failure for code in codes):
                return
            _log.warning("the broker refused the subscription to %s", topic)
            if pause is not None:
                await asyncio.sleep(pause)
        raise LinkDown("the broker refuses the subscription of this station")

    async def unsubscribe(self, topic: str) -> None:
        """Return when the broker has taken `topic` away; raises LinkDown."""
        await self._answer(self._network.unsubscribe(topic))

    def connected(self, code: ReasonCode) -> None:
        """The broker lets us in, or says why not."""
        if self._welcome.done():
            return
        if not code.is_failure:
            self._welcome.set_result(None)
        elif str(code) in NOT_US:
            self._welcome.set_exception(LinkRefused("the broker does not accept the password of this station"))
        else:
            self._welcome.set_exception(LinkDown(f"the broker refused the connection: {code}"))

    def granted(self, mid: int, codes: list[ReasonCode]) -> None:
        """Pass an answer on to who waits for it."""
        future = self._answers.get(mid)
        if future is not None and not future.done():
            future.set_result(codes)

    def end(self, why: str) -> None:
        """Nothing is answered any more: who waits gets LinkDown."""
        futures: list[asyncio.Future[Any]] = [self._welcome, *self._answers.values()]
        for future in futures:
            if not future.done():
                future.set_exception(LinkDown(why))
                future.exception()  # asked for at once: nobody needs to wait for it any more

    async def _answer(self, mid: int) -> list[ReasonCode]:
        """Wait for the answer to SUBSCRIBE or UNSUBSCRIBE number `mid`; raises LinkDown."""
        self._answers[mid] = asyncio.get_running_loop().create_future()
        try:
            return await _within(ANSWER_S, self._answers[mid])
        finally:
            del self._answers[mid]


async def _within(seconds: float, future: asyncio.Future[Result]) -> Result:
    try:
        async with asyncio.timeout(seconds):
            return await future
    except TimeoutError:
        raise LinkDown("the broker does not answer") from None
