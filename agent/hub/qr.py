"""An invite as a picture for a telephone's camera."""

from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from agent.domain.errors import BadInput, NmrError
from agent.system.files import write_atomically
from agent.wire.invite import LINK

_SCALE = 8


def write_qr(path: Path, invite: dict[str, Any]) -> None:
    """Write the link of an invite file object as PNG or SVG, readable by its owner only; raises NmrError."""
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg"):
        raise BadInput("No such kind of picture", f"{path.name}: end the name with .png or .svg", field="qr")
    code = _code(invite)
    drawn = BytesIO()
    code.save(drawn, kind=kind, scale=_SCALE)
    write_atomically(path, drawn.getvalue())


def draw_qr(invite: dict[str, Any]) -> str:
    """Return the link of an invite file object as lines for a terminal; raises NmrError."""
    drawn = StringIO()
    _code(invite).terminal(out=drawn, compact=True)
    return drawn.getvalue()


def _code(invite: dict[str, Any]) -> Any:
    try:
        import segno
    except ImportError as error:
        raise NmrError("QR codes cannot be drawn here", "Install the package segno, or use the code") from error
    link = f"{LINK}{invite['code']}@{invite['card']['url'].removeprefix('https://')}"
    return segno.make(link, error="m", micro=False)
