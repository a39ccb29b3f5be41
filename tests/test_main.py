"""The door of the program: unknown systems are told aloud, and a plain start takes the short way."""

import sys
from collections.abc import Callable

import pytest

from agent.__main__ import main
from agent.domain.errors import NmrError


def test_an_unknown_system_is_told_on_the_desktop_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []

    def refuse() -> None:
        raise NmrError("Incompatible operating system", "Install it elsewhere", code="incompatible-system")

    async def tell(error: NmrError) -> None:
        told.append(error.title)

    monkeypatch.setattr("agent.system.platform.check_platform", refuse)
    monkeypatch.setattr("agent.station.run.tell_user", tell)
    assert main() == 1
    assert told == ["Incompatible operating system"]
    assert "Install it elsewhere" in capsys.readouterr().err


def test_a_notifier_that_fails_there_hides_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise NmrError("Incompatible operating system", "Install it elsewhere", code="incompatible-system")

    async def fail(_: NmrError) -> None:
        raise OSError("no notices here")

    monkeypatch.setattr("agent.system.platform.check_platform", refuse)
    monkeypatch.setattr("agent.station.run.tell_user", fail)
    assert main() == 1
    assert "Install it elsewhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "short"),
    [(["run"], True), (["--profile", "d", "run"], True), (["run", "--help"], False), (["status"], False)],
)
def test_only_a_plain_start_takes_the_short_way(
    arguments: list[str], short: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    monkeypatch.setattr(sys, "argv", ["nmr", *arguments])

    def take(way: str) -> Callable[[object], int]:
        def note(_: object) -> int:
            taken.append(way)
            return 0

        return note

    monkeypatch.setattr("agent.station.run.run_agent", take("short"))
    monkeypatch.setattr("agent.cli.run", take("long"))
    assert main() == 0
    assert taken == (["short"] if short else ["long"])
