"""The health of the hub as monitoring asks for it every minute: one question over its control socket."""

import shutil
from typing import Any

from agent.domain.errors import NmrError
from agent.hub.ask import connect_hub
from agent.routing.policy import MAIL
from agent.system.paths import Profile
from agent.wire.health import CRITICAL, OK, UNKNOWN, WARNING, Health, Measure, worst

PATIENCE_S = 5.0
ROOM_BYTES = 256 << 20
LONG_QUEUE = 10_000
"""More messages than this on their way to stations are a sign that they do not go."""


def hub_health(profile: Profile) -> Health:
    """How the hub is; one that does not answer is critical, one that cannot be understood unknown."""
    free = _free(profile)
    room = Measure("disk_free_bytes", free, "Bytes free on the disk of the hub.", "B")
    up = Measure("up", 0, "Whether the hub runs and answers.")
    try:
        with connect_hub(profile) as line:
            status = line.request("hub.status", PATIENCE_S)
    except NmrError as error:
        return Health("hub", CRITICAL, error.title, (up, room))
    try:
        return _judge(status, room)
    except (KeyError, TypeError, ValueError) as error:
        return Health("hub", UNKNOWN, f"the hub's answer cannot be understood ({type(error).__name__})", (up, room))


def _judge(status: dict[str, Any], room: Measure) -> Health:
    down = [f"{one['name']} {one['state']}" for one in status["links"] if one["state"] != "up" and one["name"] != MAIL]
    live, known, alarms = len(status["live"]), status["stations"], status["alarms"]
    found = [(OK, f"{live} of {known} stations live")]
    found += [(CRITICAL, f"broker: {text}") for text in down]
    found += [(WARNING, f"alarms: {len(alarms)}, see nmr hub status")] if alarms else []
    found += [(WARNING, f"{status['open_rows']} messages wait")] if status["open_rows"] > LONG_QUEUE else []
    if room.value is not None and room.value < ROOM_BYTES:
        found.append((CRITICAL, "the disk is full"))
    text = ", ".join(text for _, text in found)
    return Health(
        "hub", worst(code for code, _ in found), f"hub {status['site']}: {text}", (*_measures(status, down), room)
    )


def _measures(status: dict[str, Any], down: list[str]) -> list[Measure]:
    return [
        Measure("up", 1, "Whether the hub runs and answers."),
        Measure("broker_up", not down, "Whether the hub is connected to its broker."),
        Measure("stations", status["stations"], "Stations that are members."),
        Measure("stations_live", len(status["live"]), "Stations that are there now."),
        Measure("orders", status["orders"], "Orders that are alive."),
        Measure("pages", status["pages"], "Pages the hub remembers."),
        Measure("outbox_rows", status["open_rows"], "Messages on their way to stations."),
        Measure("alarms", len(status["alarms"]), "What IT should look at."),
        Measure("ledger_entries", status["ledger"]["seq"], "Entries of the ledger.", counts_up=True),
        Measure("refused_messages", sum(status["refused"].values()), "Messages that were not let in.", counts_up=True),
    ]


def _free(profile: Profile) -> int | None:
    try:
        return shutil.disk_usage(profile.hub_folder).free
    except OSError:
        return None
