"""The tray: icon, count, tooltip and menu as a pure view of the station's state."""

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.events import AnswerGiven, PageAsked, QuietAsked, WithdrawAsked
from agent.domain.page import InPage, OutPage
from agent.domain.task import QuestionAnswered
from agent.ui.ladder import summary
from agent.ui.snapshot import Question, QuickPage, Snapshot
from agent.ui.texts import Texts
from agent.ui.view import Entry, IconState, OpenWindow, Quit, TrayView

SEPARATOR_KEY = "-"
MOST_ORDERS = 15
MOST_SENT = 3
MOST_OPEN = 5
RECENT_MS = 30 * 60_000
MOST_TEXT = 48
QUIET_MINUTES = (30, 60)


def tray_view(now: Snapshot, texts: Texts) -> TrayView:
    """Return everything the tray shows for a state."""
    groups = [
        [*_answers(now, texts), *_questions(now, texts)],
        [_quick(index, page, now, texts) for index, page in enumerate(now.quick_pages)],
        [_persons(now, texts), _orders(now, texts)],
        _sent(now, texts),
        [
            Entry("orders", texts("menu.orders"), OpenWindow("orders"), default=True),
            Entry("new-order", texts("menu.new-order"), OpenWindow("new-order"), enabled=now.may_order),
            _quiet(now, texts),
        ],
        [*_links(now, texts), Entry("status", texts("menu.status"), OpenWindow("status"))],
        _quit(now, texts),
    ]
    return TrayView(_icon(now), len(now.unanswered) + len(now.questions), _tooltip(now, texts), _joined(groups))


