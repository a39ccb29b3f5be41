"""The ledger as it lies on this computer, a station's or a hub's: read beside the program that has it open."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import DecodeError, json

from agent.domain.errors import BadInput, NmrError
from agent.domain.heads import Fork
from agent.domain.keys import fingerprint
from agent.domain.messages import LedgerEntry
from agent.domain.names import HUB
from agent.routing import rows
from agent.station.last_seen import ID, KIND
from agent.system.credentials import load_credentials
from agent.system.paths import Profile
from agent.system.pin import Pin, load_pin
from agent.wire.frame import FrameRefused, read_body, take_apart
from agent.wire.ledger_file import Walked, Wrong, from_lines, to_lines, walk

CURES = {
    "fork": "Tell IT: the hub signed two histories. See docs/ledger.md, and do not trust new members",
    "rollback": "Entries are missing that this station has seen: tell IT, and start the agent, which asks for them",
    "other": "Do not use it: ask IT for the fingerprint of the hub and compare",
    "file": "Have it exported again: nmr ledger export FILE",
    "store": "Start the agent anew: it asks for what is missing. If it stays, ask IT for an invite and enrol again",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies here: frames of all entries from the first, the hub's newest head, pin and forks."""

    site: str
    frames: list[bytes]
    head: bytes
    pin: Pin | None
    forks: tuple[Fork, ...]
    seen: Mapping[str, int] = field(default_factory=dict)


def load(profile: Profile) -> Stored:
    """Read the ledger of a station, or of the hub where there is no station; raises NmrError."""
    found = load_credentials(profile.secrets_folder) if profile.secrets_folder.exists() else None
    if found is not None:
        kept = _kept(profile.data_file)
        frames = [found.genesis.encode(), *_entries(kept)]
        return Stored(
            found.site, frames, kept["head"].get(HUB, b""), load_pin(profile.secrets_folder), _forks(kept), _seen(kept)
        )
    hub = profile.hub_folder / "hub.sqlite3"
    if not hub.exists():
        raise NmrError("There is no list of members here", "Join a site first: nmr enrol INVITE", code="not-enrolled")
    kept = _kept(hub)
    frames = list(_entries(kept))
    return Stored(_site(frames), frames, b"", load_pin(profile.hub_folder), _forks(kept))


def check(stored: Stored) -> Walked:
    """Walk the chain that lies here, and compare it with the pin and the hub's head."""
    walked = walk(stored.site, stored.frames, stored.head)
    if walked.wrong is not None:
        return walked
    pin, fork = stored.pin, next((fork for fork in stored.forks if not fork.resolved), None)
    wrong = None
    if pin is not None and pin.seq > walked.ledger.seq:
        wrong = Wrong(pin.seq, "rollback", f"this station has seen {pin.seq} entries, here are {walked.ledger.seq}")
    elif pin is not None and walked.hashes.get(pin.seq, pin.hash) != pin.hash:
        wrong = Wrong(pin.seq, "fork", "this station has seen another entry there")
    elif fork is not None:
        wrong = Wrong(fork.seq, "fork", "the hub signed two entries with this number")
    return walked if wrong is None else Walked(walked.ledger, walked.hashes, walked.head, wrong)


def check_file(file: Path, stored: Stored | None) -> Walked:
    """Walk an exported chain; where we have one of our own it must be the same, as far as both go. Raises BadInput."""
    try:
        with file.open(encoding="ascii") as lines:
            site, frames, head = from_lines(lines)
    except OSError as error:
        raise BadInput("The file cannot be read", f"{file}: {error.strerror}", field="file") from error
    except ValueError as error:
        raise BadInput("The file cannot be read", f"{file}: {error}. {CURES['file']}", field="file") from error
    walked = walk(site, frames, head)
    if walked.wrong is not None or stored is None:
        return walked
    own = walk(stored.site, stored.frames)
    if stored.site != site or own.hashes.get(1) != walked.hashes.get(1):
        return Walked(walked.ledger, walked.hashes, walked.head, Wrong(1, "other", "it is the ledger of another hub"))
    for seq in sorted(own.hashes.keys() & walked.hashes.keys()):
        if own.hashes[seq] != walked.hashes[seq]:
            wrong = Wrong(seq, "fork", "this station has another entry there, signed by the same hub")
            return Walked(walked.ledger, walked.hashes, walked.head, wrong)
    return walked


