"""`nmr hub status | settle | stop` and the bulk replacement of keys: what IT types beside a running hub."""

import asyncio
import json
from pathlib import Path

import pytest

from agent.cli import run
from agent.hub import backup_file
from agent.hub.backup import back_up
from agent.hub.proofs import Proof
from agent.hub.restore import restore
from agent.system.paths import Profile
from tests.hub.scene import enrolled, running_hub

pytestmark = pytest.mark.servers

PASSPHRASE = "correct horse battery"


def test_a_restored_hub_says_what_it_waits_for_and_goes_on_when_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_file, "_MEMORY_KIB", 64)
    profile, file = Profile.at(tmp_path / "hub"), tmp_path / "hub.backup"

    async def nmr(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run, ["--profile", str(tmp_path / "hub"), "hub", *words])
        return code, capsys.readouterr().out

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            for name in ("anna", "ben", "carl"):
                await enrolled(hub, tmp_path, name)
            back_up(profile, file, PASSPHRASE)
        restore(profile, file, PASSPHRASE, take_place=True)
        async with running_hub(tmp_path) as hub:
            code, out = await nmr("status")
            assert (code, out.count("ALARM: The hub was restored")) == (0, 1)
            assert "Not heard yet: anna, ben, carl." in out
            proofs = hub.engine.core.proofs.proofs
            proofs |= {name: Proof(station=name, refused="restored") for name in ("anna", "carl")}
            code, out = await nmr("psk", "replace", "--newer", "--folder", str(tmp_path / "new"))
            assert code == 0
            written = [Path(line) for line in out.split()]
            assert [path.name for path in written] == ["anna.invite", "carl.invite"]
            assert [json.loads(path.read_text())["card"]["renews"] for path in written] == ["anna", "carl"]
            assert (await nmr("settle"))[0] == 0
            assert "ALARM: The hub" not in (await nmr("status"))[1]
            assert (await nmr("stop"))[0] == 0
            assert hub.ended.is_set()

    asyncio.run(walk())


@pytest.mark.parametrize("words", [[], ["anna", "--newer", "--folder", "x"], ["--newer"]])
def test_whose_keys_are_replaced_must_be_said_once(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--profile", "nowhere", "hub", "psk", "replace", *words]) == 2
    assert "Whose key?" in capsys.readouterr().err
