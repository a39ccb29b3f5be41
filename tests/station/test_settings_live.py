"""A running agent and its settings: chosen in the window, fixed by policy, broken in a file."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agent.domain.errors import BadInput, NotAllowed
from agent.links.memory import MemoryNet
from tests.walks.desk import Desk, until
from tests.walks.members import Members


def play(folder: Path, scene: Callable[[Desk], Awaitable[None]], config: str = "") -> Desk:
    """Run the scene with a running agent."""
    members = Members()
    members.add("front", "desk")
    desk = Desk(folder, members, "front", config)

    async def run() -> None:
        async with desk.running(MemoryNet().link("front")):
            await scene(desk)

    asyncio.run(run())
    return desk


async def ask(desk: Desk, do: str, **with_: Any) -> Any:
    """What the window asks."""
    return await desk.app.requests.answer(do, with_, lambda _: None)


def told(desk: Desk, key: str) -> dict[str, Any]:
    """What the window is told about a setting."""
    found: dict[str, Any] = {one["key"]: one for one in desk.app.state()["settings"]}[key]
    return found


def test_what_is_chosen_in_the_window_counts_at_once_and_stays(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        assert await ask(desk, "settings.set", key="ring.again_seconds", value=20) == {"note": ""}
        await ask(desk, "settings.set", key="ui.language", value="de")
        assert desk.app.core.desk.habits.again_s == 20.0
        assert desk.app.state()["texts"]["language"] == "de"
        assert (told(desk, "ring.again_seconds")["value"], told(desk, "ui.language")["value"]) == (20, "de")

    desk = play(tmp_path, scene, "# mine\n")
    assert desk.profile.config_file.read_text() == '# mine\n\n[ring]\nagain_seconds = 20\n\n[ui]\nlanguage = "de"\n'


def test_a_policy_that_comes_while_it_runs_counts_and_locks(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        desk.profile.machine_folder.mkdir()
        (desk.profile.machine_folder / "policy.toml").write_text("ring.again_seconds = 20\n")
        await ask(desk, "settings.reload")
        assert desk.app.core.desk.habits.again_s == 20.0
        assert told(desk, "ring.again_seconds")["fixed"] == "policy"
        with pytest.raises(NotAllowed, match="Set by your administrator"):
            await ask(desk, "settings.set", key="ring.again_seconds", value=45)
        assert desk.app.core.desk.habits.again_s == 20.0

    assert play(tmp_path, scene, "# mine\n").profile.config_file.read_text() == "# mine\n"


@pytest.mark.parametrize(("key", "value"), [("ring.again_seconds", 4), ("ui.mask", None), ("ring.again", 20)])
def test_what_is_not_allowed_is_refused_and_changes_nothing(tmp_path: Path, key: str, value: object) -> None:
    async def scene(desk: Desk) -> None:
        before = desk.app.state()["settings"]
        with pytest.raises(BadInput):
            await ask(desk, "settings.set", key=key, value=value)
        assert desk.app.state()["settings"] == before

    assert play(tmp_path, scene).profile.config_file.read_text() == ""


def test_a_mistake_does_not_stop_the_agent_and_is_told_until_it_is_gone(tmp_path: Path) -> None:
    def notices(desk: Desk) -> str:
        return "\n".join(desk.app.status()["notices"])

    async def scene(desk: Desk) -> None:
        file = desk.profile.config_file
        await until(lambda: notices(desk), "the notice")
        assert f"{file}:2: ring.again_seconds: 4 is not allowed" in notices(desk)
        habits = desk.app.core.desk.habits
        assert (habits.again_s, habits.per_minute) == (30.0, 3)
        file.write_text("[ring]\nper_minute = 5\n[ui\n")
        await ask(desk, "settings.reload")
        assert f"{file}:3: no TOML" in notices(desk)
        assert desk.app.core.desk.habits.per_minute == 3
        file.write_text("[ring]\nper_minute = 5\n")
        await ask(desk, "settings.reload")
        assert notices(desk) == ""
        assert desk.app.core.desk.habits.per_minute == 5

    play(tmp_path, scene, "[ring]\nagain_seconds = 4\nper_minute = 3\n")
