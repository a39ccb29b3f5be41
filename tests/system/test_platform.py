"""What comes before anything else: a system we know, and outputs that take every letter."""

import sys
from io import BytesIO, TextIOWrapper

import pytest

from agent.domain.errors import NmrError
from agent.system.platform import check_platform, speak_utf8


@pytest.mark.parametrize("name", ["linux", "win32"])
def test_linux_and_windows_are_accepted(name: str) -> None:
    check_platform(name)


@pytest.mark.parametrize("name", ["darwin", "freebsd14", "cygwin", "emscripten", ""])
def test_anything_else_is_told_and_refused(name: str) -> None:
    with pytest.raises(NmrError, match="Incompatible operating system") as raised:
        check_platform(name)
    assert name in raised.value.message
    assert raised.value.exit_code == 1


def test_this_computer_is_asked_by_default() -> None:
    check_platform()


def test_whatever_people_write_can_be_printed_into_a_pipe_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(pipe, encoding="cp1252", newline="\n"))
    speak_utf8()
    print("grüße → 🍕 \ud800", flush=True)  # noqa: T201 - that is what it is about
    assert pipe.getvalue().decode() == "grüße → 🍕 \\ud800\n"


def test_a_program_without_outputs_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    speak_utf8()
