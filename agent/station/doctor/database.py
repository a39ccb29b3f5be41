"""Checks of the station's database and of what it says about members: looked at without a change to either."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from agent.domain.errors import NmrError
from agent.domain.ledger import Ledger, LedgerRefused
from agent.routing import rows
from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Sight
from agent.system.beside import beside
from agent.system.damage import why_damaged
from agent.system.pin import load_pin
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_entry

PARTS = ("", "-wal")


async def database(sight: Sight) -> list[Finding]:
    """Whether the database is what we wrote, and of a version we know."""
    return await beside(lambda: _database(sight))


async def member(sight: Sight) -> list[Finding]:
    """Whether the list of members counts us in."""
    return await beside(lambda: _member(sight))


def _database(sight: Sight) -> list[Finding]:
    found, file = Findings("database"), sight.profile.data_file
    aside = sorted(file.parent.glob(f"{file.name}.damaged-*[0-9]"))
    findings = [found.warning("set-aside", file=str(aside[-1]))] if aside else []
    if not file.exists():
        return [*findings, found.ok("none")]
    try:
        if sight.agent.status is None and (why := why_damaged(file)):
            return [*findings, found.failure("damaged", file=str(file), reason=why)]
        with looked_at(file, running=sight.agent.status is not None) as db:
            findings.append(_judge(found, file, db))
    except (OSError, sqlite3.Error) as error:
        findings.append(found.failure("damaged", file=str(file), reason=str(error)))
    return findings


def _judge(found: Findings, file: Path, db: sqlite3.Connection) -> Finding:
    said = [str(row[0]) for row in db.execute("PRAGMA quick_check(1)")]
    if said != ["ok"]:
        return found.failure("damaged", file=str(file), reason=said[0])
    version = schema_version(db)
    if version > len(rows.MIGRATIONS):
        return found.failure("too-new", file=str(file), version=version, known=len(rows.MIGRATIONS))
    return found.ok(version=version, kib=round(file.stat().st_size / 1024))


@contextmanager
def looked_at(file: Path, *, running: bool) -> Iterator[sqlite3.Connection]:
    """The database to read from: in place beside the agent that has it open, else a copy in a folder of our own.

    Opening the original alone would bring in its log and leave other files than it found.
    Raises OSError, sqlite3.Error.
    """
    if running:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
            yield db
        return
    with tempfile.TemporaryDirectory(prefix="nmr-doctor.") as folder:
        for part in PARTS:
            source = file.with_name(file.name + part)
            if source.exists():
                shutil.copyfile(source, Path(folder, f"copy{part}"))
        with closing(sqlite3.connect(Path(folder, "copy"))) as db:
            yield db


def schema_version(db: sqlite3.Connection) -> int:
    """The version of the schema."""
    ((version,),) = db.execute("PRAGMA user_version")
    return int(version)


def _member(sight: Sight) -> list[Finding]:
    found, credentials = Findings("member"), sight.secrets.credentials
    if credentials is None:
        return [found.off()]
    try:
        frames = [credentials.genesis.encode(), *_entries(sight)]
        ledger = Ledger(credentials.site)
        for frame in frames:
            ledger = read_entry(ledger, frame)
        pin = load_pin(sight.profile.secrets_folder)
    except (LedgerRefused, FrameRefused) as refused:
        return [found.failure("ledger-damaged", entry=ledger.seq + 1, reason=refused.code)]
    except NmrError as error:
        return [found.failure("pin-damaged", reason=error.message)]
    except (OSError, sqlite3.Error):
        return [found.off("unread")]  # the database's own check says why
    if pin is not None and pin.seq > ledger.seq:
        return [found.warning("behind", seq=ledger.seq, pinned=pin.seq)]
    return [_standing(found, ledger, credentials.station)]


def _standing(found: Findings, ledger: Ledger, station: str) -> Finding:
    me = ledger.members.get(station)
    if me is None:
        return found.warning("unknown")
    if me.revoked:
        return found.failure("revoked", station=station)
    return found.ok(person=me.person, roles=", ".join(me.roles) or "-", members=len(ledger.active()))


def _entries(sight: Sight) -> list[bytes]:
    """The ledger's entries behind the first, as they are kept."""
    if not sight.profile.data_file.exists():
        return []
    with looked_at(sight.profile.data_file, running=sight.agent.status is not None) as db:
        return [bytes(body) for _, body in db.execute(rows.KEPT, ("ledger",))]
