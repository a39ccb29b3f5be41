"""Monitoring hears how a station is: from the running agent, and that there is none."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from agent.station.support.health import station_health
from agent.system.paths import Profile
from agent.wire.health import CRITICAL, OK, UNKNOWN, WARNING, Health, as_nagios
from tests.station.doctor.scene import GOOD, agent_with

NOW_S = 1_790_000_000.0
MQTT, PROOF = GOOD["links"][0], GOOD["proof"]
WELL = {**GOOD, "proof": {**PROOF, "not_after_ms": NOW_S * 1000 + 20 * 86_400_000}}


def health_of(tmp_path: Path, status: dict[str, Any]) -> Health:
    """What monitoring hears of an agent with this status."""

    async def ask() -> Health:
        async with AsyncExitStack() as stack:
            profile = Profile.at(tmp_path)
            await stack.enter_async_context(agent_with(profile, status, stack))
            return await asyncio.to_thread(station_health, profile, lambda: NOW_S)

    return asyncio.run(ask())


def numbers(health: Health) -> dict[str, float | None]:
    return {one.name: one.value for one in health.measures}


def test_a_station_that_is_well_says_so_in_one_line(tmp_path: Path) -> None:
    health = health_of(tmp_path, WELL)
    assert health.code == OK
    assert as_nagios(health).startswith(
        "NMR OK - anna: mqtt up, hub up | up=1 link_up_mqtt=1 hub_up=1 hub_proven=1 hub_rtt_seconds=0.0025s key_d"
    )
    assert (numbers(health)["disk_free_bytes"] or 0) > 0


def test_without_an_agent_it_is_critical(tmp_path: Path) -> None:
    health = station_health(Profile.at(tmp_path))
    assert (health.code, health.text, numbers(health)["up"]) == (CRITICAL, "The agent is not running", 0)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (
            {"links": [{**MQTT, "state": "down", "detail": "no broker"}]},
            CRITICAL,
            "no link is up (mqtt down no broker)",
        ),
        ({"links": [MQTT, {**MQTT, "name": "p2p", "state": "down"}]}, WARNING, "p2p down"),
        ({"links": []}, CRITICAL, "no link is up (none)"),
        ({"hub": {**GOOD["hub"], "state": "silent"}}, WARNING, "hub silent"),
        ({"proof": {**WELL["proof"], "state": "amber"}}, WARNING, "hub amber"),
        ({"proof": {**WELL["proof"], "state": "failed"}}, CRITICAL, "hub failed"),
        ({"proof": {**PROOF, "not_after_ms": NOW_S * 1000 + 86_400_000}}, WARNING, "key ends in 1.0 days"),
        ({"open_rows": 5000}, WARNING, "5000 messages wait to go out"),
        ({"dnd_until_ms": 1}, WARNING, "do not disturb is on"),
        ({"sound": "silent"}, WARNING, "no sound"),
        ({"notices": ["Configuration Not Changed"]}, WARNING, "Configuration Not Changed"),
    ],
)
def test_what_is_not_well_is_named(tmp_path: Path, change: dict[str, Any], code: int, words: str) -> None:
    health = health_of(tmp_path, {**WELL, **change})
    assert (health.code, health.text) == (code, f"anna: {words}")


def test_a_full_disk_is_critical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)._replace(free=1 << 20)
    monkeypatch.setattr("agent.station.support.health.shutil.disk_usage", lambda _: usage)
    assert health_of(tmp_path, WELL).text == "anna: the disk is full"


def test_an_answer_of_another_version_is_unknown(tmp_path: Path) -> None:
    assert health_of(tmp_path, {"station": "anna"}).code == UNKNOWN


def test_the_command_ends_with_the_code_and_with_0_for_a_textfile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent.cli import run

    assert run(["--profile", str(tmp_path), "health"]) == CRITICAL
    assert capsys.readouterr().out.startswith("NMR CRITICAL - The agent is not running | up=0")
    assert run(["--profile", str(tmp_path), "health", "--prometheus"]) == 0
    assert "nmr_station_up 0\n" in capsys.readouterr().out
    assert run(["--profile", str(tmp_path), "doctor", "--no-sound", "--json"]) == CRITICAL
    report = json.loads(capsys.readouterr().out)
    assert (report["rings"], report["level"]) == (False, "failure")
    assert {one["check"] for one in report["findings"]} > {"configuration", "agent", "sound", "database"}
