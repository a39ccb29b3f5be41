"""What a request may hold: each value checked, and named where it is wrong."""

from typing import Any

from agent.domain.errors import BadInput

Line = dict[str, Any]


def text(with_: Line, name: str) -> str:
    """Return a text, "" where there is none; raises BadInput as all of these."""
    value = with_.get(name) or ""
    if not isinstance(value, str):
        raise BadInput("Not a text", f"{name} must be a text", field=name)
    return value


def flag(with_: Line, name: str) -> bool:
    """Return a yes or no; nothing is no."""
    value = with_.get(name) or False
    if not isinstance(value, bool):
        raise BadInput("Yes or no?", f"{name} must be true or false", field=name)
    return value


def needed(with_: Line, name: str) -> str:
    """Return a text that must be there."""
    value = text(with_, name)
    if not value:
        raise BadInput("Something is missing", f"Say which {name}", field=name)
    return value


def choice(with_: Line, name: str, choices: tuple[str, ...], default: str = "") -> str:
    """Return one of the choices."""
    value = with_.get(name, default)
    if value not in choices:
        raise BadInput("No such choice", f"{name} is one of {', '.join(choices)}", field=name)
    return str(value)


def fields_of(with_: Line) -> Line:
    """Return an order's fields, of values an order can have."""
    fields = with_.get("fields")
    if not isinstance(fields, dict):
        raise BadInput("Something is missing", "Say the order's fields", field="fields")
    for name, value in fields.items():
        if not isinstance(value, str | bool | int | None):
            raise BadInput("Not a text", f"{name} must be a text, or true or false", field=name)
    return fields
