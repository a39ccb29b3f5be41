r"""A task: make an order of each row of a CSV file, each row once, however often the import is begun again.

    [[task]]
    type = "order-import"
    command = ["{python}", "-m", "agent.examples.order_import", "{agent}", "/var/lib/imports/journal.jsonl"]
    seconds = 3600

    data     {"csv": "title,subtitle,flag_a\nOrder 17,0171 5550123,yes\n", "batch": "2026-11-21"}
    result   {"made": 12, "before": 3, "refused": [{"row": 4, "why": "The title is missing. …"}]}

The first row names the columns: title, and as you like subtitle, flag_a, flag_b. Commas or semicolons part them. Two
rows that are the same are two orders. `batch` says which rows belong together: what was made in the same batch before
is passed over; without one the whole content is the batch.
"""

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from agent.domain.errors import BadInput, NmrError
from agent.examples.order_journal import Journal
from agent.examples.speech import do, progress

USAGE = "Usage: python -m agent.examples.order_import AGENT JOURNAL"
TEXTS, FLAGS = ("title", "subtitle"), ("flag_a", "flag_b")
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
    made, before, refused = 0, 0, []
    for row, (key, fields) in enumerate(_keyed(batch, rows), start=1):
        if key in journal:
            before += 1
        else:
            journal.begin(key, fields, int(time.time() * 1000))
            try:
                journal.done(key, agent.request("order.add", kind="order", fields=fields)["order"])
                made += 1
            except BadInput as error:
                journal.undone(key)
                refused.append({"row": row, "why": str(error)})
        progress(row / len(rows), f"row {row} of {len(rows)}")
    return {"made": made, "before": before, "refused": refused}


def _rows(text: str) -> list[Fields]:
    head = text.lstrip("\ufeff").partition("\n")[0]
    found = csv.DictReader(text.lstrip("\ufeff").splitlines(), delimiter=";" if ";" in head else ",")
    columns = [name.strip().lower() for name in found.fieldnames or ()]
    found.fieldnames = columns
    unknown = sorted(set(columns) - {*TEXTS, *FLAGS})
    if "title" not in columns or unknown:
        raise ValueError(
            f"the first row names the columns: {', '.join((*TEXTS, *FLAGS))}; there is {unknown or columns}"
        )
    return [_fields(row) for row in found]


def _fields(row: Mapping[str, str | None]) -> Fields:
    texts: Fields = {name: (row.get(name) or "").strip() for name in TEXTS}
    flags: Fields = {name: (row.get(name) or "").strip().lower() in YES for name in FLAGS}
    return texts | flags


def _keyed(batch: str, rows: Sequence[Fields]) -> Iterator[tuple[str, Fields]]:
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
