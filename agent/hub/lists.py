"""The answers to `order.list`: cut into parts, sent a few at a time, cut the same way when parts are asked again."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.effects import Effect, Post, WakeAt
from agent.domain.envelope import LIST_LIFE_MS, PART_BYTES, QUIET, WANT_NOTHING
from agent.domain.events import Arrived, Instant
from agent.domain.messages import OrderList, OrderPart
from agent.hub.registry import Filed, Registry
from agent.routing.bucket import Buckets
from agent.routing.policy import MAIL

MOST_ITEMS = 256
ROOM = PART_BYTES - 1024
"""What an envelope leaves for the items of a part, bytes."""

AT_ONCE, PAUSE_S = 8, 0.01
"""So many parts are made in one go, then everybody else has a turn; the pause keeps the link's queue short."""

REMEMBER_S = 120.0
"""How long a list is cut the same way; as long as a station waits for it."""

MAILS_PER_S, MAILS_AT_ONCE = 1 / 3600, 4
"""How often one station is answered by mail: a list may be a megabyte."""

Cut = tuple[tuple[str, ...], ...]
"""The uuids in each part."""


@dataclass(slots=True)
class _Answer:
    """What one station is being told."""

    station: str
    list_id: str
    cut: Cut
    upto: int
    lost: int | None
    until: float
    over: str
    waiting: deque[int] = field(default_factory=deque)


class Lists:
    """Every answer under way or fresh enough to be repeated, by station and list."""

    def __init__(self, registry: Registry, new_id: Callable[[], str]) -> None:
        self._registry, self._new_id = registry, new_id
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._turn: deque[_Answer] = deque()
        self._mails = Buckets(MAILS_PER_S, MAILS_AT_ONCE)
        self._last_cut: tuple[tuple[int, int], Cut] = ((-1, -1), ())

    def asked(self, event: Arrived, ask: OrderList, now: Instant) -> list[Effect]:
        """A station asks for orders, for certain ones, or for lost parts again; who asks by mail reads nothing else."""
        over = MAIL if event.link == MAIL else ""
        if over and not self._mails.take(over, event.envelope.sender, now.mono):
            return []
        key = event.envelope.sender, event.envelope.id
        answer = self._answers.get(key)
        if answer is None:
            self._forget(now.mono)
            cut = self._cut_only(ask.only) if ask.only else self._cut_since(ask.since)
            lost = None if ask.only else self._registry.lost(ask.since)
            until = now.mono + REMEMBER_S
            answer = self._answers[key] = _Answer(*key, cut, self._registry.count, lost, until, over)
            wanted: Iterable[int] = range(len(cut))
        else:
            wanted = [i for i in ask.parts if i < len(answer.cut)] or range(len(answer.cut))
        if not answer.waiting:
            self._turn.append(answer)
        answer.waiting.extend(i for i in wanted if i not in answer.waiting)
        return self.go_on(now)

    def go_on(self, now: Instant) -> list[Effect]:
        """Send the next parts, the stations taking turns."""
        posts: list[Effect] = []
        while self._turn and len(posts) < AT_ONCE:
            answer = self._turn.popleft()
            posts.append(self._part(answer, answer.waiting.popleft()))
            if answer.waiting:
                self._turn.append(answer)
        return [*posts, WakeAt(now.mono + PAUSE_S)] if self._turn else posts

    def tell(self, stations: Sequence[str], uuids: Iterable[str], over: str = "") -> list[Effect]:
        """Tell stations of these orders unasked; what does not arrive is in the next list they ask for."""
        cut = self._cut_only(uuids)
        answer = _Answer("", "", cut, self._registry.count, None, 0.0, over)
        posts = [self._part(answer, i) for i in range(len(cut))] if stations else []
        return [replace(post, to=EVERYBODY, recipients=tuple(stations), re=None) for post in posts]

    def _part(self, answer: _Answer, i: int) -> Post:
        found = (self._registry.get(uuid) for uuid in answer.cut[i])
        items = tuple(filed.order.to_item() for filed in _fitting(found))
        part = OrderPart(i=i, n=len(answer.cut), upto=answer.upto, items=items, lost=answer.lost)
        to = Audience("station", answer.station)
        return Post(
            self._new_id(),
            to,
            (answer.station,),
            "order.part",
            part,
            re=answer.list_id,
            want=WANT_NOTHING,
            prio=QUIET,
            life_ms=None if answer.over else LIST_LIFE_MS,
            over=answer.over,
        )

    def _cut_since(self, since: int) -> Cut:
        """Cut all that changed after `since`; after a restart of everything a thousand stations share one cut."""
        key = since, self._registry.count
        if self._last_cut[0] != key:
            self._last_cut = key, _cut(self._registry.changed_after(since))
        return self._last_cut[1]

    def _cut_only(self, uuids: Iterable[str]) -> Cut:
        return _cut(filed for uuid in dict.fromkeys(uuids) if (filed := self._registry.get(uuid)) is not None)

    def _forget(self, now: float) -> None:
        old = [key for key, answer in self._answers.items() if answer.until <= now and not answer.waiting]
        for key in old:
            del self._answers[key]


def _cut(items: Iterable[Filed]) -> Cut:
    """Fill parts one after the other; nothing to tell is one empty part."""
    parts: list[tuple[str, ...]] = []
    part: list[str] = []
    size = 0
    for filed in items:
        if part and (size + filed.size > ROOM or len(part) == MOST_ITEMS):
            parts.append(tuple(part))
            part, size = [], 0
        part.append(filed.order.uuid)
        size += filed.size
    return (*parts, tuple(part)) if part or not parts else tuple(parts)


def _fitting(found: Iterable[Filed | None]) -> Iterable[Filed]:
    """Leave out what no longer fits because it grew since the cut: its change went to everybody anyway."""
    size = 0
    for filed in found:
        if filed is not None and size + filed.size <= ROOM:
            size += filed.size
            yield filed
