"""The station's snapshot for the views, taken from core, configuration and surface."""

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent import __version__
from agent.domain.audience import EVERYBODY, Audience, parse_audience
from agent.domain.events import Instant
from agent.domain.rights import RANKS
from agent.station.core import Core
from agent.station.desk import Habits
from agent.station.surface import Surface
from agent.system.config.schema import Config, Ui
from agent.ui.snapshot import Labels, Proof, Question, QuickPage, Snapshot, Standing
from agent.ui.texts import Texts

if TYPE_CHECKING:
    from agent.station.tasks.questions import Open
    from agent.ui.texts import Language

MOST_ROLE_PAGES = 6
NAMES = ("order_name", "item_name", "subtitle_name", "flag_a", "flag_b", "item_flag_a", "item_flag_b")
UNNAMED = Ui()


def language_of(config: Config) -> "Language":
    """The language people read here: theirs by configuration, or by the environment."""
    wanted = config.ui.language
    if wanted == "auto":
        spoken = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
        wanted = "de" if spoken.lower().startswith("de") else "en"
    return wanted


def habits_of(config: Config) -> Habits:
    """How the core shall ring."""
    ring = config.ring
    return Habits(
        again_s=float(ring.again_seconds),
        page_sound=ring.page_sound,
        order_sound=ring.order_sound,
        per_minute=ring.per_minute,
        quiet_most_minutes=ring.do_not_disturb_max_minutes,
        urgent_breaks_quiet=ring.urgent_breaks_dnd,
        hub_proof_required=config.link.mqtt.hub_proof == "required",
    )


def take_picture(
    core: Core,
    config: Config,
    surface: Surface,
    notices: Sequence[str],
    storage: str,
    now: Instant,
    asked: "Sequence[Open]" = (),
) -> Snapshot:
    """Return what the views are computed from."""
    reach, desk = core.reach, core.desk
    return Snapshot(
        now=now,
        station=desk.station,
        version=__version__,
        ledger=desk.ledger,
        live=reach.there,
        links=dict(reach.links),
        link_since=dict(reach.since),
        hub_live=reach.hub_live(now),
        hub_seen_ms=reach.hub_seen.ms if reach.hub_seen else None,
        hub_rtt_ms=reach.hub_rtt_ms,
        orders=core.ordering.alive(),
        pending=frozenset(core.ordering.pending.values()),
        sent=list(core.paging.pages.values()),
        received=list(core.ringing.pages.values()),
        unanswered=core.ringing.open_pages(),
        quiet_until=desk.quiet_until,
        quiet_ends=_on_the_wall(desk.quiet_until, now),
        ready=core.ordering.ready(now),
        reachable=reach.reachable,
        may_page=lambda audience: desk.may("page.new", audience),
        may_order=desk.may("order.put", EVERYBODY),
        quick_pages=quick_pages(core, config),
        labels=labels_of(config),
        quit_allowed=config.ui.quit_allowed,
        quiet_most_minutes=config.ring.do_not_disturb_max_minutes,
        tray=surface.tray.name,
        notifier=surface.notifier.name,
        sound=surface.player.name,
        storage=storage,
        notices=tuple(notices),
        questions=tuple(
            Question(one.job, desk.person(one.owner), one.question.question, one.question.choices) for one in asked
        ),
        proof=proof_of(core, Texts.of(language_of(config))),
        standing=standing_of(core, Texts.of(language_of(config)), now),
        seen=dict(core.membership.last_seen.ms),
    )


def standing_of(core: Core, texts: Texts, now: Instant) -> Standing:
    """How the list of members stands, in words."""
    state, member = core.membership.standing(now), core.membership
    since = member.freshness.since_ms
    if state == "fork" and member.forks.open is not None:
        return Standing(state, texts("ledger.fork", seq=str(member.forks.open.seq)))
    if state == "stale" and since is not None:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(since / 1000))
        return Standing(state, texts("ledger.stale", time=at))
    return Standing(state)


def proof_of(core: Core, texts: Texts) -> Proof:
    """How the hub's proof stands, in words; while the list of orders comes, or does not, that is the news."""
    standing, fetching = core.proving.standing, core.fetching
    news = fetching.notice if core.reach.connected else ""
    notice, values = (news, {}) if news else (standing.notice, dict(standing.values))
    if standing.proven_ms is not None:
        values["time"] = time.strftime("%H:%M", time.localtime(standing.proven_ms / 1000))
    return Proof(
        state=standing.state,
        notice=texts(notice, **values) if notice else "",
        proven_ms=standing.proven_ms,
        until_ms=standing.until_ms,
        gen=standing.gen,
        not_after_ms=standing.not_after,
    )


def labels_of(config: Config) -> Labels:
    """What things are called here: by the site's own names, or in the language people read."""
    ui, texts = config.ui, Texts.of(language_of(config))
    own = {name: getattr(ui, name) for name in NAMES if getattr(ui, name) != getattr(UNNAMED, name)}
    return Labels(
        **{name: texts(f"label.{name}") for name in NAMES} | own,
        mask=ui.mask,
        timer=ui.timer,
        timer_s=ui.timer_seconds,
        language=texts.language,
        theme=ui.theme,
    )


def quick_pages(core: Core, config: Config) -> list[QuickPage]:
    """The configured pages, or one for each role that somebody else has."""
    if config.quick_page:
        return [QuickPage(page.title, parse_audience(page.to), page.note, page.urgent) for page in config.quick_page]
    texts = Texts.of(language_of(config))
    others = [member for member in core.desk.ledger.active() if member.station != core.desk.station]
    roles = sorted({role for member in others for role in member.roles if role not in RANKS})
    return [QuickPage(texts("menu.page-role", role=role), Audience("role", role)) for role in roles[:MOST_ROLE_PAGES]]


def _on_the_wall(mono: float | None, now: Instant) -> str:
    """A monotonic moment as hours and minutes of this computer's clock."""
    return "" if mono is None else time.strftime("%H:%M", time.localtime(time.time() + mono - now.mono))
