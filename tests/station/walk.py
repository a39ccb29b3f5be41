"""A station's whole way to its hub in virtual time: link, disk and hub stand in, everything the core wants is done."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.domain import effects as do
from agent.domain.audience import Audience
from agent.domain.bundle import Bundle, Held
from agent.domain.effects import Effect, Note, Post, Tell, WakeAt
from agent.domain.events import ChannelOpen, Event, Instant, KeysRead, KeysSaved, LinkChanged, Woke
from agent.domain.messages import Parameters
from agent.domain.names import HUB
from agent.station.picture import proof_of
from agent.ui.texts import Texts
from agent.wire.macs import Pair
from tests.station.hub_side import DAY_MS, HubSide, bundle
from tests.station.scene import TYPES, Scene, crew, only
from tests.walks.members import NOW_MS

ENGLISH = Texts.of("en")


@dataclass
class Walk(Scene):
    """`dropped` are types of messages that get lost, `twisted` changes what the hub says, `hub_ahead_ms` is by how
    much its clock is before ours, `head` what it knows of the ledger. `deeds` is everything the core wanted, in order,
    `shown` every notice.
    """

    anchored: bool = False
    on_disk: Bundle | None = None
    fault: str = ""
    unsaved: str = ""
    dropped: set[str] = field(default_factory=set)
    twisted: Callable[[str, Parameters], Parameters] = lambda _, params: params
    hub_ahead_ms: int = 0
    head: tuple[int, str] | None = None

    def __post_init__(self) -> None:
        self.on_disk = self.on_disk or bundle(not_after=NOW_MS + 20 * DAY_MS)
        pair = Pair("s1", self.station, crew().ledger.members[HUB].kid)
        self.hub = HubSide(pair, Held(self.on_disk))
        self.deeds: list[Effect] = []
        self.times: list[tuple[float, Effect]] = []
        self.shown: list[str] = []
        self._next: deque[Callable[[], object]] = deque()
        self._wakes: list[float] = []
        super().__post_init__()

    # what people see

    @property
    def notice(self) -> str:
        return proof_of(self.core, ENGLISH).notice

    @property
    def state(self) -> str:
        return proof_of(self.core, ENGLISH).state

    @property
    def logged(self) -> list[str]:
        return [str(note.fields["text"]) for note in only(self.deeds, Note) if "text" in note.fields]

    @property
    def told(self) -> list[str]:
        return [ENGLISH(tell.text, **tell.values) for tell in only(self.deeds, Tell) if tell.key == "connection"]

    @property
    def sent_types(self) -> list[str]:
        return [post.type for post in self.posts]

    def kinds(self) -> list[str]:
        """What the core wanted of the door, of people and of the log, in order."""
        kept = (do.Abort, do.OpenInbox, do.SaveKeys, Note, Tell)
        names = [post.type if isinstance(post, Post) and post.channel else type(post).__name__ for post in self.deeds]
        return [name for name, deed in zip(names, self.deeds, strict=True) if isinstance(deed, kept) or "." in name]

    # what happens

    def connect(self) -> "Walk":
        """The broker is reached and lets us in."""
        self.change("connecting")
        return self.change("proving")

    def change(self, state: str) -> "Walk":
        self.tell(LinkChanged("mqtt", state, gated=True))
        return self.settle()

    def settle(self) -> "Walk":
        """Do everything that the core wants and the hub answers, in no time."""
        while self._next:
            self._next.popleft()()
        return self

    def after(self, seconds: float) -> "Walk":
        """Let time pass; the core is woken only when it asked for that."""
        end = self.mono + seconds
        while (due := min((at for at in self._wakes if at <= end), default=None)) is not None:
            self._wakes = [at for at in self._wakes if at > due]
            self._move(max(due, self.mono))
            self.tell(Woke())
            self.settle()
        self._move(end)
        return self

    def _move(self, mono: float) -> None:
        self.ms += round(mono * 1000) - round(self.mono * 1000)
        self.mono = mono

    def tell(self, event: Event) -> list[Effect]:
        effects = super().tell(event)
        if not self.shown or self.shown[-1] != self.notice:
            self.shown.append(self.notice)
        return effects

    # what the world does about it

    def take(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            self.deeds.append(effect)
            self.times.append((self.mono, effect))
            self._react(effect)
        return super().take(effects)

    def _react(self, effect: Effect) -> None:
        then = self._next.append
        match effect:
            case WakeAt(mono):
                self._wakes.append(mono)
            case do.ReadKeys():
                then(lambda: self.tell(self._keys()))
            case do.SaveKeys(new):
                then(lambda: self.tell(self._save(new)))
            case do.Listen(channel):
                then(lambda: self.tell(ChannelOpen(channel)))
            case do.OpenInbox():
                then(lambda: self.tell(LinkChanged("mqtt", "up", gated=True)))
            case do.Abort(why):
                then(lambda: self.tell(LinkChanged("mqtt", "down", why, gated=True)))
            case Post(channel=channel) if channel:
                then(lambda: self._carry(effect))

    def _keys(self) -> KeysRead:
        return KeysRead(None, self.fault, "a title", "a message") if self.fault else KeysRead(self.on_disk)

    def _save(self, new: Bundle) -> KeysSaved:
        if self.unsaved:
            return KeysSaved(ok=False, why=self.unsaved)
        self.on_disk = new
        return KeysSaved(ok=True)

    def _carry(self, post: Post) -> None:
        """Bring a proof to the hub, and bring back what it says."""
        if post.type in self.dropped:
            return
        there = Instant(self.mono, self.ms + self.hub_ahead_ms)
        for said in self.hub.answers(post.params, there):
            if said.type not in self.dropped:
                self.hub_says(self.twisted(said.type, said.params), said.channel)

    def hub_says(self, params: Parameters, channel: str) -> None:
        assert type(params) in TYPES
        head = self.head or crew().ledger.short_head()
        self.arrives(HUB, params, to=Audience("station", self.station), channel=channel, head=head)
