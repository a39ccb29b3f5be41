"""The tables of the outbox, the inbox and what the cores keep, and the statements on them.

frame   what we signed, once for all its recipients
outbox  one row a recipient, until its receipt came
inbox   every message that had an effect here; `stage` and `why` are what its receipt says again, and the
frame stays until the core has kept its effects (handled = 1)
kept    what a core keeps, by kind and id
"""

import sqlite3
from collections.abc import Sequence

from agent.domain.envelope import DAY_MS, PROOF_TYPES, SIGNAL_TYPES
from agent.routing.admission import Admitted

REMEMBER_MS = 2 * DAY_MS
"""Ids are remembered this long beyond their expiry, so that a clock that jumps brings no replay."""

PASSING = frozenset(
    {
        "receipt",
        "probe",
        "presence",
        "order.list",
        "order.part",
        "ledger.get",
        "ledger.part",
        "ledger.entry",
        "ledger.head",
        "error",
        *PROOF_TYPES,
        "signal.login",
        *SIGNAL_TYPES,
        "text",
        "lease",
        "lease.ask",
        "task.get",
        "task.part",
    }
)
"""Types that may come twice without harm and are asked for again when lost: they are not stored."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE frame (id TEXT PRIMARY KEY, body BLOB NOT NULL, exp INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE outbox (
        id TEXT NOT NULL, recipient TEXT NOT NULL, prio INTEGER NOT NULL, want INTEGER NOT NULL,
        exp INTEGER NOT NULL, PRIMARY KEY (id, recipient)
    ) WITHOUT ROWID;
    CREATE TABLE inbox (
        id TEXT PRIMARY KEY, sender TEXT NOT NULL, link TEXT NOT NULL, exp INTEGER NOT NULL,
        stage TEXT NOT NULL DEFAULT 'stored', why TEXT NOT NULL DEFAULT '',
        handled INTEGER NOT NULL DEFAULT 0, frame BLOB
    ) WITHOUT ROWID;
    CREATE INDEX inbox_open ON inbox (handled) WHERE handled = 0;
    CREATE TABLE kept (
        kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    """,
)

OutRow = tuple[str, str, int, int, int]
"""(id, recipient, prio, want, exp)"""

KNOWN = "SELECT sender, stage, why FROM inbox WHERE id = ?"
FRAME = "SELECT body FROM frame WHERE id = ?"
OPEN_ROWS = "SELECT id, recipient, prio, want, exp FROM outbox"
UNHANDLED = "SELECT id, link, frame FROM inbox WHERE handled = 0 ORDER BY id"
KEPT = "SELECT id, body FROM kept WHERE kind = ? ORDER BY id"
KEPT_ONE = "SELECT body FROM kept WHERE kind = ? AND id = ?"


def is_stored(type_: str) -> bool:
    """Whether a message of this type is committed before it counts."""
    return type_ not in PASSING


def insert_out(db: sqlite3.Connection, frame: bytes, rows: Sequence[OutRow]) -> None:
    """Commit a message to its recipients."""
    db.execute("INSERT OR REPLACE INTO frame VALUES (?, ?, ?)", (rows[0][0], frame, rows[0][4]))
    db.executemany("INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?, ?)", rows)


def sign_again(db: sqlite3.Connection, id_: str, frame: bytes, exp: int) -> None:
    """Replace a message that is still on its way."""
    db.execute("UPDATE frame SET body = ?, exp = ? WHERE id = ?", (frame, exp, id_))
    db.execute("UPDATE outbox SET exp = ? WHERE id = ?", (exp, id_))


def close_out(db: sqlite3.Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Close rows; the frame goes with its last row."""
    db.executemany("DELETE FROM outbox WHERE id = ? AND recipient = ?", pairs)
    db.executemany(
        "DELETE FROM frame WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM outbox WHERE id = ?1)",
        [(id_,) for id_ in {id_ for id_, _ in pairs}],
    )


def insert_in(db: sqlite3.Connection, admitted: Admitted, link: str) -> bool:
    """Commit an arrival; False if it was known."""
    envelope = admitted.envelope
    row = (envelope.id, envelope.sender, link, envelope.exp, admitted.frame)
    cursor = db.execute("INSERT OR IGNORE INTO inbox (id, sender, link, exp, frame) VALUES (?, ?, ?, ?, ?)", row)
    return cursor.rowcount == 1


def mark_handled(db: sqlite3.Connection, id_: str) -> None:
    """The core's effects for an arrival are kept; only its id is still needed."""
    db.execute("UPDATE inbox SET handled = 1, frame = NULL WHERE id = ?", (id_,))


def set_stage(db: sqlite3.Connection, id_: str, stage: str, why: str) -> None:
    """Remember what the receipt for an arrival says from now on; whoever says that has handled it."""
    db.execute("UPDATE inbox SET stage = ?, why = ?, handled = 1, frame = NULL WHERE id = ?", (stage, why, id_))


def keep(db: sqlite3.Connection, kind: str, id_: str, body: bytes | None) -> None:
    """Write or delete what a core keeps."""
    if body is None:
        db.execute("DELETE FROM kept WHERE kind = ? AND id = ?", (kind, id_))
    else:
        db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, id_, body))


def forget_old(db: sqlite3.Connection, now_ms: int) -> None:
    """Drop remembered ids long after their expiry."""
    db.execute("DELETE FROM inbox WHERE handled = 1 AND exp < ?", (now_ms - REMEMBER_MS,))
    db.execute("DELETE FROM frame WHERE exp < ? AND id NOT IN (SELECT id FROM outbox)", (now_ms,))
