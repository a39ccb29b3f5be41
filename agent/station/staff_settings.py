"""What the window's settings are: those of the schema that staff may choose, and whether somebody above fixed them."""

from functools import lru_cache
from typing import Any

from msgspec.inspect import BoolType, IntType, LiteralType

from agent.system.config.load import Loaded
from agent.system.config.schema import FOR_STAFF, Config


@lru_cache(maxsize=1)
def staff_settings(loaded: Loaded[Config]) -> list[dict[str, Any]]:
    """One line for each: key, value, kind (flag, choice, number) with its choices or bounds, and what fixes it.

    `fixed` is "policy", "given" (the command line or the environment decides) or "".
    """
    from agent.system.config.change import why_fixed
    from agent.system.config.why import decision

    found = []
    for key in FOR_STAFF:
        one = decision(loaded, key)
        control = _control(one.setting.kind)
        found.append({"key": key, "value": one.winner.value, "fixed": why_fixed(one), **control})
    return found


def _control(kind: object) -> dict[str, Any]:
    """How it is chosen."""
    match kind:
        case BoolType():
            return {"kind": "flag"}
        case LiteralType():
            return {"kind": "choice", "choices": list(kind.values)}
        case IntType():
            return {"kind": "number", "least": kind.ge, "most": kind.le}
    raise TypeError(f"no control for {kind!r}")
