"""What the window and the command line get: status, orders, pages and members as plain values."""

from typing import Any

from agent.domain.audience import EVERYBODY
from agent.domain.keys import fingerprint
from agent.domain.order import BY, CREATED, FLAG_A, FLAG_B, SUBTITLE, Order
from agent.domain.page import ON_DEVICE, InPage, OutPage, State, Target
from agent.ui.ladder import declined_by, declined_words, reason, seconds, summary
from agent.ui.menu import page_title
from agent.ui.snapshot import Snapshot
from agent.ui.texts import Texts

GOOD = frozenset({State.STORED, State.PRESENTED, State.SEEN})
BAD = frozenset({State.DECLINED, State.EXPIRED, State.UNDELIVERABLE, State.MISSED})


def status(now: Snapshot) -> dict[str, Any]:
    """Return the control socket's Status."""
    return {
        "station": now.station,
        "person": now.person,
        "roles": list(now.roles),
        "site": now.ledger.site,
        "version": now.version,
        "state": now.state,
        "dnd_until_ms": _quiet_until(now),
        "unanswered": len(now.unanswered),
        "links": [_link(name, now) for name in now.links],
        "hub": {"state": "up" if now.hub_live else "silent", "seen_ms": now.hub_seen_ms, "rtt_ms": now.hub_rtt_ms},
        "tray": now.tray,
        "notifier": now.notifier,
        "sound": now.sound,
        "storage": now.storage,
        "notices": [*([now.standing.notice] if now.standing.notice else []), *now.notices],
        "proof": {name: getattr(now.proof, name) for name in now.proof.__struct_fields__},
        "ledger": {"seq": now.ledger.seq, "head": now.ledger.head.hex()[:16], "state": now.standing.state},
        "can": {
            "page": now.ready,
            "edit": now.ready and now.may_order,
            "create": now.may_order,
            "everybody": now.may_page(EVERYBODY),
        },
    }


def state(now: Snapshot, texts: Texts) -> dict[str, Any]:
    """Return the control socket's State: everything a window shows."""
    return {
        "status": status(now),
        "orders": [order(each, now) for each in now.orders],
        "pages": pages(now, texts),
        "questions": [
            {"task": asked.job, "from": asked.sender, "question": asked.question, "choices": list(asked.choices)}
            for asked in now.questions
        ],
        "members": members(now),
        "texts": labels(now),
    }


def labels(now: Snapshot) -> dict[str, Any]:
    """Return what this site calls things, and under `fields` how long a text may be."""
    fields = {name: getattr(now.labels, name) for name in now.labels.__struct_fields__}
    return {**fields, "fields": {"title": 120, "subtitle": 120, "note": 500}}


def order(each: Order, now: Snapshot) -> dict[str, Any]:
    """Return the control socket's Order."""
    return {
        "id": each.uuid,
        "kind": each.kind,
        "title": each.title,
        "subtitle": str(each.value(SUBTITLE) or ""),
        "flag_a": bool(each.value(FLAG_A)),
        "flag_b": bool(each.value(FLAG_B)),
        "created_ms": each.value(CREATED) or 0,
        "by": str(each.value(BY) or ""),
        "done": each.done,
        "pending": each.uuid in now.pending,
    }


def pages(now: Snapshot, texts: Texts) -> list[dict[str, Any]]:
    """Return all pages, newest first."""
    both = [received(page, now, texts) for page in now.received] + [sent(page, now, texts) for page in now.sent]
    return sorted(both, key=lambda page: page["asked_ms"], reverse=True)


def sent(page: OutPage, now: Snapshot, texts: Texts) -> dict[str, Any]:
    """Return the control socket's Page for one of ours."""
    to = page.audience.name or texts("menu.everybody")
    return {
        "id": page.id,
        "out": True,
        "from_person": now.person,
        "to": to,
        "order": page.order,
        "order_title": page.order_title,
        "note": page.note,
        "urgent": page.urgent,
        "asked_ms": page.at,
        "state": str(State.ACCEPTED if page.taken else page.state),
        "answered_by": page.taken.person if page.taken else declined_by(page, now.name_of) or None,
        "answered_text": page.taken.text if page.taken else declined_words(page),
        "seconds": seconds(page),
        "settled": page.settled,
        "late": page.late,
        "title": page.order_title or to,
        "summary": summary(page, texts, now.name_of),
        "targets": [target(each, now, texts) for each in page.targets.values()],
    }


def target(each: Target, now: Snapshot, texts: Texts) -> dict[str, Any]:
    """Return one row of a page's ladder; `mark` is hollow until there is real evidence."""
    return {
        "station": each.station,
        "person": now.name_of(each.station),
        "state": str(each.state),
        "link": each.link,
        "why": each.why if each.state is State.DECLINED else reason(each.why, texts),
        "at_ms": each.at,
        "mark": _mark(each),
        "late": each.late and each.state not in ON_DEVICE,
    }


def received(page: InPage, now: Snapshot, texts: Texts) -> dict[str, Any]:
    """Return the control socket's Page for one that came to us."""
    return {
        "id": page.id,
        "out": False,
        "from_person": now.name_of(page.sender),
        "to": page.audience.name or texts("menu.everybody"),
        "order": page.order,
        "order_title": page.order_title,
        "note": page.note,
        "urgent": page.urgent,
        "asked_ms": page.at,
        "state": _received_state(page),
        "answered_by": page.answer.person if page.answer else None,
        "answered_text": page.answer.text if page.answer else "",
        "seconds": max(0, round((page.answer.at - page.at) / 1000)) if page.answer else None,
        "settled": not page.open,
        "snoozed": page.snoozed,
        "late": False,
        "title": page_title(page, now.name_of(page.sender), texts),
        "why": reason(page.why, texts),
        "unknown_order": page.unknown_order,
        "unverified": page.unverified,
        "targets": [],
    }


def members(now: Snapshot) -> list[dict[str, Any]]:
    """Return everybody in the ledger but the hub."""
    return [
        {
            "station": member.station,
            "person": member.person,
            "roles": list(member.roles),
            "live": member.station in now.live or member.station == now.station,
            "seen_ms": now.seen.get(member.station),
            "fingerprint": fingerprint(member.kid),
            "self": member.station == now.station,
            "revoked": member.revoked,
        }
        for member in now.ledger.members.values()
        if member.station != "hub"
    ]


def _received_state(page: InPage) -> str:
    if page.answer is not None:
        return page.answer.answer
    if page.withdrawn:
        return "withdrawn"
    if page.ring == "missed":
        return "missed"
    if page.seen:
        return "seen"
    return "presented" if page.ring == "rung" else "stored"


def _mark(each: Target) -> str:
    if each.state in BAD:
        return "bad"
    if each.state is State.ACCEPTED:
        return "done"
    return "full" if each.state in GOOD else "hollow"


def _link(name: str, now: Snapshot) -> dict[str, Any]:
    link = now.links[name]
    return {
        "name": name,
        "state": link.state,
        "since_ms": now.link_since.get(name, 0),
        "detail": link.why,
        "rtt_ms": now.hub_rtt_ms if link.state == "up" and name != "p2p" else None,  # that one has a way to each
    }


def _quiet_until(now: Snapshot) -> int | None:
    if now.quiet_until is None or not now.quiet:
        return None
    return now.now.ms + round((now.quiet_until - now.now.mono) * 1000)
