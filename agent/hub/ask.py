"""How a command speaks to the running hub."""

from typing import Any

from agent.domain.errors import Unavailable
from agent.system.control import connect_to
from agent.system.paths import Profile

_PATIENCE_S = 30.0
"""A revocation waits for the broker."""


def ask_hub(profile: Profile, do: str, **with_: object) -> Any:
    """Return the hub's answer to `do`; raises Unavailable if no hub of this profile runs, or the hub's NmrError."""
    try:
        with connect_to(profile.hub_control_address) as line:
            return line.request(do, _PATIENCE_S, **with_)
    except Unavailable as error:
        if error.code != "no-agent":
            raise
        raise Unavailable(
            "The hub is not running", "Start it on this computer with: nmr hub run", code="no-hub"
        ) from error
