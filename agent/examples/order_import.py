r"""A task: make an order of each row of a CSV file, each row once, however often the import is begun again.

    [[task]]
    type = "order-import"
    command = ["{python}", "-m", "agent.examples.order_import", "{agent}", "/var/lib/imports/journal.jsonl"]
    seconds = 3600

    data     {"csv": "title,subtitle,flag_a\nOrder 17,0171 5550123,yes\n", "batch": "2026-11-21"}
    result   {"made": 12, "before": 3, "refused": [{"row": 4, "why": "The title is missing. …"}], "more_refused": 0}

The journal is this computer's: let one worker alone have this type, or another makes the orders of a lost one again.
The first row names the columns: title, and as you like subtitle, flag_a, flag_b. Commas or semicolons part them. Two
rows that are the same are two orders. `batch` says which rows belong together: what was made in the same batch before
is passed over; without one the whole content is the batch.
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

from agent.domain.errors import BadInput, NmrError
from agent.domain.text import clean
from agent.examples.order_journal import Journal
from agent.examples.speech import do, progress

USAGE = "Usage: python -m agent.examples.order_import AGENT JOURNAL"
TEXTS, FLAGS = ("title", "subtitle"), ("flag_a", "flag_b")
MOST_REFUSED, STEPS = 100, 100
"""How many refused rows are told, and how often how far it is: what a task may say has an end."""
YES = ("yes", "y", "x", "1", "true", "on", "ja", "j")

Fields = dict[str, str | bool]


class Agent(Protocol):
    """What of the running agent is needed."""

    def request(self, do: str, /, *, within: float = 10.0, **with_: object) -> Any:
        """Ask it for something; raises NmrError."""


def main(words: Sequence[str]) -> int:
    """Import one CSV; AGENT is the address of the agent's socket, JOURNAL the file that knows what was made."""
    if len(words) != len(("AGENT", "JOURNAL")):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    return do(lambda data: _with_agent(words[0], Path(words[1]), data))


def _with_agent(address: str, journal: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    from agent.system.control import connect_to

    with _told(), connect_to(address) as agent, Journal(journal) as kept:
        return import_rows(agent, kept, data)


def import_rows(agent: Agent, journal: Journal, data: Mapping[str, Any]) -> dict[str, Any]:
    """Make the orders; raises ValueError for what is no CSV, NmrError where the agent is not there."""
    rows, batch = _rows(str(data["csv"])), str(data.get("batch") or sha256(str(data["csv"]).encode()).hexdigest())
    journal.settle(agent.request("orders"))
    made, before, refused = 0, 0, list[dict[str, Any]]()
    for row, (key, fields) in enumerate(_keyed(batch, rows), start=1):
        if key in journal:
            before += 1
        else:
            try:
                journal.done(key, _order(agent, journal, key, fields))
                made += 1
            except BadInput as error:
                journal.undone(key)
                refused.append({"row": row, "why": str(error)})
        if row * STEPS // len(rows) > (row - 1) * STEPS // len(rows):
            progress(row / len(rows), f"row {row} of {len(rows)}")
    more = max(0, len(refused) - MOST_REFUSED)
    return {"made": made, "before": before, "refused": refused[:MOST_REFUSED], "more_refused": more}


def _order(agent: Agent, journal: Journal, key: str, fields: Fields | None) -> str:
    """Make one order; raises BadInput for a row that can be none."""
    if fields is None:
        raise BadInput("There are more cells than columns", "Put a text with a comma in it in quotes")
    journal.begin(key, fields)
    return str(agent.request("order.add", kind="order", fields=fields)["order"])


def _rows(text: str) -> list[Fields | None]:
    """None for a row with more cells than there are columns: nobody knows which is which."""
    text = text.lstrip("\ufeff")
    head = text.splitlines()[0] if text else ""
    reader = csv.reader(StringIO(text, newline=None), delimiter=";" if ";" in head else ",", strict=True)
    try:
        columns, *rows = [row for row in reader if row] or [[]]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num} cannot be read: {error}") from None
    columns = [name.strip().lower() for name in columns]
    unknown = sorted(set(columns) - {*TEXTS, *FLAGS})
    if "title" not in columns or unknown or len(set(columns)) < len(columns):
        raise ValueError(
            f"the first row names the columns: {', '.join((*TEXTS, *FLAGS))}; there is {unknown or columns}"
        )
    return [None if any(row[len(columns) :]) else _fields(dict(zip(columns, row, strict=False))) for row in rows]


def _fields(row: Mapping[str, str]) -> Fields:
    # As the agent writes them, or an order could not be found again whose making was broken off.
    texts: Fields = {name: " ".join(clean(row.get(name, "")).split()) for name in TEXTS}
    flags: Fields = {name: row.get(name, "").strip().lower() in YES for name in FLAGS}
    return texts | flags


def _keyed(batch: str, rows: Sequence[Fields | None]) -> Iterator[tuple[str, Fields | None]]:
    """Each row with what tells it from all others: its batch, its content, and how many were the same before it."""
    seen: Counter[str] = Counter()
    for fields in rows:
        content = json.dumps([batch, fields], sort_keys=True)
        seen[content] += 1
        yield sha256(f"{seen[content]} {content}".encode()).hexdigest(), fields


@contextmanager
def _told() -> Iterator[None]:
    """Let what the agent says against it be the reason why the task failed."""
    try:
        yield
    except NmrError as error:
        raise ValueError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
