"""Direct channels between programs, in four calls: docs/p2p-api.md shows how.

initialize_p2p_listener(user_id, handlers)     be a user, and wait
connect_to_user(user_id, peer_id)              open a channel
send_message_to_user(user_id, peer_id, text)   say something over it
close_all_p2p_connections()                    leave

A user is a station of the site, with the keys that enrolment left in a profile. All names are read like station names:
"Front Desk" is front-desk; handlers get them as the program itself wrote them last.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import agent.system.slim  # noqa: F401 - before anything that needs msgspec
from agent.domain.names import to_name
from agent.links.p2p.settings import IceServer
from agent.p2p_api.errors import (
    MessageTooLong,
    NameTaken,
    NotConnected,
    NotDelivered,
    NotListening,
    P2pError,
    SignalingDown,
    SignalingRefused,
    UnknownUser,
)
from agent.p2p_api.listener import Handlers, Listener
from agent.p2p_api.stations import Choice, find_station
from agent.system.beside import beside
from agent.system.paths import Profile

__all__ = [
    "IceServer",
    "MessageTooLong",
    "NameTaken",
    "NotConnected",
    "NotDelivered",
    "NotListening",
    "P2pError",
    "SignalingDown",
    "SignalingRefused",
    "UnknownUser",
    "close_all_p2p_connections",
    "configure",
    "connect_to_user",
    "initialize_p2p_listener",
    "send_message_to_user",
]

EVENTS = frozenset({"on_connection_ready", "on_datachannel_open", "on_message"})

_choice = Choice()
_listeners: dict[str, Listener | None] = {}
"""Those who listen, by station; None while it begins."""
_spellings: dict[str, str] = {}


def configure(*profiles: str | Path, signaling: str = "", servers: Iterable[IceServer] = ()) -> None:
    """Choose the profiles users are looked for in, the signaling server and the STUN and TURN servers.

    Counts for users initialised later. What is not given comes from the environment (NMR_P2P_PROFILES, separated like
    PATH; NMR_P2P_SIGNALING; NMR_P2P_STUN), else it is the profile of this account, its hub, and no such server.
    """
    _choice.profiles = tuple(Profile.at(profile) for profile in profiles)
    _choice.signaling, _choice.servers = signaling, tuple(servers)


async def initialize_p2p_listener(user_id: str, event_handlers: Handlers | None = None) -> None:
    """Let `user_id` be reached, and return when it is; it waits for others by itself from then on.

    Handlers, all of them may be left out: on_connection_ready() when the signaling server has let us in;
    on_datachannel_open(peer_id) when there is a channel and was none, whoever opened it;
    on_message(sender_id, message) one after the other for each sender. What they raise is logged.

    Raises UnknownUser, NameTaken, SignalingDown, SignalingRefused; ValueError for a handler of another name.
    """
    handlers = dict(event_handlers or {})
    if wrong := handlers.keys() - EVENTS:
        raise ValueError(f"there is no event {', '.join(sorted(wrong))}; there are {', '.join(sorted(EVENTS))}")
    name = _name(user_id)
    _forget_ended_loops()
    if name in _listeners:
        raise NameTaken(f"“{user_id}” listens already", "Each user is initialised once in a program")
    _listeners[name] = None
    listener = None
    try:
        station = await beside(lambda: find_station(user_id, _choice))
        listener = _listeners[name] = Listener(station, handlers, lambda name: _spellings.get(name, name))
        await listener.start()
    except BaseException:
        if _listeners.get(name) is listener:
            del _listeners[name]
        if listener is not None:
            await listener.stop()
        raise


async def connect_to_user(user_id: str, peer_id: str) -> None:
    """Return when `user_id` has a channel to `peer_id`; it is kept, and made again when it was lost.

    Raises NotListening, UnknownUser, NotConnected when the peer does not come, SignalingDown, SignalingRefused.
    """
    await _listening(user_id).connect(_name(peer_id))


async def send_message_to_user(user_id: str, recipient_id: str, message: str) -> None:
    """Return when the program of `recipient_id` has the message, in the order of the calls; at most 64 KiB of UTF-8.

    Raises NotListening, UnknownUser, NotConnected where there is no channel, NotDelivered when the peer
    confirms nothing for 12 s, MessageTooLong, SignalingRefused.
    """
    if not isinstance(message, str):
        raise TypeError(f"a message is a str, not {type(message).__name__}")
    await _listening(user_id).send(_name(recipient_id), message)


async def close_all_p2p_connections() -> None:
    """Close every channel of every user of this program; whoever still waits for something gets NotListening."""
    _forget_ended_loops()
    here = asyncio.get_running_loop()
    closing = [(name, one) for name, one in _listeners.items() if one is not None and one.loop is here]
    for name, _ in closing:
        del _listeners[name]
    caller = asyncio.current_task()
    await asyncio.gather(*(listener.stop(caller) for _, listener in closing))


def _name(user_id: str) -> str:
    """The station's name, and remember how the program writes it; raises UnknownUser."""
    name = to_name(user_id)
    if not name:
        raise UnknownUser(f"“{user_id}” is no name", "Use letters, digits and dashes")
    _spellings[name] = user_id
    return name


def _listening(user_id: str) -> Listener:
    listener = _listeners.get(_name(user_id))
    if listener is None or listener.loop is not asyncio.get_running_loop():
        raise NotListening(f"“{user_id}” does not listen", "Call initialize_p2p_listener() first, in this event loop")
    return listener


def _forget_ended_loops() -> None:
    """A program may run one event loop after the other, and end one without closing."""
    for name, listener in list(_listeners.items()):
        if listener is not None and listener.loop.is_closed():
            listener.let_go()
            del _listeners[name]
