"""A restaurant on a busy evening, as the agent would tell it."""

from hashlib import sha256
from typing import Literal

from agent.domain.keys import fingerprint
from agent.ui.texts.window import window_texts
from agent.ui.window.model.shapes import Labels, Member, Order, Page, Question, Setting, State, Status, Target

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000

ENGLISH: Labels = {
    "language": "en",
    "theme": "light",
    "order_name": "Order",
    "item_name": "86",
    "subtitle_name": "Phone Number",
    "flag_a": "Dessert",
    "flag_b": "Milkshake",
    "item_flag_a": "Limited",
    "item_flag_b": "Sold Out",
    "mask": True,
    "timer": True,
    "timer_s": 5,
    "fields": {"title": 120, "subtitle": 120, "note": 500},
}
GERMAN: Labels = {
    **ENGLISH,
    "language": "de",
    "order_name": "Auftrag",
    "item_name": "86",
    "subtitle_name": "Telefon",
    "flag_a": "Nachtisch",
    "flag_b": "Milchshake",
    "item_flag_a": "knapp",
    "item_flag_b": "ausverkauft",
}


def status() -> Status:
    """Connected over MQTT, mail is there, P2P connects."""
    return {
        "station": "desk-1",
        "person": "Anna",
        "roles": ["front-desk"],
        "site": "harbour",
        "version": "0.1.0",
        "state": "ok",
        "dnd_until_ms": None,
        "unanswered": 0,
        "links": [
            {"name": "mqtt", "state": "up", "since_ms": 0, "detail": "broker.harbour.example:8883", "rtt_ms": 1.8},
            {"name": "p2p", "state": "connecting", "since_ms": 0, "detail": "2 of 3 peers", "rtt_ms": None},
            {"name": "mail", "state": "up", "since_ms": 0, "detail": "imap.harbour.example", "rtt_ms": 410.0},
        ],
        "hub": {"state": "up", "seen_ms": 0},
        "tray": "sni",
        "notifier": "dbus",
        "sound": "simpleaudio",
        "storage": "ok",
        "notices": [],
        "can": {"page": True, "edit": True, "create": True},
    }


TITLES = ("Table 12", "Table 4 - birthday", "Pick-up Meyer", "Delivery Hafenstraße 3", "Room 204", "Table 7", "Bar")
PEOPLE = ("Anna", "Ben", "Clara", "Dmitri")


def orders(now_ms: int, count: int = 9) -> list[Order]:
    """`count` orders of growing age and two items."""
    found: list[Order] = [
        {
            "id": f"o{i}",
            "kind": "order",
            "title": TITLES[i % len(TITLES)] if i < len(TITLES) else f"Order {i}",
            "subtitle": f"+49 171 55{i:02}{(i * 7919) % 10000:04}" if i % 5 != 4 else "",
            "flag_a": i % 3 == 0,
            "flag_b": i % 4 == 1,
            "created_ms": now_ms - i * 7 * MINUTE - 42 * SECOND - (30 * HOUR if i == 8 else 0),
            "by": PEOPLE[i % len(PEOPLE)],
            "done": i == 6,
            "pending": i == 0,
        }
        for i in range(count)
    ]
    items: list[Order] = [
        {"id": "i0", "kind": "item", "title": "Salmon", "flag_b": True, "created_ms": now_ms - HOUR, "by": "Ben"},
        {"id": "i1", "kind": "item", "title": "Crème brûlée", "flag_a": True, "created_ms": now_ms, "by": "Clara"},
    ]
    return found + items


def members(now_ms: int) -> list[Member]:
    """Seven stations: one is this one, one was removed, two are away."""

    def one(station: str, person: str, *roles: str, live: bool = True, seen: int = 0) -> Member:
        return {
            "station": station,
            "person": person,
            "roles": list(roles),
            "live": live,
            "seen_ms": now_ms - seen,
            "self": station == "desk-1",
            "revoked": station == "old-till",
            "fingerprint": fingerprint(sha256(station.encode()).digest()[:16]),
        }

    return [
        one("desk-1", "Anna", "front-desk"),
        one("kitchen-1", "Ben", "kitchen"),
        one("kitchen-2", "Clara", "kitchen"),
        one("bar-1", "Dmitri", "bar", "runner"),
        one("store-1", "Eda", "warehouse", live=False, seen=3 * HOUR),
        one("it-1", "Farid", "it", live=False, seen=50 * HOUR),
        one("old-till", "", "front-desk", live=False, seen=900 * HOUR),
    ]


def target(station: str, person: str, state: str, mark: str, at_ms: int, link: str = "mqtt", why: str = "") -> Target:
    """How far a page came at one station."""
    return {
        "station": station,
        "person": person,
        "state": state,
        "mark": mark,
        "at_ms": at_ms,
        "link": link,
        "why": why,
    }


