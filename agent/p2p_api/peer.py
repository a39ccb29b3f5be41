"""One user's conversation with one peer: texts out until they are confirmed, texts in one after the other."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable

from agent.domain.messages import Receipt, ReceiptItem
from agent.domain.texts import Text
from agent.links.base import LinkDown, LinkFull, Session
from agent.p2p_api.errors import NotDelivered, P2pError
from agent.p2p_api.notary import Notary
from agent.p2p_api.order import Incoming, Outgoing
from agent.system.ids import new_id

MOST_WAITING = 1000
"""So many messages may wait for a slow handler; more are refused, and their sender hears why."""

CONFIRM_S = 11.5
"""So long a peer may confirm nothing while a message waits; one that is dead is noticed as soon."""

_AT_ONCE = 64
"""The most a receipt can confirm."""

_WHY = {
    "busy": "Its program does not keep up with its messages. Send it again later",
    "order": "A message before it is missing there. Send it again",
}

log = logging.getLogger(__name__)


class Peer:
    """What goes to and comes from station `name`; `handed` gets each message, in order, and raises nothing."""

    def __init__(self, name: str, seat: str, notary: Notary, handed: Callable[[str, str], Awaitable[None]]) -> None:
        self.name = name
        self.calls: set[asyncio.Future[None]] = set()
        """Those who wait for a channel."""
        self._notary, self._handed = notary, handed
        self._out, self._in = Outgoing(seat), Incoming()
        self._turn = asyncio.Lock()
        self._unconfirmed: dict[str, asyncio.Future[None]] = {}
        self._messages: asyncio.Queue[str] = asyncio.Queue()
        self._receipts: list[ReceiptItem] = []
        self._to_confirm = asyncio.Event()
        self._confirmed_at = -math.inf
        self._over = False

    async def send(self, session: Session, message: bytes) -> None:
        """Return when the peer has it; raises NotDelivered, LinkDown, LookupError if it is no member any more."""
        receipts: list[asyncio.Future[None]] = []
        try:
            async with self._turn:  # lets those who wait go in the order in which they came
                for text in self._out.texts(message):
                    id_, sealed = self._notary.text(self.name, text)
                    receipts.append(self._expect(id_))
                    await self._go(session, sealed)
            await self._confirmed(receipts)
        except BaseException:
            self._out.begin_anew()
            raise
        finally:
            for receipt in receipts:
                if not receipt.cancel() and not receipt.cancelled():
                    receipt.exception()  # one reason is enough

    async def _go(self, session: Session, sealed: bytes) -> None:
        """Send one text; a slow line that is full has time as long as the peer confirms anything."""
        now = asyncio.get_running_loop().time
        began = now()
        while True:
            try:
                return await session.send(self.name, sealed)
            except LinkFull:
                if now() >= max(began, self._confirmed_at) + CONFIRM_S:
                    raise

    async def _confirmed(self, receipts: Iterable[asyncio.Future[None]]) -> None:
        """Wait for all of them, as long as the peer confirms anything."""
        loop, pending = asyncio.get_running_loop(), set(receipts)
        sent_at = loop.time()
        while pending:
            rest = max(sent_at, self._confirmed_at) + CONFIRM_S - loop.time()
            if rest <= 0:
                raise NotDelivered(
                    f"“{self.name}” did not confirm the message",
                    f"It may have it or not; it was silent for {CONFIRM_S} s",
                )
            done, pending = await asyncio.wait(pending, timeout=rest, return_when=asyncio.FIRST_EXCEPTION)
            for receipt in done:
                receipt.result()

    def receipted(self, receipt: Receipt) -> None:
        """The peer says what it has, and what not."""
        self._confirmed_at = asyncio.get_running_loop().time()
        for item in receipt.items:
            future = self._unconfirmed.get(item.id)
            if future is None or future.done():
                continue
            if item.stage == "refused":
                why = _WHY.get(item.why, item.why)
                future.set_exception(NotDelivered(f"“{self.name}” did not take the message", why))
            else:
                future.set_result(None)

    def came(self, id_: str, text: Text) -> None:
        """A text of the peer: confirm it, and hand it over when it is whole."""
        taken, message, why = False, None, "busy"
        if self._messages.qsize() < MOST_WAITING:
            (taken, message), why = self._in.take(text), "order"
        at = round(time.time() * 1000)
        self._receipts.append(ReceiptItem(id_, "stored" if taken else "refused", "" if taken else why, at))
        self._to_confirm.set()
        if message is not None:
            self._messages.put_nowait(message.decode("utf-8", "replace"))

    def channel_changed(self) -> None:
        """Another channel is used from now on: what was sent over the old one may come later, or never."""
        self._out.begin_anew()

    def channel_lost(self) -> None:
        """There is no channel any more."""
        error = NotDelivered(
            f"The channel to “{self.name}” has closed", "The peer may have the message or not. Ask it, or send it again"
        )
        _fail(self._unconfirmed.values(), error)

    def end(self, error: P2pError) -> None:
        """Nobody waits any longer."""
        self._over = True
        _fail([*self._unconfirmed.values(), *self.calls], error)

    async def hand_over(self) -> None:
        """Hand messages over until the end."""
        while not self._over:
            await self._handed(self.name, await self._messages.get())

    async def confirm(self, session: Callable[[], Session | None]) -> None:
        """Say what we have until the end; where it cannot be said, the sender hears that the channel has closed."""
        while True:
            await self._to_confirm.wait()
            self._to_confirm.clear()
            while self._receipts:
                items, self._receipts = self._receipts[:_AT_ONCE], self._receipts[_AT_ONCE:]
                try:
                    sealed = self._notary.message(self.name, "receipt", Receipt(items=tuple(items)), new_id())
                    if (now := session()) is not None:
                        await now.send(self.name, sealed)
                except (LinkDown, LookupError) as error:
                    log.info("p2p api: %s is not told what has come: %s", self.name, error)

    def _expect(self, id_: str) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unconfirmed[id_] = future
        future.add_done_callback(lambda _: self._unconfirmed.pop(id_, None))
        return future


def _fail(futures: Iterable[asyncio.Future[None]], error: P2pError) -> None:
    for future in list(futures):
        if not future.done():
            future.set_exception(error)
