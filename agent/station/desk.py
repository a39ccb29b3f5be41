"""What every part of a station's core knows: who we are, who else there is, and how staff want it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.domain.audience import Audience
from agent.domain.ledger import Ledger, Member
from agent.domain.names import HUB
from agent.domain.page import InPage
from agent.domain.rights import may


@dataclass(frozen=True, slots=True)
class Habits:
    """How this desk rings, and whether its hub has to prove itself first; from configuration, seconds unless named
    otherwise.
    """

    again_s: float = 30.0
    later_s: float = 120.0
    page_sound: bool = True
    order_sound: bool = True
    per_minute: int = 10
    quiet_most_minutes: int = 480
    urgent_breaks_quiet: bool = True
    hub_proof_required: bool = True


@dataclass(slots=True)
class Desk:
    """Shared by the parts of one core; only the core changes it. `kid` is our key, where it is known."""

    site: str
    station: str
    new_id: Callable[[], str]
    ledger: Ledger
    habits: Habits = field(default_factory=Habits)
    quiet_until: float | None = None
    pinned: int = 0
    kid: bytes | None = None

    @property
    def known(self) -> int:
        """The newest entry of the ledger that we ever saw; after the loss of the store the pin remembers."""
        return max(self.ledger.seq, self.pinned)

    @property
    def me(self) -> Member | None:
        """Ourselves in the ledger, or None before the first sync and after a revocation."""
        return self.me_in(self.ledger)

    def me_in(self, ledger: Ledger) -> Member | None:
        """Ourselves in a ledger; another computer that has got our name since is not us."""
        found = ledger.member(self.station)
        return found if found is not None and self.kid in (None, found.kid) else None

    @property
    def roles(self) -> tuple[str, ...]:
        """Our roles."""
        return self.me.roles if self.me else ()

    def may(self, type_: str, audience: Audience) -> bool:
        """Whether we may send this."""
        return self.me is not None and may(self.roles, type_, audience)

    def recipients(self, audience: Audience, *also: str) -> tuple[str, ...]:
        """Return every station an audience means, `also` these and always the hub, without ourselves."""
        stations = {member.station for member in self.ledger.resolve(audience)} | set(also) | {HUB}
        return tuple(sorted(stations - {self.station}))

    def may_answer(self, page: InPage, station: str) -> bool:
        """Whether a station was paged: nobody else can answer, and the sender least of all."""
        paged = (member.station for member in self.ledger.resolve(page.audience))
        return station != page.sender and station in paged

    def person(self, station: str) -> str:
        """Return the person at a station as the ledger knows them, or the station's own name."""
        member = self.ledger.members.get(station)
        return member.person if member else station

    def quiet(self, now_mono: float) -> bool:
        """Whether the person here wants no sound now."""
        return self.quiet_until is not None and now_mono < self.quiet_until
