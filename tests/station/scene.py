"""One station's core with real members and a clock of its own; what it keeps lies on a disk that outlives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import count
from typing import TypeVar

from msgspec import json

from agent.domain.audience import Audience
from agent.domain.effects import Anchor, Effect, Keep, NotBefore, Notify, Post
from agent.domain.envelope import LIFE_MS, Envelope
from agent.domain.events import Arrived, Event, Instant, LinkChanged, Presented
from agent.domain.heads import HEADS
from agent.domain.ledger import Ledger
from agent.domain.messages import PARAMETERS, OrderPart, OrderRef, PageAnswer, PageNew, PageWithdraw, Parameters, Probe
from agent.domain.names import HUB
from agent.domain.page import InPage, OutPage
from agent.station.core import Core
from agent.station.desk import Habits
from agent.station.loading import kept_from
from tests.walks.members import NOW_MS, Members

KITCHEN, EVERYBODY = Audience("role", "kitchen"), Audience("all")
TYPES = {params: type_ for type_, params in {**PARAMETERS, **HEADS}.items()}

T = TypeVar("T", bound=Effect)


@lru_cache(maxsize=1)
def crew() -> Members:
    """Anna has two desks; Ben and Cleo are the kitchen; a display on the wall, a lead, and somebody who left."""
    made = Members()
    made.add("front", "front-desk", person="anna")
    made.add("front-2", "front-desk", person="anna")
    made.add("stove", "kitchen", person="ben")
    made.add("oven", "kitchen", person="cleo")
    made.add("wall", "kitchen", "display", person="wall")
    made.add("boss", "lead", person="dora")
    made.add("gone", "kitchen", person="eve")
    made.revoke("gone")
    return made


def only(effects: Sequence[Effect], kind: type[T]) -> list[T]:
    """The effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def ident(number: int) -> str:
    """An id of a page or an order."""
    return f"{number:032x}"


