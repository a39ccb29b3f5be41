"""What is put away of a hub, while it runs or not: everything that cannot be made again, in one sealed file."""

# hub/hub.sqlite3        ledger, accounts at the broker and keys of the stations, invites, orders, pages
# hub/secrets.bin wrap.key                   the hub's own keys
# hub/mail.bin                               the password of its mailbox
# hub/tls/ca.pem ca.key hub.pem hub.key      the site's authority
# hub/http.port signaling.port broker/port   ports that were chosen once
# config/hub.toml machine/hub.toml           the configuration
#
# Not in it: what waits at the broker (its senders have it until they get a receipt), logs, and the pin of the ledger's
# head, which says what is the newest on one disk.

import time
from pathlib import Path
from typing import Any

from agent import __version__
from agent.domain.errors import NmrError
from agent.hub.backup_file import Head, check_passphrase, open_backup, seal_backup
from agent.routing import rows
from agent.system.damage import why_damaged
from agent.system.database_image import copy_database, read_image
from agent.system.files import NotWritten, swap_in, write_atomically
from agent.system.lock import ProfileLock
from agent.system.paths import Profile

DATABASE = "hub/hub.sqlite3"
NEEDED = ("hub/secrets.bin", "hub/wrap.key", "hub/tls/ca.pem", "hub/tls/ca.key")
WANTED = (
    "hub/mail.bin",
    "hub/tls/hub.pem",
    "hub/tls/hub.key",
    "hub/http.port",
    "hub/signaling.port",
    "hub/broker/port",
)
CONFIGURATION = ("config/hub.toml", "machine/hub.toml")
FOUNDING = "hub.founding"
"""Beside the hub's folder while a site is being founded, see founding."""
NAMES = frozenset((DATABASE, *NEEDED, *WANTED, *CONFIGURATION))
"""Every name a backup may hold."""


def back_up(profile: Profile, path: Path, passphrase: str) -> dict[str, Any]:
    """Write the backup to `path`, read it again, and only then let it take the place of an older one.

    Returns {file, bytes, made_ms, site, entries (of the ledger), stations (accounts), orders}; raises NmrError.
    """
    check_passphrase(passphrase)
    files = _collected(profile)
    head = Head(
        site=_site_of(files[DATABASE]), made_ms=round(time.time() * 1000), program=__version__, store=_store(files)
    )
    new = path.with_name(f"{path.name}.unverified")
    write_atomically(new, seal_backup(head, files, passphrase))
    try:
        told = _verified(new, files, passphrase)
        swap_in(new, path)
    except OSError as error:
        raise NotWritten("The backup could not be written", f"{path}: {error.strerror}") from error
    finally:
        new.unlink(missing_ok=True)
    return {"file": str(path), "bytes": path.stat().st_size, "made_ms": head.made_ms, "site": head.site, **told}


def counts(image: bytes) -> dict[str, int]:
    """Return how much is in a copy of the database; raises StoreDamaged."""
    kinds = {"entries": "ledger", "stations": "account", "orders": "order"}
    return {name: len(read_image(image, rows.KEPT, (kind,))) for name, kind in kinds.items()}


def place_of(profile: Profile, name: str) -> Path:
    """Return where a file of a backup belongs."""
    root, _, rest = name.partition("/")
    folders = {"hub": profile.hub_folder, "config": profile.config_folder, "machine": profile.machine_folder}
    return folders[root] / rest


def _verified(path: Path, files: dict[str, bytes], passphrase: str) -> dict[str, int]:
    """Read what was written as a restore would; raises NmrError if that is not what was put in."""
    again = open_backup(path.read_bytes(), passphrase)
    if again.files != files:
        raise NmrError("The backup was not written as it should be", f"{path}: is that disk in order?", code="backup")
    return counts(again.files[DATABASE])


def _collected(profile: Profile) -> dict[str, bytes]:
    """Return every file by name; raises NmrError where there is no whole hub."""
    database = place_of(profile, DATABASE)
    if not database.exists():
        raise NmrError(
            "There is no hub to back up", f"{database} is not there. Is it another --profile?", code="no-hub"
        )
    files = {DATABASE: _database(profile, database)}
    try:
        for name in (*NEEDED, *WANTED, *CONFIGURATION):
            place = place_of(profile, name)
            if name in NEEDED or place.exists():
                files[name] = place.read_bytes()
    except OSError as error:
        raise NmrError(
            "A file of the hub cannot be read",
            f"{error.filename}: {error.strerror}. A backup without it would be none",
            code="backup",
        ) from error
    return files


def _database(profile: Profile, path: Path) -> bytes:
    """Copy the database; where no hub runs, look first whether it is what the last one left."""
    lock = ProfileLock(profile.hub_lock_file)
    if lock.acquire():
        with lock:
            if why := why_damaged(path):
                raise NmrError(
                    "The hub's database is damaged", f"{path}: {why}. Keep your older backups", code="backup"
                )
            return copy_database(path)
    return copy_database(path)


def _site_of(image: bytes) -> str:
    from agent.wire.frame import read_body, take_apart

    (first, *_) = read_image(image, rows.KEPT, ("ledger",)) or [(None, None)]
    if not isinstance(first[1], bytes):
        raise NmrError("There is nothing to back up yet", "This hub has never been up", code="no-hub")
    return read_body(take_apart(first[1]).body)[0].site


def _store(files: dict[str, bytes]) -> int:
    ((version,),) = read_image(files[DATABASE], "PRAGMA user_version")
    assert isinstance(version, int)
    return version
