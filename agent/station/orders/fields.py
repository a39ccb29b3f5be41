"""What a person may write into an order: clean, short enough, and of the right kind."""

from collections.abc import Mapping

from agent.domain import order as orders
from agent.domain.errors import BadInput
from agent.domain.messages import FieldValue
from agent.domain.text import clean

LENGTHS = {orders.TITLE: orders.MOST_TEXT, orders.SUBTITLE: orders.MOST_TEXT}
FLAGS = (orders.FLAG_A, orders.FLAG_B, orders.DONE)


def checked(fields: Mapping[str, FieldValue], *, create: bool) -> dict[str, FieldValue]:
    """Return clean fields; raises BadInput that names the field (requirements N-50, N-51)."""
    unknown = set(fields) - {*LENGTHS, *FLAGS}
    if unknown:
        raise BadInput("Unknown field", f"An order has no {', '.join(sorted(unknown))}", field=min(unknown))
    made: dict[str, FieldValue] = {}
    for name, value in fields.items():
        made[name] = _text(name, value) if name in LENGTHS else _flag(name, value)
    if (create or orders.TITLE in fields) and not made.get(orders.TITLE):
        raise BadInput("The title is missing", "Write what the order is called", code="title-missing", field="title")
    return made


def _flag(name: str, value: FieldValue) -> bool:
    if not isinstance(value, bool):
        raise BadInput("Yes or no?", f"{name} must be true or false", code=f"{name}-bad", field=name)
    return value


def _text(name: str, value: FieldValue) -> str:
    text = " ".join(clean(str(value or "")).split())
    if len(text) > LENGTHS[name]:
        raise BadInput("Too long", f"Write {LENGTHS[name]} characters at most", code=f"{name}-long", field=name)
    if not text.isprintable():
        raise BadInput("Unreadable characters", "Use letters, digits and signs", code=f"{name}-bad", field=name)
    return text