@dataclass
class Scene:
    """`station` by name; time stands still until `wait`. Nothing is sent: `posts` holds what would be."""

    station: str = "stove"
    habits: Habits = field(default_factory=Habits)
    anchored: bool = True
    ms: int = NOW_MS
    mono: float = 1000.0
    disk: dict[tuple[str, str], bytes] = field(default_factory=dict)
    open_at_hub: set[str] = field(default_factory=set)
    ledger: Ledger | None = None
    pin: tuple[int, bytes] | None = None

    def __post_init__(self) -> None:
        self._ids, self._chances = count(1), count(1)
        self.posts: list[Post] = []
        self.start()

    @property
    def now(self) -> Instant:
        least = 0 if self._told is None else self._told + round(self.mono * 1000)
        return Instant(self.mono, self.ms, self.anchored, least)

    def start(self) -> list[Effect]:
        """Begin a run with what is on the disk."""
        self._told: int | None = None
        self.core = Core(
            station=self.station,
            ledger=self.ledger or crew().ledger,
            pin=self.pin,
            kept=kept_from(self._bodies, self.open_at_hub),
            habits=self.habits,
            new_id=self.new_id,
            chance=self.chance,
            now=self.now,
        )
        return self.take(self.core.start(self.now))

    def restart(self, after: float = 0.0, *, anchored: bool = False) -> list[Effect]:
        """Crash, and begin again later; a computer that starts has no hub time yet."""
        self.ms += round(after * 1000)
        self.mono, self.anchored = 50.0, anchored
        return self.start()

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, in steps that no waking misses."""
        effects: list[Effect] = []
        end = self.mono + seconds
        while self.mono < end:
            step = min(0.5, end - self.mono)
            self.mono, self.ms = self.mono + step, self.ms + round(step * 1000)
            effects += self.take(self.core._woke(self.now))
        return effects

    def tell(self, event: Event) -> list[Effect]:
        return self.take(self.core.handle(event, self.now))

    def take(self, effects: list[Effect]) -> list[Effect]:
        """Do what a router does: keep what is to be kept, note what is to be sent."""
        for effect in effects:
            match effect:
                case Keep(kind, id_, None):
                    self.disk.pop((kind, id_), None)
                case Keep(kind, id_, value):
                    self.disk[kind, id_] = value if isinstance(value, bytes) else json.encode(value)
                case Post():
                    self.posts.append(effect)
                case Anchor(hub_ms, mono):
                    self.ms, self.anchored = hub_ms + round((self.mono - mono) * 1000), True
                case NotBefore(hub_ms):
                    told = hub_ms - round(self.mono * 1000)
                    self._told = told if self._told is None else max(told, self._told)
        return effects

    def arrives(self, sender: str, params: Parameters, *, to: Audience = KITCHEN, **changes: object) -> list[Effect]:
        """A message comes; `changes` are fields of its envelope, or `unverified`, `expired`, `channel`, `link`."""
        flags = {name: changes.pop(name) for name in ("unverified", "expired", "channel", "link") if name in changes}
        type_ = TYPES[type(params)]
        at = changes.pop("at", self.ms)
        assert isinstance(at, int)
        plain: dict[str, object] = {
            "v": 1,
            "site": "s1",
            "id": self.new_id(),
            "sender": sender,
            "to": to.to_wire(),
            "type": type_,
            "at": at,
            "exp": at + LIFE_MS[type_],
            "re": None,
            "want": 2,
            "prio": 1,
            "head": crew().ledger.short_head(),
            "p": {},
        }
        envelope = Envelope(**(plain | changes))  # type: ignore[arg-type]  # as the test wants it
        flags = {"unverified": not self.anchored, "link": "mqtt", **flags}
        return self.tell(Arrived(envelope, params, **flags))  # type: ignore[arg-type]  # as the test wants them

    def paged(
        self, number: int = 1, sender: str = "front", order: str | None = None, **changes: object
    ) -> list[Effect]:
        """A page comes."""
        about = OrderRef(order, "soup") if order else None
        return self.arrives(sender, PageNew(order=about, note="now"), **{"id": ident(number)} | changes)  # type: ignore[arg-type]  # of its envelope

    def rings(self, number: int = 1, sender: str = "front", **changes: object) -> InPage:
        """A page comes and is shown."""
        self.paged(number, sender, None, **changes)
        self.tell(Presented(ident(number), ok=True))
        return self.page(number)

    def answered(self, by: str, answer: str = "accepted", number: int = 1, **changes: object) -> list[Effect]:
        """Another station answers a page."""
        person = crew().ledger.members[by].person
        said = PageAnswer(answer=answer, person=person)  # type: ignore[arg-type]  # the test names answers
        return self.arrives(by, said, re=ident(number), **changes)  # type: ignore[arg-type]  # of its envelope

    def withdrawn(self, by: str = "front", number: int = 1) -> list[Effect]:
        """Somebody withdraws a page."""
        return self.arrives(by, PageWithdraw(), re=ident(number))

    def up(self) -> list[Effect]:
        return self.tell(LinkChanged("mqtt", "up"))

    def hub_answers(
        self, *, after: float = 0.01, ms: int | None = None, head: tuple[int, str] | None = None
    ) -> list[Effect]:
        """The hub answers our last probe with the time."""
        self.mono += after
        probe = [post for post in self.posts if post.type == "probe"][-1]
        assert isinstance(probe.params, Probe)
        answer = Probe(n=probe.params.n, time=self.ms if ms is None else ms, roster=7, live="front stove oven")
        at = {} if head is None else {"head": head}
        effects = self.arrives(HUB, answer, re=probe.id, **at)  # type: ignore[arg-type]  # of its envelope
        return [*effects, *self.take(self.core._woke(self.now))]

    def list_comes(
        self, *items: object, i: int = 0, n: int = 1, upto: int = 1, re: str | None = None, lost: int | None = None
    ) -> list[Effect]:
        """The hub answers our last question for its list."""
        asked = re or [post for post in self.posts if post.type == "order.list"][-1].id
        return self.arrives(HUB, OrderPart(i=i, n=n, upto=upto, items=tuple(items), lost=lost), re=asked)  # type: ignore[arg-type]  # OrderItems

    def page(self, number: int = 1) -> InPage:
        return self.core.ringing.pages[ident(number)]

    @property
    def winner(self) -> str:
        """The station whose person comes for the first page, as we know it."""
        answer = self.page().answer
        return answer.station if answer is not None else ""

    @property
    def sent(self) -> OutPage:
        """The last page we sent."""
        return list(self.core.paging.pages.values())[-1]

    def chance(self, count: int) -> bytes:
        """Bytes that are never the same, and always the same in the same scene."""
        return b"".join(sha256(b"%d" % next(self._chances)).digest() for _ in range(-(-count // 32)))[:count]

    def new_id(self) -> str:
        return f"{next(self._ids):030x}{self.station.encode().hex()[:2]}"

    def _bodies(self, kind: str) -> Mapping[str, bytes]:
        return {id_: body for (kind_, id_), body in self.disk.items() if kind_ == kind}


def shown(effects: Sequence[Effect]) -> list[str]:
    """The pages that are put before the person for the first time."""
    return [effect.page for effect in only(effects, Notify) if not effect.again]
