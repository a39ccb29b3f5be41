"""The first start of an agent that IT installed: an invite left in its place makes it a station, sooner or later."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.domain.errors import BadInput, NmrError, Unavailable
from agent.station.enrolment.first_start import join, patience
from agent.system.credentials import Credentials, load_credentials
from agent.system.deployment import FILE
from agent.system.paths import Profile
from tests.hub.scene import invited, running_hub
from tests.servers.ports import free_port

Told = list[tuple[str, str]]


def left(folder: Path, invite: Path, site_url: str = "") -> Profile:
    """A profile for which IT left an invite."""
    profile = Profile.at(folder / "anna")
    profile.machine_folder.mkdir(parents=True, exist_ok=True)
    (profile.machine_folder / FILE).write_text(f'invite = "{invite}"\nsite_url = "{site_url}"\n', encoding="utf-8")
    return profile


async def joined(profile: Profile, told: Told, pauses: Iterator[float] | None = None) -> Credentials | None:
    """Join, and note what the user was told."""

    async def tell(title: str, message: str) -> None:
        told.append((title, message))

    return await join(profile, tell, pauses)


def test_without_an_invite_nothing_happens(tmp_path: Path) -> None:
    told: Told = []
    assert asyncio.run(joined(Profile.at(tmp_path), told)) is None
    assert told == []


def test_an_invite_that_was_left_makes_a_station(tmp_path: Path) -> None:
    async def play() -> None:
        async with running_hub(tmp_path) as hub:
            made, told = await invited(hub, "anna", "kitchen"), list[tuple[str, str]]()
            (tmp_path / "invite.json").write_text(json.dumps(made["invite"]))
            profile = left(tmp_path, tmp_path / "invite.json")
            got = await joined(profile, told)
            assert got == load_credentials(profile.secrets_folder)
            assert got is not None
            assert (got.person, told) == ("anna", [])

    asyncio.run(play())


def test_an_invite_that_comes_later_is_waited_for_and_the_user_told_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with running_hub(tmp_path) as hub:
            made, told, file = await invited(hub, "anna"), list[tuple[str, str]](), tmp_path / "invite.json"

            def pauses() -> Iterator[float]:
                yield 0
                yield 0
                file.write_text(json.dumps(made["invite"]))
                yield 0

            got = await joined(left(tmp_path, file), told, pauses())
            assert got is not None
            assert [title for title, _ in told] == ["The invite for this computer is not there yet"]

    asyncio.run(play())


def test_a_hub_that_cannot_be_reached_is_asked_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with running_hub(tmp_path) as hub:
            made, told = await invited(hub, "anna"), list[tuple[str, str]]()
            (tmp_path / "invite.json").write_text(json.dumps(made["invite"]))
            profile = left(tmp_path, tmp_path / "invite.json", f"https://127.0.0.1:{free_port()}")

            def pauses() -> Iterator[float]:
                left(tmp_path, tmp_path / "invite.json")
                yield 0
                yield 0

            with pytest.raises(Unavailable):  # what was left is read once
                await joined(profile, told, pauses())
            assert len(told) == 1
            assert await joined(profile, told) is not None

    asyncio.run(play())


def test_an_invite_that_is_of_no_use_is_not_tried_again(tmp_path: Path) -> None:
    (tmp_path / "invite.json").write_text("nonsense")
    with pytest.raises(BadInput):
        asyncio.run(joined(left(tmp_path, tmp_path / "invite.json"), []))


def test_an_invite_somebody_else_has_used_is_told(tmp_path: Path) -> None:
    async def play() -> None:
        async with running_hub(tmp_path) as hub:
            made = await invited(hub, "anna")
            (tmp_path / "invite.json").write_text(json.dumps(made["invite"]))
            assert await joined(left(tmp_path / "one", tmp_path / "invite.json"), []) is not None
            with pytest.raises(NmrError) as refused:
                await joined(left(tmp_path / "two", tmp_path / "invite.json"), [])
            assert refused.value.code == "invite-used"

    asyncio.run(play())


def test_patience_grows_and_does_not_end() -> None:
    pauses = patience()
    first = [next(pauses) for _ in range(50)]
    assert first == sorted(first)
    assert (first[0], first[-1]) == (2, 60)