def _joined(groups: list[list[Entry]]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for index, group in enumerate(group for group in groups if group):
        if index:
            entries.append(Entry(f"{SEPARATOR_KEY}{index}", ""))
        entries += group
    return tuple(entries)


def _icon(now: Snapshot) -> IconState:
    if now.unanswered or now.questions or any(page.late for page in now.sent):
        return IconState.ATTENTION
    return IconState(now.state)


def _tooltip(now: Snapshot, texts: Texts) -> str:
    """Who this is, what waits, how it is connected; the newest page sent, as long as nobody took it."""
    lines = [texts("tip.title", person=now.person)]
    if now.unanswered:
        lines.append(texts.number("tip.unanswered", len(now.unanswered)))
    if now.questions:
        lines.append(texts.number("tip.asked", len(now.questions)))
    lines += [_outcome(page, now, texts) for page in now.sent[-1:] if not page.settled]
    lines.append(now.proof.notice or _connection(now, texts))
    if now.quiet:
        lines.append(texts("tip.dnd", time=now.quiet_ends))
    lines += now.notices
    return "\n".join(lines)


def _connection(now: Snapshot, texts: Texts) -> str:
    if now.state != "degraded":
        return texts(f"tip.{now.state}")
    up = [texts(f"link-short.{name}") for name, link in now.links.items() if link.state == "up"]
    if len(up) == len(now.links):
        return texts("tip.no-hub")
    return texts("tip.degraded", links=", ".join(up))


def _answers(now: Snapshot, texts: Texts) -> list[Entry]:
    """Pending pages, each with its three answers, the oldest first: it waits longest."""
    return [entry for page in now.unanswered[:MOST_OPEN] for entry in _answer(page, now, texts)]


def _answer(page: InPage, now: Snapshot, texts: Texts) -> list[Entry]:
    title = page_title(page, now.name_of(page.sender), texts)
    title = f"{title}: {page.note}" if page.note and not page.order_title else title
    choices = tuple(
        Entry(f"{page.id} {answer}", texts(f"answer.{answer}"), AnswerGiven(page.id, answer))
        for answer in ("accepted", "declined", "later")
    )
    return [Entry(f"answer {page.id}", short(title), submenu=choices)]


def _questions(now: Snapshot, texts: Texts) -> list[Entry]:
    """Tasks that ask the person here, the oldest first: it waits longest."""
    return [_question(asked, texts) for asked in now.questions[:MOST_OPEN]]


def _question(asked: Question, texts: Texts) -> Entry:
    """One with its choices; the window shows what is too long for a menu, and takes an answer in words."""
    key, words = f"question {asked.job}", texts("notice.task-asked", station=asked.sender, question=asked.question)
    if not asked.choices:
        return Entry(key, short(words), OpenWindow("pages"))
    choices = [Entry(f"{asked.job} {choice}", choice, QuestionAnswered(asked.job, choice)) for choice in asked.choices]
    if short(words) != words:
        choices += [
            Entry(f"{SEPARATOR_KEY}{asked.job}", ""),
            Entry(f"open {asked.job}", texts("notice.open"), OpenWindow("pages")),
        ]
    return Entry(key, short(words), submenu=tuple(choices))


def page_title(page: InPage, sender: str, texts: Texts) -> str:
    """The title of a received page, `sender` by name; its first form is word for word requirement N-76."""
    if page.order_title:
        return texts("notice.page", sender=sender, object=page.order_title)
    return texts("notice.page-you", sender=sender)


def _quick(index: int, page: QuickPage, now: Snapshot, texts: Texts) -> Entry:
    asked = PageAsked(page.audience, note=page.note, urgent=page.urgent)
    text = _named(page.title, page.audience, now, texts)
    return Entry(f"quick {index} {page.title}", text, asked, enabled=now.may_page(page.audience))


def _persons(now: Snapshot, texts: Texts) -> Entry:
    names = sorted({m.person for m in now.ledger.active() if m.station != now.station})
    entries = [_whom(f"person {name}", name, Audience("person", name), now, texts) for name in names]
    if now.may_page(EVERYBODY) and entries:
        entries.append(_whom("everybody", texts("menu.everybody"), EVERYBODY, now, texts))
    submenu = tuple(entries) or (Entry("nobody", texts("menu.nobody"), enabled=False),)
    return Entry("page-person", texts("menu.page-person"), submenu=submenu)


def _whom(key: str, name: str, audience: Audience, now: Snapshot, texts: Texts, order: str | None = None) -> Entry:
    text = _named(name, audience, now, texts)
    return Entry(key, text, PageAsked(audience, order=order), enabled=now.may_page(audience))


def _named(name: str, audience: Audience, now: Snapshot, texts: Texts) -> str:
    """A name and how many would see a page now; one person there needs no number."""
    there = now.reachable(audience)
    if audience.kind == "person" and there <= 1:
        return name if there else texts("menu.away", name=name)
    return texts.number("menu.reachable", there, name=name)


def _orders(now: Snapshot, texts: Texts) -> Entry:
    """Each open order leads to the roles and persons it may be about."""
    waiting = [order for order in now.orders if order.kind == "order" and not order.done]
    newest = sorted(waiting, key=lambda order: order.newest() or (0, 0, ""), reverse=True)[:MOST_ORDERS]
    submenu = tuple(
        Entry(f"order {order.uuid}", short(order.title), submenu=_roles(order.uuid, now, texts)) for order in newest
    )
    empty = (Entry("no-orders", texts("menu.no-orders"), enabled=False),)
    return Entry("page-order", texts("menu.page-order"), submenu=submenu or empty, enabled=now.ready)


def _roles(uuid: str, now: Snapshot, texts: Texts) -> tuple[Entry, ...]:
    others = [member for member in now.ledger.active() if member.station != now.station]
    roles = sorted({role for member in others for role in member.roles})
    people = sorted({member.person for member in others})
    whom = [Audience("role", role) for role in roles] + [Audience("person", name) for name in people]
    entries = [_whom(f"{uuid} {audience}", audience.name, audience, now, texts, uuid) for audience in whom]
    return tuple(entries) or (Entry(f"{uuid} nobody", texts("menu.nobody"), enabled=False),)


def _sent(now: Snapshot, texts: Texts) -> list[Entry]:
    """What became of the last pages; one that still runs can be withdrawn."""
    recent = [page for page in now.sent if not page.settled or page.at > now.now.ms - RECENT_MS]
    return [_sent_page(page, now, texts) for page in reversed(recent[-MOST_SENT:])]


def _sent_page(page: OutPage, now: Snapshot, texts: Texts) -> Entry:
    what, text = _about(page, texts), _outcome(page, now, texts)
    if page.settled:
        return Entry(f"sent {page.id}", text, OpenWindow("pages"))
    withdraw = Entry(f"withdraw {page.id}", texts("menu.withdraw", object=what), WithdrawAsked(page.id))
    details = Entry(f"details {page.id}", texts("menu.pages"), OpenWindow("pages"))
    return Entry(f"sent {page.id}", text, submenu=(details, withdraw))


def _outcome(page: OutPage, now: Snapshot, texts: Texts) -> str:
    """What it is about, to whom as long as nobody took it, and how far it got."""
    about, to = _about(page, texts), page.audience.name or texts("menu.everybody")
    if page.taken is None and about != to:
        about = texts("menu.about", object=about, to=to)
    return f"{about}: {summary(page, texts, now.name_of)}"


def _about(page: OutPage, texts: Texts) -> str:
    if page.note and not page.order_title:
        return texts("menu.note", note=short(page.note))
    return short(page.order_title or page.audience.name or texts("menu.everybody"))


def _quiet(now: Snapshot, texts: Texts) -> Entry:
    most = now.quiet_most_minutes
    choices = [(minutes, texts(f"menu.dnd-{minutes}")) for minutes in QUIET_MINUTES if minutes <= most]
    choices += [(most, texts("menu.dnd-open"))] if most else []
    entries = [Entry(f"quiet {minutes} {text}", text, QuietAsked(minutes)) for minutes, text in choices]
    if now.quiet:
        entries.append(Entry("quiet 0", texts("menu.dnd-off"), QuietAsked(0)))
    text = texts("tip.dnd", time=now.quiet_ends) if now.quiet else texts("menu.dnd")
    return Entry("quiet", text, checked=now.quiet, submenu=tuple(entries), enabled=bool(entries))


def _links(now: Snapshot, texts: Texts) -> list[Entry]:
    return [
        Entry(f"link {name}", f"{texts(f'link.{name}')}: {texts(f'link-state.{link.state}')}", enabled=False)
        for name, link in now.links.items()
    ]


def _quit(now: Snapshot, texts: Texts) -> list[Entry]:
    return [Entry("quit", texts("menu.quit"), Quit())] if now.quit_allowed else []


def short(text: str) -> str:
    """`text` in one line, as far as there is room for it in a menu or a title."""
    text = " ".join(text.split())
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
