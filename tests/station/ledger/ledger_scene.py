"""Stations with the list of members, its publisher, and what that one and colleagues say to them."""

import copy

from agent.domain.effects import Post
from agent.domain.heads import LedgerFork
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.messages import LedgerHead, LedgerPart
from agent.domain.names import HUB
from agent.station.ledger.membership import Guards
from agent.wire.ledger import read_entry
from tests.walks.crowd import Clock, Node, signed_head
from tests.walks.members import SITE, Members


def kitchen() -> Members:
    """Three stations."""
    made = Members()
    for name in ("anna", "ben", "cleo"):
        made.add(name, "kitchen")
    return made


def branch(members: Members, seq: int) -> Members:
    """The same publisher, who goes on differently after entry `seq`."""
    other = copy.copy(members)
    other.frames, other.people, other.ledger = members.frames[:seq], dict(members.people), Ledger(SITE)
    for frame in other.frames:
        other.ledger = read_entry(other.ledger, frame)
    return other


def node(members: Members, name: str = "anna", clock: Clock | None = None, guards: Guards | None = None) -> Node:
    """A station that knows the whole list, and the hub's word for it."""
    made = Node(name, members.frames[0], clock or Clock(), guards or Guards()).catch_up(members)
    said(made, members)
    made.posts.clear()
    return made


def said(node: Node, members: Members, ledger: Ledger | None = None) -> None:
    """The hub signs a head now."""
    ledger = ledger or members.ledger
    frame = signed_head(members, ledger, node.clock.now.ms)
    node.hear(HUB, LedgerHead(seq=ledger.seq, hash=to_b64u(ledger.head)), frame=frame)


def part(log: Members, after: int = 0) -> LedgerPart:
    return LedgerPart(entries=tuple(frame.decode() for frame in log.frames[after:]))


def sent(node: Node, type_: str) -> list[Post]:
    posts, node.posts = [post for post in node.posts if post.type == type_], []
    return posts


def shown(node: Node) -> LedgerFork:
    (post,) = sent(node, "ledger.fork")
    assert isinstance(post.params, LedgerFork)
    return post.params
