"""Monitoring hears how the hub is: from a running one, and that there is none."""

import asyncio
import json
from pathlib import Path

import pytest

from agent.cli.health import hub_health as command
from agent.cli.output import Context
from agent.hub.health import _judge, hub_health
from agent.system.paths import Profile
from agent.wire.health import CRITICAL, OK, WARNING, Health, Measure
from tests.hub.scene import enrolled, running_hub

ROOM = Measure("disk_free_bytes", 1 << 40, "")
STATUS = {
    "site": "s1",
    "links": [{"name": "mqtt", "state": "up", "detail": ""}],
    "live": ["anna"],
    "stations": 2,
    "alarms": [],
    "open_rows": 0,
    "orders": 1,
    "pages": 1,
    "ledger": {"seq": 3},
    "refused": {},
}


@pytest.mark.servers
def test_a_running_hub_is_well_and_says_its_numbers(tmp_path: Path) -> None:
    async def walk() -> Health:
        async with running_hub(tmp_path) as hub:
            await enrolled(hub, tmp_path)
            return await asyncio.to_thread(hub_health, Profile.at(tmp_path / "hub"))

    health = asyncio.run(walk())
    found = {one.name: one.value for one in health.measures}
    assert (health.code, found["up"], found["broker_up"], found["ledger_entries"]) == (OK, 1, True, 2)
    assert "anna" not in json.dumps([health.text, *map(str, health.measures)])


def test_without_a_hub_it_is_critical(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([], obj=Context(Profile.at(tmp_path)), standalone_mode=False) == CRITICAL
    assert capsys.readouterr().out.startswith("NMR CRITICAL - The hub is not running | up=0")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({}, OK, "1 of 2 stations live"),
        ({"links": [{"name": "mqtt", "state": "down", "detail": ""}]}, CRITICAL, "broker: mqtt down"),
        ({"alarms": ["anna came with a wrong key"]}, WARNING, "alarms: 1, see nmr hub status"),
        ({"open_rows": 20_000}, WARNING, "20000 messages wait"),
    ],
)
def test_what_is_not_well_is_named(change: dict[str, object], code: int, words: str) -> None:
    health = _judge({**STATUS, **change}, ROOM)
    assert (health.code, health.text.endswith(words)) == (code, True)


def test_a_full_disk_is_critical() -> None:
    assert _judge(STATUS, Measure("disk_free_bytes", 5, "")).code == CRITICAL
