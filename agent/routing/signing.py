"""What leaves: signed once for everybody it is for, sealed for each of them."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import to_builtins
from msgspec.structs import replace

from agent.domain.effects import Post
from agent.domain.envelope import LIFE_MS, URGENT, URGENT_LIFE_MS, VERSION, WANT_STORED, Envelope
from agent.domain.events import Instant
from agent.domain.ledger import Ledger
from agent.domain.names import HUB
from agent.routing import rows
from agent.wire.frame import read_body, sign_frame, take_apart
from agent.wire.keys import Identity
from agent.wire.seal import seal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Signed:
    """A post ready to be committed and sent; `exp` is the frame's, ms UTC."""

    post: Post
    frame: bytes
    exp: int

    def rows(self) -> list[rows.OutRow]:
        """Its outbox rows; a hub stores, but has nobody to present anything to."""
        post = self.post
        wants = {HUB: min(post.want, WANT_STORED)}
        return [(post.id, to, post.prio, wants.get(to, post.want), self.exp) for to in post.recipients]

    def commit(self, db: sqlite3.Connection) -> None:
        """Write its rows; runs in the store's transaction."""
        rows.insert_out(db, self.frame, self.rows())


class Signing:
    """Our keys, used."""

    def __init__(self, me: Identity, ledger: Callable[[], Ledger], now: Callable[[], Instant]) -> None:
        self._me, self._ledger, self._now = me, ledger, now

    def sign(self, post: Post) -> Signed:
        """Return the post with its frame; raises TooLarge, or ValueError for a text that cannot be written."""
        at = self._now().ms if post.at is None else post.at
        longest = URGENT_LIFE_MS if post.prio == URGENT and post.type == "page.new" else LIFE_MS[post.type]
        exp = at + min(post.life_ms or longest, longest)
        envelope = Envelope(
            v=VERSION,
            site=self._me.site,
            id=post.id,
            sender=self._me.station,
            to=post.to.to_wire(),
            type=post.type,
            at=at,
            exp=exp,
            re=post.re,
            want=post.want,
            prio=post.prio,
            head=self._ledger().short_head(),
            p={key: value for key, value in to_builtins(post.params).items() if value is not None},
        )
        return Signed(post, sign_frame(envelope, self._me), exp)

    def again(self, frame: bytes, shift_ms: int) -> tuple[bytes, int]:
        """Return a frame of ours with its times moved, and its new end in ms UTC."""
        envelope, _ = read_body(take_apart(frame).body)
        moved = replace(envelope, at=max(0, envelope.at + shift_ms), exp=max(1, envelope.exp + shift_ms))
        return sign_frame(moved, self._me), moved.exp

    def sealed(self, recipient: str, frame: bytes) -> bytes | None:
        """Return the container of a frame for a recipient; None if it is no member, or its key is none."""
        member = self._ledger().member(recipient)
        if member is None:
            return None
        try:
            return seal(frame, self._me.site, member.kid, member.receive)
        except ValueError:  # a key nobody can seal for costs its owner the message, and nobody else
            log.warning("cannot seal for %s: its key is not usable", recipient)
            return None