def pages(now_ms: int) -> list[Page]:
    """Pages in every state people see: taken, on the way, late, declined, expired; two wait for an answer here."""
    base: Page = {
        "out": True,
        "from_person": "Anna",
        "order": None,
        "order_title": None,
        "note": "",
        "urgent": False,
        "answered_by": None,
        "answered_text": None,
        "seconds": None,
        "settled": False,
        "late": False,
        "targets": [],
    }
    ago = {
        name: now_ms - seconds * SECOND
        for name, seconds in zip("abcdefgh", (8, 35, 90, 400, 700, 1900, 4000, 9000), strict=True)
    }
    return [
        {
            **base,
            "id": "p1",
            "to": "kitchen",
            "order": "o1",
            "order_title": "Table 4 - birthday",
            "note": "candles, please",
            "asked_ms": ago["a"],
            "state": "presented",
            "title": "Table 4 - birthday",
            "targets": [
                target("kitchen-1", "Ben", "presented", "full", ago["a"] + 900),
                target("kitchen-2", "Clara", "stored", "full", ago["a"] + 700, why="do not disturb is on"),
            ],
        },
        {
            **base,
            "id": "p2",
            "to": "Eda",
            "note": "two boxes of napkins",
            "asked_ms": ago["b"],
            "state": "sent",
            "late": True,
            "title": "Eda",
            "targets": [target("store-1", "Eda", "sent", "hollow", ago["b"], "mail", "no receipt from the station")],
        },
        {
            **base,
            "id": "p3",
            "to": "kitchen",
            "order": "o0",
            "order_title": "Table 12",
            "asked_ms": ago["c"],
            "state": "accepted",
            "answered_by": "Ben",
            "seconds": 14.2,
            "settled": True,
            "title": "Table 12",
            "targets": [
                target("kitchen-1", "Ben", "accepted", "done", ago["c"] + 14200),
                target("kitchen-2", "Clara", "withdrawn", "full", ago["c"] + 14300),
            ],
        },
        {
            **base,
            "id": "p4",
            "to": "runner",
            "asked_ms": ago["d"],
            "state": "declined",
            "answered_by": "Dmitri",
            "answered_text": "bar is full",
            "seconds": 21,
            "settled": True,
            "urgent": True,
            "title": "runner",
            "targets": [target("bar-1", "Dmitri", "declined", "bad", ago["d"] + 21000, "p2p")],
        },
        {
            **base,
            "id": "p5",
            "out": False,
            "from_person": "Clara",
            "to": "front-desk",
            "order": "o2",
            "order_title": "Pick-up Meyer",
            "asked_ms": ago["e"],
            "state": "accepted",
            "answered_by": "Anna",
            "seconds": 5,
            "settled": True,
            "title": "Clara Is Paging For Pick-up Meyer",
        },
        {
            **base,
            "id": "p6",
            "to": "it",
            "asked_ms": ago["f"],
            "state": "expired",
            "settled": True,
            "title": "it",
            "targets": [target("it-1", "Farid", "queued", "bad", ago["f"], "", "station not seen for two days")],
        },
    ]


def incoming(now_ms: int, language: Literal["en", "de"] = "en") -> list[Page]:
    """Two pages that wait for an answer from here."""
    texts = window_texts(language)
    return [
        {
            "id": "in1",
            "out": False,
            "from_person": "Ben",
            "to": "front-desk",
            "order": "o2",
            "order_title": "Pick-up Meyer",
            "note": "it is ready, getting cold",
            "urgent": True,
            "asked_ms": now_ms - 48 * SECOND,
            "state": "presented",
            "settled": False,
            "title": texts("notice.page", sender="Ben", object="Pick-up Meyer"),
            "targets": [],
        },
        {
            "id": "in2",
            "out": False,
            "from_person": "Dmitri",
            "to": "Anna",
            "order": None,
            "note": "",
            "urgent": False,
            "asked_ms": now_ms - 12 * SECOND,
            "state": "presented",
            "settled": False,
            "title": texts("notice.page-you", sender="Dmitri"),
            "targets": [],
        },
    ]


def questions(language: Literal["en", "de"] = "en") -> list[Question]:
    """A short one, one to answer in words, and one that needs two lines."""
    asked: dict[str, tuple[tuple[str, list[str]], ...]] = {
        "en": (
            ("Is the back door locked?", ["Yes", "No"]),
            ("What is the stock worth?", []),
            ("Which fish do we take off the menu? " * 4, ["Salmon", "Trout", "Both of them", "Neither of them"]),
        ),
        "de": (
            ("Ist die Hintertür abgeschlossen?", ["Ja", "Nein"]),
            ("Wie viel ist der Lagerbestand wert?", []),
            ("Welchen Fisch nehmen wir von der Karte? " * 4, ["Lachs", "Forelle", "Alle beide", "Keinen von beiden"]),
        ),
    }
    return [
        {"task": f"{person}@office", "from": person, "question": text.strip(), "choices": choices}
        for person, (text, choices) in zip(PEOPLE[1:], asked[language], strict=True)
    ]


def evening(now_ms: int, labels: Labels = ENGLISH, count: int = 9) -> State:
    """The whole state, with `count` orders."""
    return {
        "status": status(),
        "orders": orders(now_ms, count),
        "pages": pages(now_ms),
        "members": members(now_ms),
        "texts": labels,
        "settings": settings(labels),
    }


def settings(labels: Labels = ENGLISH) -> list[Setting]:
    """What staff may choose here; policy fixed one, the environment another."""

    def flag(key: str, *, value: bool, fixed: str = "") -> Setting:
        return {"key": key, "kind": "flag", "value": value, "fixed": fixed}

    def choice(key: str, value: str, *choices: str) -> Setting:
        return {"key": key, "kind": "choice", "value": value, "choices": list(choices), "fixed": ""}

    return [
        choice("ui.language", labels["language"], "auto", "de", "en"),
        choice("ui.theme", labels["theme"], "auto", "dark", "light"),
        flag("ui.mask", value=True, fixed="policy"),
        flag("ui.timer", value=True),
        flag("ring.page_sound", value=True, fixed="policy"),
        flag("ring.order_sound", value=False),
        {"key": "ring.again_seconds", "kind": "number", "value": 30, "fixed": "", "least": 5, "most": 3600},
        flag("ring.urgent_breaks_dnd", value=False, fixed="given"),
    ]
