"""Why the peer-to-peer API could not do what it was asked: each error says what to do about it.

P2pError
├── NotListening      the user was not initialised in this program, or was closed
├── NameTaken         somebody else has this name: in this program, or at the signaling server
├── UnknownUser       no profile of this program, or no member of the site, has this name
├── NotConnected      there is no channel to this peer, and none could be opened
├── NotDelivered      the peer did not confirm the message: it may have it or not
├── MessageTooLong    more than one message may have
├── SignalingDown     the signaling server cannot be reached
└── SignalingRefused  it does not let this station in
"""

from agent.domain.errors import NmrError


class P2pError(NmrError):
    """Something of the peer-to-peer API could not be done."""

    default_code = "p2p"


class NotListening(P2pError):
    """The user was not initialised in this program, or was closed."""

    default_code = "p2p-not-listening"


class NameTaken(P2pError):
    """Somebody else has this name: in this program, or at the signaling server."""

    default_code = "p2p-name-taken"


class UnknownUser(P2pError):
    """No profile of this program, or no member of the site, has this name."""

    default_code = "p2p-unknown-user"


class NotConnected(P2pError):
    """There is no channel to this peer, and none could be opened."""

    default_code = "p2p-not-connected"


class NotDelivered(P2pError):
    """The peer did not confirm the message: it may have it or not."""

    default_code = "p2p-not-delivered"


class MessageTooLong(P2pError):
    """More than one message may have."""

    default_code = "p2p-too-long"


class SignalingDown(P2pError):
    """The signaling server cannot be reached."""

    default_code = "p2p-signaling-down"


class SignalingRefused(P2pError):
    """The signaling server does not let this station in."""

    default_code = "p2p-signaling-refused"
