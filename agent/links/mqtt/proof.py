"""Opens the inbox and proves, then and every 20 seconds, that what is sent there arrives."""

# A broker may answer "granted" and deliver nothing: Mosquitto for a topic we may not read, NATS for a session whose
# consumer it has forgotten. So a probe to ourselves has to come back. If it does not, although the broker took it,
# UNSUBSCRIBE and SUBSCRIBE make NATS build the consumer anew, at the price of what the broker had queued. Therefore
# never while the broker may only be slow, or holds the probe back because we hold its messages back.

import asyncio
import logging

from agent.links.base import LinkDown
from agent.links.mqtt.session import MqttSession

HELD_BACK = 20
"""With so many messages not accepted, a broker may send no more: Mosquitto's default."""

_log = logging.getLogger(__name__)


class Proof:
    """Judges one session, whose letters come on `inbox`.

    `every` is the time between probes, `within` how long one may take, seconds.
    """

    def __init__(self, session: MqttSession, inbox: str, *, every: float, within: float) -> None:
        self._session = session
        self._inbox = inbox
        self._every = every
        self._within = within

    async def open(self) -> None:
        """Return when messages to us come through; raises LinkDown."""
        await self._subscribe()
        if await self._comes_through(held_back=1):
            return
        if not self._session.probe.taken:
            raise LinkDown("the broker does not take messages")
        _log.warning("the broker granted %s and delivers nothing: subscribing anew", self._inbox)
        await self._session.requests.unsubscribe(self._inbox)
        await self._subscribe()
        if not await self._comes_through(held_back=1):
            raise LinkDown("the broker delivers nothing to this station")

    async def watch(self) -> None:
        """Probe until the session ends; end it when two probes in a row do not come back."""
        try:
            while True:
                await asyncio.sleep(self._every)
                if not (await self._comes_through() or await self._comes_through()):
                    self._session.end("the broker delivers nothing any more")
        except LinkDown as error:
            self._session.end(str(error))
        except Exception as error:
            _log.exception("a mistake in this program")
            self._session.end(f"nobody watches the link any more: {error!r}")
            raise

    async def _subscribe(self) -> None:
        await self._session.requests.subscribe(self._inbox, qos=1)

    async def _comes_through(self, held_back: int = HELD_BACK) -> bool:
        """Send a probe and wait for it, or for any message that shows the same.

        While the broker still works off what we sent before the probe, its time has not begun.
        """
        session, probe = self._session, self._session.probe
        session.throw_probe()
        while True:
            before = session.stirred
            heard = await _set_within(probe.heard, self._within)
            session.check_up()
            if heard or session.held >= held_back:
                return True
            if probe.taken or session.stirred == before:
                return False


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
