"""An invite as a picture."""

import os
import stat
from pathlib import Path

import pytest

from agent.domain.errors import BadInput
from agent.hub.qr import write_qr
from agent.wire.invite import new_secret, write_file
from tests.wire.test_invite import CARD

INVITE = write_file(new_secret(bytes(range(13))), CARD)


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml")])
def test_pictures_are_written_for_their_owner_only(tmp_path: Path, name: str, begins: bytes) -> None:
    write_qr(tmp_path / name, INVITE)
    assert (tmp_path / name).read_bytes().startswith(begins)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_another_kind_of_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="png"):
        write_qr(tmp_path / "a.gif", INVITE)
