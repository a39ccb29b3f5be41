"""`nmr hub psk`: what IT types, reads and gets as JSON."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from agent.cli import run
from tests.hub.scene import enrolled, running_hub

pytestmark = pytest.mark.servers

Ask = Callable[..., Coroutine[Any, Any, tuple[int, str, str]]]
Walk = Callable[[Ask], Coroutine[Any, Any, None]]


def beside_a_hub(
    folder: Path, capsys: pytest.CaptureFixture[str], walk: Callable[[Ask], Coroutine[Any, Any, None]]
) -> None:
    """Run commands against a hub with the station anna."""

    async def ask(*words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run, ["--profile", str(folder / "hub"), "hub", "psk", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    async def whole() -> None:
        async with running_hub(folder) as hub:
            await enrolled(hub, folder, "anna")
            await walk(ask)

    asyncio.run(whole())


def test_the_list_says_of_each_key_how_old_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def walk(ask: Ask) -> None:
        code, out, _ = await ask("list")
        heads, row = out.splitlines()
        assert code == 0
        assert heads.split("  ")[0] == "station"
        assert row.split()[:2] == ["anna", "1"]
        assert "0 %" in row
        assert row.endswith("never proven")
        _, out, _ = await ask("list", "--json")
        (found,) = json.loads(out)
        assert {"station", "gen", "not_after_ms", "gone_percent", "pending_gen", "proven_ms", "state"} <= set(found)
        assert found["state"] == "never-proven"

    beside_a_hub(tmp_path, capsys, walk)


def test_keys_expire_for_one_station_or_for_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def walk(ask: Ask) -> None:
        assert await ask("expire", "anna") == (0, "expired: anna\n", "")
        assert json.loads((await ask("expire", "--all", "--json"))[1]) == {"stations": ["anna"]}
        _, out, _ = await ask("list")
        assert "100 %" in out
        assert "expired" in out
        code, _, err = await ask("expire", "nobody")
        assert (code, "no such station" in err) == (2, True)

    beside_a_hub(tmp_path, capsys, walk)


@pytest.mark.parametrize("words", [(), ("anna", "--all")])
def test_whose_key_expires_must_be_said_once(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--profile", "nowhere", "hub", "psk", "expire", *words]) == 2
    assert "Whose key?" in capsys.readouterr().err


def test_a_replacement_is_handed_over_as_a_code_a_file_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def walk(ask: Ask) -> None:
        file, picture = tmp_path / "anna.invite", tmp_path / "anna.svg"
        code, out, _ = await ask("replace", "anna", "--file", str(file), "--qr", str(picture))
        assert code == 0
        written = json.loads(file.read_text())
        assert written["card"]["renews"] == "anna"
        assert out.splitlines()[0] == f"code  {written['code']}"
        assert picture.stat().st_size > 100
        made = json.loads((await ask("replace", "anna", "--json"))[1])
        assert made["invite"]["card"]["renews"] == "anna"
        code, _, err = await ask("replace", "hub")
        assert (code, "no such station" in err) == (2, True)

    beside_a_hub(tmp_path, capsys, walk)
