"""Orders as last-writer-wins maps: any station merges changes in any order and all end up equal.

Each field carries a stamp (ms, counter, station). A delete is a tombstone with a stamp of its own; it hides
every field that is not newer, and is kept a week so that a late put cannot bring the order back.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from agent.domain.envelope import DAY_MS
from agent.domain.messages import FieldValue, Kind, OrderDelete, OrderItem, OrderPut, Stamp

TOMBSTONE_MS = 7 * DAY_MS
TITLE, SUBTITLE, FLAG_A, FLAG_B, CREATED, BY, DONE = "title", "subtitle", "flag_a", "flag_b", "created", "by", "done"

MOST_TEXT = 120
"""The longest title, subtitle or name, characters."""

Fields = Mapping[str, tuple[FieldValue, Stamp]]


class Order(Struct, frozen=True):
    """One order with the stamps of its fields; `dead` is its tombstone."""

    uuid: str
    kind: Kind
    fields: Fields = field(default_factory=dict)
    dead: Stamp | None = None

    def value(self, name: str) -> FieldValue:
        """Return a field's value, or None when it was never set or the tombstone hides it."""
        value, stamp = self.fields.get(name, (None, None))
        return None if stamp is None or (self.dead is not None and stamp <= self.dead) else value

    @property
    def alive(self) -> bool:
        """Whether anything newer than the tombstone exists."""
        return any(self.dead is None or stamp > self.dead for _, stamp in self.fields.values())

    @property
    def title(self) -> str:
        """The title, or ""."""
        return str(self.value(TITLE) or "")

    @property
    def done(self) -> bool:
        """Whether the work is finished."""
        return bool(self.value(DONE))

    def newest(self) -> Stamp | None:
        """Return the newest stamp in the order."""
        stamps = [stamp for _, stamp in self.fields.values()]
        return max([*stamps, self.dead] if self.dead else stamps, default=None)

    def to_item(self) -> OrderItem:
        """Return the order as it travels in a list."""
        return OrderItem(self.uuid, self.kind, dict(self.fields), self.dead)


def merge(mine: Order | None, theirs: Order) -> Order:
    """Join two states of one order: commutative, associative, idempotent."""
    if mine is None:
        return theirs
    fields = dict(mine.fields)
    for name, (value, stamp) in theirs.fields.items():
        if name not in fields or (stamp, _rank(value)) > (fields[name][1], _rank(fields[name][0])):
            fields[name] = (value, stamp)
    deaths = [stamp for stamp in (mine.dead, theirs.dead) if stamp]
    return replace(mine, kind=min(mine.kind, theirs.kind), fields=fields, dead=max(deaths, default=None))


def _rank(value: FieldValue) -> str:
    """Order two values under one stamp (a faulty sender), so that even then all stations agree."""
    return f"{type(value).__name__}:{value}"


def to_order(change: object) -> Order:
    """Return a put, a delete or an item of a list as a state to merge; TypeError for anything else.

    A deletion does not say of what kind: it says "order", which loses to "item" when kinds are merged.
    """
    match change:
        case OrderPut(uuid=uuid, kind=kind, fields=fields):
            return Order(uuid, kind, fields)
        case OrderDelete(uuid=uuid, stamp=stamp):
            return Order(uuid, "order", {}, stamp)
        case OrderItem(uuid=uuid, kind=kind, fields=fields, dead=dead):
            return Order(uuid, kind, fields, dead)
    raise TypeError(type(change).__name__)


def _as_text(value: FieldValue) -> FieldValue:
    return None if value is None else str(value)[:MOST_TEXT]


def _as_time(value: FieldValue) -> FieldValue:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


_KINDS: Mapping[str, Callable[[FieldValue], FieldValue]] = {
    TITLE: _as_text,
    SUBTITLE: _as_text,
    FLAG_A: bool,
    FLAG_B: bool,
    CREATED: _as_time,
    BY: _as_text,
    DONE: bool,
}


def readable(theirs: Order) -> Order:
    """Return what a station can show of an order from elsewhere: the fields it knows, each of its own kind.

    The stamps stay, so all stations make the same of a faulty field and still agree on the winner.
    """
    known = {name: (_KINDS[name](value), stamp) for name, (value, stamp) in theirs.fields.items() if name in _KINDS}
    return replace(theirs, fields=known)


class Clock(Struct, frozen=True):
    """A hybrid logical clock: never behind what it has seen, close to real time."""

    station: str
    last: tuple[int, int] = (0, 0)

    def tick(self, now_ms: int) -> tuple["Clock", Stamp]:
        """Return the clock after an own change at `now_ms`, and the change's stamp."""
        ms, counter = self.last
        after = (now_ms, 0) if now_ms > ms else (ms, counter + 1)
        return replace(self, last=after), (*after, self.station)

    def saw(self, stamp: Stamp | None, now_ms: int) -> "Clock":
        """Return the clock after reading somebody's stamp; one far ahead of us is not followed."""
        if stamp is None or stamp[0] > now_ms + DAY_MS:
            return self
        return replace(self, last=max(self.last, (stamp[0], stamp[1])))


def forget_old(orders: Iterable[Order], now_ms: int) -> list[str]:
    """Return the uuids of tombstones old enough to be dropped."""
    return [o.uuid for o in orders if o.dead and not o.alive and o.dead[0] + TOMBSTONE_MS < now_ms]
