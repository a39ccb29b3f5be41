"""A hub from its backup: everything is read and checked first, the hub that was there is kept, then they change places.

A restored hub is one generation back; what it has forgotten, and how it comes back, see recovery.
"""

import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import DecodeError, json
from msgspec.structs import replace

from agent.domain.errors import BadInput, NmrError, TryLater
from agent.hub.backup import CONFIGURATION, DATABASE, FOUNDING, NAMES, NEEDED, counts, place_of
from agent.hub.backup_file import Backup, BackupDamaged, open_backup
from agent.hub.invites import Issued
from agent.hub.recovery import ID, KIND, Restored
from agent.hub.registry import Filed, Gap
from agent.routing import rows
from agent.system.database import StoreTooNew
from agent.system.database_image import lay_down
from agent.system.files import NotWritten, private_folder, swap_in, sync_folder, write_atomically
from agent.system.lock import ProfileLock
from agent.system.paths import Profile
from agent.system.pin import PinDamaged, load_pin


@dataclass(frozen=True, slots=True)
class Site:
    """What came back: its name, when the backup was made, and where the hub is that was there before."""

    site: str
    made_ms: int
    set_aside: Path | None
    counts: dict[str, int]
    told: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """What programs read."""
        aside = str(self.set_aside) if self.set_aside else None
        return {"site": self.site, "made_ms": self.made_ms, "set_aside": aside, **self.counts, "told": list(self.told)}


def restore(profile: Profile, path: Path, passphrase: str, *, take_place: bool = False) -> Site:
    """Put a hub back; `take_place` says that one that is there may be set aside. Raises NmrError, and then all is as
    it was.
    """
    backup = _read(path, passphrase)
    _check(backup)
    profile.create()
    lock = ProfileLock(profile.hub_lock_file)
    if not lock.acquire():
        raise TryLater("The hub is running", "End it first, then restore it: nmr hub stop", code="hub-running")
    with lock:
        if not take_place and (there := _there(profile)):
            raise BadInput(
                "There is a hub already",
                f"{there[0]}. To put the backup in its place (it is kept beside): nmr hub restore --replace {path}",
                code="hub-there",
            )
        try:
            return _put_back(profile, backup)
        except DecodeError:  # `from None`: the cause shows a piece of what was decoded
            raise BackupDamaged("The backup holds what cannot be read", "Take an older one, or tell us") from None
        except (OSError, sqlite3.Error) as error:
            raise NotWritten("The hub could not be restored", f"{error}. Run the same command again") from error


def _read(path: Path, passphrase: str) -> Backup:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput("The backup cannot be read", f"{path}: {error.strerror}", field="file") from error
    return open_backup(data, passphrase)


def _check(backup: Backup) -> None:
    """Raise NmrError unless this version can work with everything in it."""
    missing = [name for name in (DATABASE, *NEEDED) if name not in backup.files]
    if missing or not backup.files.keys() <= NAMES:
        raise BackupDamaged("The backup is not whole", f"{', '.join(missing) or 'Strange files'}: take another one")
    if backup.head.store > len(rows.MIGRATIONS):
        raise StoreTooNew(
            "The backup was written by a newer version",
            f"Version {backup.head.program} wrote it. Install that or a newer one, then restore it",
        )
    counts(backup.files[DATABASE])


def _there(profile: Profile) -> list[Path]:
    """Return what a hub would work with that is there already."""
    return [place for name in (DATABASE, NEEDED[0], CONFIGURATION[0]) if (place := place_of(profile, name)).exists()]


def _put_back(profile: Profile, backup: Backup) -> Site:
    """Build the folder beside, then let it take the place; the configuration last, for a hub without its keys would
    found a second site of that name.
    """
    folder = profile.hub_folder
    least = _known_head(folder)
    fresh = folder.with_name(f"{folder.name}.restoring")
    if fresh.exists():
        shutil.rmtree(fresh)
    private_folder(fresh)
    for name, data in backup.files.items():
        if name.startswith("hub/") and name != DATABASE:
            place = fresh / name.removeprefix("hub/")
            private_folder(place.parent)
            write_atomically(place, data)
    database = fresh / DATABASE.removeprefix("hub/")
    lay_down(backup.files[DATABASE], database)
    _mark(database, Restored(made_ms=backup.head.made_ms, at_ms=_now_ms(), least=least))
    aside = _make_room(folder)
    fresh.rename(folder)
    (folder.parent / FOUNDING).unlink(missing_ok=True)  # what was begun there has ended so
    sync_folder(folder.parent)
    told = [words for name in CONFIGURATION if (words := _configure(profile, name, backup.files.get(name)))]
    return Site(backup.head.site, backup.head.made_ms, aside, counts(backup.files[DATABASE]), tuple(told))


def _known_head(folder: Path) -> int:
    """Return how far the ledger went here, if the disk still says so."""
    try:
        pin = load_pin(folder)
    except (PinDamaged, NmrError):
        return 0
    return pin.seq if pin is not None else 0


def _mark(database: Path, restored: Restored) -> None:
    """Let the hub know what it is, and close every invite: those that were used since would be good once more."""
    with closing(sqlite3.connect(database)) as db, db:
        rows.keep(db, KIND, ID, json.encode(restored))
        counts = [json.decode(body, type=Filed).count for _, body in db.execute(rows.KEPT, ("order",))]
        gap = Gap(after=max(counts, default=0), until=restored.at_ms)
        rows.keep(db, "gap", str(restored.at_ms), json.encode(gap))
        for id_, body in db.execute(rows.KEPT, ("invite",)).fetchall():
            issued = json.decode(body, type=Issued)
            closed = replace(issued, not_after=min(issued.not_after, restored.at_ms), answer="")
            rows.keep(db, "invite", id_, json.encode(closed))


def _make_room(folder: Path) -> Path | None:
    """Set aside what is there; returns where it is now."""
    if not folder.exists() or not any(folder.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
        return None
    number = 1
    while (aside := folder.with_name(f"{folder.name}.replaced-{number}")).exists():
        number += 1
    folder.rename(aside)
    return aside


def _configure(profile: Profile, name: str, data: bytes | None) -> str:
    """Put a configuration back where it was; one that differs is kept beside. Returns what IT must do, if anything."""
    place = place_of(profile, name)
    if data is None or (place.exists() and place.read_bytes() == data):
        return ""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            swap_in(place, place.with_name(f"{place.name}.replaced"))
        write_atomically(place, data)
    except (OSError, NotWritten):
        return f"{place} cannot be written here. Put this into it: {data.decode(errors='replace')}"
    return ""


def _now_ms() -> int:
    return round(time.time() * 1000)
