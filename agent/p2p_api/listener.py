"""One user of this program while it listens: its link, its peers, and the handlers it was given."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from inspect import isawaitable
from typing import Any

from agent.domain.messages import Receipt
from agent.domain.texts import Text
from agent.links.base import Delivery, LinkDown, Session
from agent.links.keeper import LinkState, keep_up
from agent.links.p2p.link import P2pLink
from agent.p2p_api.errors import (
    MessageTooLong,
    NameTaken,
    NotConnected,
    NotListening,
    P2pError,
    SignalingDown,
    SignalingRefused,
    UnknownUser,
)
from agent.p2p_api.order import MOST_BYTES
from agent.p2p_api.peer import Peer
from agent.p2p_api.stations import Station
from agent.system.ids import new_id
from agent.wire.frame import FrameRefused

START_S, CONNECT_S = 10.0, 20.0
"""The longest the first login and the opening of a channel may take."""

Handlers = Mapping[str, Callable[..., Any]]

log = logging.getLogger(__name__)


class Listener:
    """Used in the event loop it was made in; `spelling` says how the program itself writes a station's name."""

    def __init__(self, station: Station, handlers: Handlers, spelling: Callable[[str], str]) -> None:
        self.loop = asyncio.get_running_loop()
        self._station, self._handlers, self._spelling = station, handlers, spelling
        self._link = P2pLink(
            station.settings, station.notary, warm=lambda: self._wanted, changed=self._channels_changed
        )
        self._state: LinkState | None = None
        self._session: Session | None = None
        self._first: asyncio.Future[None] = self.loop.create_future()
        self._seat = new_id()
        self._peers: dict[str, Peer] = {}
        self._wanted: set[str] = set()
        self._open: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Return when the signaling server knows us; raises NameTaken, SignalingDown, SignalingRefused."""
        if not self._station.lock.acquire():
            raise NameTaken(f"“{self._station.name}” listens already", "Another program on this computer has its name")
        self._spawn(keep_up(self._link, opened=self._opened, arrived=self._arrived, changed=self._link_changed), "link")
        try:
            async with asyncio.timeout(START_S):
                await self._first
        except TimeoutError:
            raise self._signaling_error() from None

    async def connect(self, name: str) -> None:
        """Return when there is a channel, which is kept from then on; raises P2pError."""
        peer = self._peer(name)
        self._wanted.add(name)
        self._link.rewarm()
        if name in self._open:
            return
        call: asyncio.Future[None] = self.loop.create_future()
        peer.calls.add(call)
        try:
            async with asyncio.timeout(CONNECT_S):
                await call
        except TimeoutError:
            self._wanted.discard(name)
            self._link.rewarm()
            if self._session is None:
                raise self._signaling_error() from None
            raise NotConnected(
                f"“{name}” could not be reached", f"No channel opened in {CONNECT_S:g} s. Does its program listen?"
            ) from None
        finally:
            peer.calls.discard(call)

    async def send(self, name: str, message: str) -> None:
        """Return when the peer's program has the message; raises P2pError."""
        content = message.encode()
        if len(content) > MOST_BYTES:
            raise MessageTooLong("The message is too long", f"It has {len(content)} bytes of {MOST_BYTES}. Split it")
        peer, session = self._peer(name), self._session
        if session is None or name not in self._open:
            raise NotConnected(f"There is no channel to “{name}”", "Open one first with connect_to_user()")
        try:
            await peer.send(session, content)
        except LinkDown as error:
            raise NotConnected(f"“{name}” cannot be reached now", f"{error}. The channel is being renewed") from error
        except LookupError:
            raise self._no_member(name) from None

    async def stop(self, caller: asyncio.Task[Any] | None = None) -> None:
        """Close everything; `caller` goes on, for a handler may ask for it."""
        closed = NotListening(f"“{self._station.name}” was closed", "Initialise it again before you use it")
        for peer in self._peers.values():
            peer.end(closed)
        if not self._first.done():
            self._first.set_exception(closed)
            self._first.exception()  # whoever waits gets it, and nobody need wait
        tasks = [task for task in self._tasks if task is not caller]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._session = None
        self.let_go()

    def let_go(self) -> None:
        """Let another program be this user; all there is to do after the end of the event loop."""
        self._station.lock.release()

    # The link

    def _opened(self, session: Session) -> None:
        self._session = session

    def _link_changed(self, state: LinkState) -> None:
        self._state = state
        if state.state == "up":
            self._call("on_connection_ready")
            if not self._first.done():
                self._first.set_result(None)
            return
        self._session = None
        self._channels_changed()
        if state.state == "refused":
            error = self._signaling_error()
            if not self._first.done():
                self._first.set_exception(error)
            else:
                log.error("p2p api: %s", error)
            for peer in self._peers.values():
                peer.end(error)

    def _channels_changed(self) -> None:
        """Tell whoever waits which channels there are now."""
        now = {peer.station for peer in self._link.peers() if peer.state in ("open", "suspect")}
        new, lost, self._open = now - self._open, self._open - now, now
        for peer in self._peers.values():
            peer.channel_changed()
        for name in lost & self._peers.keys():
            self._peers[name].channel_lost()
        for name in new:
            self._call("on_datachannel_open", self._spelling(name))
            for call in self._get(name).calls:
                if not call.done():
                    call.set_result(None)

    def _arrived(self, delivery: Delivery) -> None:
        delivery.accept()
        sender = delivery.sender or ""
        try:
            envelope, params = self._station.notary.take(sender, delivery.sealed)
        except FrameRefused as refused:
            log.warning("p2p api: a message of %s was refused: code=%s", sender, refused.code)
            return
        if isinstance(params, Text):
            self._get(sender).came(envelope.id, params)
        elif isinstance(params, Receipt):
            self._get(sender).receipted(params)

    # The peers

    def _peer(self, name: str) -> Peer:
        """The peer of this name; raises UnknownUser, SignalingRefused."""
        if self._state is not None and self._state.state == "refused":
            raise self._signaling_error()
        if name == self._station.name:
            raise UnknownUser(f"“{name}” is this user itself", "Name another user")
        if self._station.members.find(name) is None:
            raise self._no_member(name)
        return self._get(name)

    def _get(self, name: str) -> Peer:
        if name not in self._peers:
            peer = self._peers[name] = Peer(name, self._seat, self._station.notary, self._handed)
            self._spawn(peer.hand_over(), f"messages of {name}")
            self._spawn(peer.confirm(lambda: self._session), f"receipts for {name}")
        return self._peers[name]

    def _no_member(self, name: str) -> P2pError:
        return UnknownUser(
            f"“{name}” is no member of the site",
            "Enrol it. If that is done, the list here is old: the agent of a profile keeps it, start one with: nmr run",
        )

    def _signaling_error(self) -> P2pError:
        why = self._state.why if self._state is not None else ""
        if self._state is not None and self._state.state == "refused":
            return SignalingRefused(f"“{self._station.name}” is not let in", why)
        url = self._station.settings.url
        return SignalingDown("The signaling server cannot be reached", f"{url}: {why or 'it does not answer'}")

    # The handlers

    async def _handed(self, name: str, message: str) -> None:
        await self._handle("on_message", self._spelling(name), message)

    def _call(self, event: str, *arguments: str) -> None:
        self._spawn(self._handle(event, *arguments), event)

    async def _handle(self, event: str, *arguments: str) -> None:
        """Call a handler; what it raises is its own business, and ours to write down."""
        handler = self._handlers.get(event)
        if handler is None:
            return
        try:
            result = handler(*arguments)
            if isawaitable(result):
                await result
        except Exception:
            log.exception("p2p api: %s of %s raised", event, self._station.name)

    def _spawn(self, deed: Coroutine[Any, Any, None], name: str) -> None:
        task = self.loop.create_task(deed, name=f"p2p {self._station.name}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
