"""What monitoring reads of the hub at /metrics, and who may: numbers to alarm on, no names and no ids."""

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from agent import __version__
from agent.domain.envelope import DAY_MS
from agent.domain.events import Instant
from agent.hub.broker.base import Broker
from agent.hub.broker.tls import SiteTls
from agent.hub.core import Core
from agent.hub.engine import Engine
from agent.hub.exposition import Family, by, counter, gauge, write_families
from agent.hub.recovery import Recovery
from agent.hub.tally import Tally
from agent.routing.admission import REFUSALS

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SOON_DAYS = (1, 3, 7)
_DAY_S = 86_400


class Metrics:
    """`text` is what is read, `may_read` says by whom: `allowed` are addresses or networks."""

    def __init__(
        self,
        *,
        engine: Engine,
        tally: Tally,
        broker: Broker,
        recovery: Recovery,
        alarms: Callable[[], list[str]],
        tls: SiteTls,
        folder: Path,
        allowed: Sequence[str],
        now: Callable[[], Instant],
    ) -> None:
        self._engine, self._tally, self._broker, self._recovery = engine, tally, broker, recovery
        self._tls, self._folder, self._now, self._alarms = tls, folder, now, alarms
        self._allowed: list[IPv4Network | IPv6Network] = [ip_network(one) for one in allowed]
        self._started = time.time()

    def may_read(self, host: str | None) -> bool:
        """Whether somebody at this address may read them."""
        try:
            address = ip_address(host or "")
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:  # how a socket for both shows those of the old
            address = address.ipv4_mapped
        return any(address in network for network in self._allowed)

    def text(self) -> str:
        """Return all numbers as they are now."""
        core, tally, now = self._engine.core, self._tally, self._now()
        families = [
            *self._hub(core),
            *_stations(core, now.mono),
            *_pages(core, tally, now.ms),
            *_keys(core, tally, now.ms),
            *self._ground(),
        ]
        about = "Seconds from a page to its first answer."
        return write_families(families, {"nmr_hub_answer_seconds": (about, tally.answer_seconds)})

    def _hub(self, core: Core) -> Iterable[Family]:
        router, refused = self._engine.router, dict.fromkeys(REFUSALS, 0) | self._engine.router.refused
        labels = (("version", __version__), ("broker", self._broker.name))
        yield Family("nmr_hub_info", "gauge", "Which version runs, and which broker it keeps.", {labels: 1})
        yield gauge("nmr_hub_start_time_seconds", "When the hub was started, as seconds since 1970.", self._started)
        yield gauge("nmr_hub_broker_up", "Whether the hub is at its broker.", core.links.at_broker)
        starts = max(0, self._broker.starts - 1)
        yield counter("nmr_hub_broker_restarts_total", "How often the broker died and was started again.", starts)
        yield gauge("nmr_hub_outbox_rows", "Messages of the hub that wait for a receipt.", router.open_rows)
        yield counter("nmr_hub_refused_total", "Messages that were refused, by why.", refused, "code")
        yield counter("nmr_hub_undeliverable_total", "Messages of the hub that nobody took.", self._tally.undeliverable)
        yield gauge("nmr_hub_alarms", "Sentences under alarms in: nmr hub status.", len(self._alarms()))
        yield gauge("nmr_hub_set_back", "Whether a restored hub waits for its stations.", self._recovery.under_way)
        yield gauge("nmr_hub_ledger_entries", "Entries of the list of members.", core.ledger.seq)

    def _ground(self) -> Iterable[Family]:
        store = sum(path.stat().st_size for path in self._folder.glob("hub.sqlite3*") if path.suffix != ".sum")
        yield gauge("nmr_hub_disk_free_bytes", "Free on the hub's disk.", shutil.disk_usage(self._folder).free)
        yield gauge("nmr_hub_store_bytes", "What the hub's database takes, with its log and its copies.", store)
        left = {"hub": _days_left(self._tls.hub_cert), "authority": _days_left(self._tls.ca_cert)}
        about = "Days until a certificate ends; the hub's is renewed by itself 30 days before."
        yield Family("nmr_hub_certificate_days", "gauge", about, by("which", left))


def _stations(core: Core, mono: float) -> Iterable[Family]:
    yield gauge("nmr_hub_stations", "Stations that are members.", len(core.ledger.active()))
    yield gauge(
        "nmr_hub_stations_live", "Stations that were heard in the last 50 seconds.", len(core.roster.live(mono))
    )
    yield gauge("nmr_hub_orders", "Orders that people see.", core.registry.alive())


def _pages(core: Core, tally: Tally, now_ms: int) -> Iterable[Family]:
    unanswered = [page for page in core.history.pages.values() if page.sender and not page.answers]
    open_ = [page for page in unanswered if not page.withdrawn]
    yield counter("nmr_hub_pages_total", "Pages that the hub heard of.", tally.pages, "urgent")
    yield counter("nmr_hub_answers_total", "Answers to pages.", tally.answers, "answer")
    waiting = sum(page.exp > now_ms for page in open_)
    yield gauge("nmr_hub_pages_unanswered", "Pages that wait for an answer now.", waiting)
    missed = len(open_) - waiting
    yield gauge("nmr_hub_pages_missed", "Pages of the last thousand that ended without any answer.", missed)


def _keys(core: Core, tally: Tally, now_ms: int) -> Iterable[Family]:
    ends = [account.current.not_after - now_ms for account in core.proofs.accounts.values()]
    soon = {str(days): sum(0 < left <= days * DAY_MS for left in ends) for days in SOON_DAYS}
    about = "Keys of stations that end within so many days; each station renews its own in time if it is there."
    yield Family("nmr_hub_keys_expiring", "gauge", about, by("days", soon))
    yield gauge("nmr_hub_keys_expired", "Keys of stations that have ended.", sum(left <= 0 for left in ends))
    yield counter("nmr_hub_proofs_total", "Stations that proved themselves and were let in.", tally.entered)
    yield counter("nmr_hub_proofs_refused_total", "Proofs that were refused, by why.", tally.refused, "code")
    yield counter("nmr_hub_renewals_total", "New keys that the hub took from stations.", tally.renewed)


def _days_left(path: Path) -> float:
    """Days until a certificate ends; 0 for one that cannot be read."""
    from cryptography.x509 import load_pem_x509_certificate

    try:
        found: Certificate = load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return 0.0
    return round((found.not_valid_after_utc.timestamp() - time.time()) / _DAY_S, 3)
