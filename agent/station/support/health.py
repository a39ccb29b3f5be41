"""The health of a station as monitoring asks for it every minute: one question to the agent, no tests, no sound."""

import shutil
import time
from collections.abc import Callable
from typing import Any

from agent.domain.envelope import DAY_MS
from agent.domain.errors import NmrError
from agent.system.control import connect
from agent.system.paths import Profile
from agent.wire.health import CRITICAL, OK, UNKNOWN, WARNING, Health, Measure, worst

PATIENCE_S = 5.0
KEY_DAYS = 3.0
"""With less than this left a key should have been renewed, days."""
ROOM_BYTES = 64 << 20
LONG_QUEUE = 1000
"""More messages than this on their way out are a sign that they do not go."""


def station_health(profile: Profile, wall: Callable[[], float] = time.time) -> Health:
    """How the station is; an agent that does not answer is critical, one that cannot be understood unknown."""
    free = _free(profile)
    room = Measure("disk_free_bytes", free, "Bytes free on the disk of the database.", "B")
    up = Measure("up", 0, "Whether the agent runs and answers.")
    try:
        with connect(profile) as line:
            status = line.request("status", PATIENCE_S)
    except NmrError as error:
        return Health("station", CRITICAL, error.title, (up, room))
    try:
        return _judge(status, room, wall())
    except (KeyError, TypeError, ValueError) as error:
        return Health(
            "station", UNKNOWN, f"the agent's answer cannot be understood ({type(error).__name__})", (up, room)
        )


def _judge(status: dict[str, Any], room: Measure, now: float) -> Health:
    found = [*_links(status), *_proof(status, now), *_queue(status), *_here(status, room)]
    code = worst(code for code, _ in found)
    words = [text for level, text in found if text and (level or code == OK)]
    return Health(
        "station", code, f"{status['station']}: {', '.join(words) or 'well'}", (*_measures(status, now), room)
    )


def _links(status: dict[str, Any]) -> list[tuple[int, str]]:
    links = [one for one in status["links"] if one["state"] != "off"]
    if not any(one["state"] == "up" for one in links):
        return [(CRITICAL, f"no link is up ({'; '.join(_link(one) for one in links) or 'none'})")]
    return [(OK if one["state"] == "up" else WARNING, _link(one)) for one in links]


def _link(one: dict[str, Any]) -> str:
    return f"{one['name']} {one['state']}" + (f" {one['detail']}" if one["detail"] else "")


def _proof(status: dict[str, Any], now: float) -> list[tuple[int, str]]:
    proof, hub = status["proof"], status["hub"]["state"]
    level = {"proven": OK, "amber": WARNING}.get(proof["state"], CRITICAL)
    found = [(level, "" if level == OK else f"hub {proof['state']}"), (OK if hub == "up" else WARNING, f"hub {hub}")]
    days = _days(proof, now)
    if days is not None and days < KEY_DAYS:
        found.append((WARNING, f"key ends in {days:.1f} days"))
    return found


def _queue(status: dict[str, Any]) -> list[tuple[int, str]]:
    rows = status["open_rows"]
    return [(WARNING, f"{rows} messages wait to go out")] if rows > LONG_QUEUE else []


def _here(status: dict[str, Any], room: Measure) -> list[tuple[int, str]]:
    found = [(WARNING, "do not disturb is on")] if status["dnd_until_ms"] else []
    found += [(WARNING, str(notice)) for notice in status["notices"]]
    found += [(WARNING, f"no {part}") for part in ("tray", "notifier", "sound") if status[part] == "silent"]
    if room.value is not None and room.value < ROOM_BYTES:
        found.append((CRITICAL, "the disk is full"))
    return found


def _measures(status: dict[str, Any], now: float) -> list[Measure]:
    proof, hub = status["proof"], status["hub"]
    return [
        Measure("up", 1, "Whether the agent runs and answers."),
        *(
            Measure("link_up", one["state"] == "up", "Whether a link is up.", labels={"link": one["name"]})
            for one in status["links"]
        ),
        Measure("hub_up", hub["state"] == "up", "Whether the hub is heard."),
        Measure("hub_proven", proof["state"] == "proven", "Whether the hub has proven itself."),
        Measure("hub_rtt_seconds", _seconds(hub["rtt_ms"]), "To the hub and back.", "s"),
        Measure("key_days", _days(proof, now), "Days until the key towards the hub ends."),
        Measure("unanswered_pages", status["unanswered"], "Received pages that wait for an answer."),
        Measure("outbox_rows", status["open_rows"], "Messages on their way out."),
        Measure("refused_messages", sum(status["refused"].values()), "Messages that were not let in.", counts_up=True),
        Measure("do_not_disturb", bool(status["dnd_until_ms"]), "Whether somebody asked not to be disturbed."),
    ]


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else round(ms / 1000, 4)


def _days(proof: dict[str, Any], now: float) -> float | None:
    end = proof["not_after_ms"]
    return None if end is None else round((end - now * 1000) / DAY_MS, 2)


def _free(profile: Profile) -> int | None:
    try:
        return shutil.disk_usage(profile.data_folder).free
    except OSError:
        return None
