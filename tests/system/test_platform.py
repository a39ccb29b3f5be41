"""The first question at start: an operating system we know?"""

import pytest

from agent.domain.errors import NmrError
from agent.system.platform import check_platform


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
