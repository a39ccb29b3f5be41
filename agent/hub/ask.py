"""How a command speaks to the running hub."""

from typing import Any

from agent.domain.errors import Unavailable
from agent.system.control import ControlLine, connect_to
from agent.system.paths import Profile

_PATIENCE_S = 30.0
"""A revocation waits for the broker."""


def connect_hub(profile: Profile) -> ControlLine:
    """Reach the profile's hub; raises Unavailable if it does not run."""
    try:
        return connect_to(profile.hub_control_address)
    except Unavailable as error:
        message = "Start it on this computer with: nmr hub run"
        raise Unavailable("The hub is not running", message, code="no-hub") from error


def ask_hub(profile: Profile, do: str, **with_: object) -> Any:
    """Return the hub's answer to `do` (see office); raises Unavailable, or the hub's NmrError."""
    with connect_hub(profile) as line:
        return line.request(do, _PATIENCE_S, **with_)