def export(stored: Stored, file: Path) -> int:
    """Write a file that others can verify; returns the number of entries, raises NmrError."""
    walked = check(stored)
    if walked.wrong is not None:
        raise NmrError("The ledger here is not whole", f"Entry {walked.wrong.seq}: {walked.wrong.why}", code="ledger")
    try:
        with file.open("w", encoding="ascii", newline="\n") as out:
            out.writelines(to_lines(stored.site, stored.frames, stored.head))
    except OSError as error:
        raise BadInput("The file cannot be written", f"{file}: {error.strerror}", field="file") from error
    return walked.ledger.seq


def cure(wrong: Wrong, *, file: bool) -> str:
    """Return what to do about it."""
    return CURES.get(wrong.code) or CURES["file" if file else "store"]


def members(stored: Stored) -> list[dict[str, object]]:
    """Return [{station, person, roles, fingerprint, mail, since_ms, seen_ms, revoked}], the hub first."""
    walked = walk(stored.site, stored.frames)
    since = {entry.subject: at for entry, at in _said(stored.frames) if entry.op in ("genesis", "member.add")}
    return [
        {
            "station": member.station,
            "person": member.person,
            "roles": list(member.roles),
            "fingerprint": fingerprint(member.kid),
            "mail": member.mail,
            "since_ms": since.get(member.station),
            "seen_ms": stored.seen.get(member.station),
            "revoked": member.revoked,
        }
        for member in sorted(walked.ledger.members.values(), key=lambda it: (it.station != HUB, it.revoked, it.station))
    ]


def _said(frames: list[bytes]) -> Iterator[tuple[LedgerEntry, int]]:
    for frame in frames:
        try:
            envelope, entry = read_body(take_apart(frame).body)
        except FrameRefused:
            return
        if isinstance(entry, LedgerEntry):
            yield entry, envelope.at


def _kept(store: Path) -> dict[str, dict[str, bytes]]:
    """What is kept of the ledger, by kind and id; raises NmrError."""
    kinds: dict[str, dict[str, bytes]] = {"ledger": {}, "head": {}, "fork": {}, KIND: {}}
    if not store.exists():
        return kinds  # no agent has run here yet
    try:
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as db:
            return {kind: {id_: bytes(body) for id_, body in db.execute(rows.KEPT, (kind,))} for kind in kinds}
    except sqlite3.Error as error:
        raise NmrError("The database cannot be read", f"{error}. Look at: nmr doctor", code="store") from error


def _entries(kept: dict[str, dict[str, bytes]]) -> Iterator[bytes]:
    return (frame for _, frame in sorted(kept["ledger"].items()))


def _forks(kept: dict[str, dict[str, bytes]]) -> tuple[Fork, ...]:
    try:
        return tuple(json.decode(body, type=Fork) for body in kept["fork"].values())
    except DecodeError as error:
        raise NmrError("A fork that was kept cannot be read", "Tell IT, then us", code="store") from error


def _seen(kept: dict[str, dict[str, bytes]]) -> Mapping[str, int]:
    """When each was last heard of, as far as the agent has kept it."""
    try:
        return json.decode(kept[KIND].get(ID, b"{}"), type=dict[str, int])
    except DecodeError:
        return {}


def _site(frames: list[bytes]) -> str:
    try:
        return read_body(take_apart(frames[0]).body)[0].site
    except (FrameRefused, IndexError):
        return ""
