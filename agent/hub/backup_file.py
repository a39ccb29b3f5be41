"""The form of a hub's backup: one file, sealed with a passphrase, that shows every change and every cut."""

# backup  = "NMRB" | format(1) | size of head(4) | head | SHA-256 of all before it(32) | chunk … chunk
# head    = JSON {"site", "made_ms" (UTC), "program" (its version), "store" (version of the database),
#                 "salt": B64U(16), "memory_kib", "rounds", "lanes", "check": B64U(8)}
# K       = Argon2id(passphrase in NFC as UTF-8, salt, memory_kib, rounds, lanes), 32 bytes
# check   = HMAC-SHA256(K, PAE("nmr1/backup-check", salt)), shortened: tells a wrong passphrase from a damaged file
# chunk   = ChaCha20-Poly1305(HKDF-SHA256(K, salt, info = PAE("nmr1/backup")), nonce = number(11) | last(1: 0 or 1),
#                             1 MiB of the content, the last one what is left of it, aad = the SHA-256 above)
# content = size of list(4) | list | the files' bytes one after the other
# list    = JSON [{"name", "size", "sha256"}]
#
# Numbers are big-endian. The key is good for one file: its salt is new each time.

import hmac
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from msgspec import DecodeError, Struct, json
from msgspec.structs import replace

from agent.domain.errors import BadInput, NmrError
from agent.domain.keys import from_b64u, pae, to_b64u

FORMAT = 1
SHORTEST_PASSPHRASE = 12

_MAGIC = b"NMRB"
_HEAD_AT = len(_MAGIC) + 1 + 4
_SUM, _TAG, _KEY, _SALT, _CHECK = 32, 16, 32, 16, 8
_CHUNK = 1 << 20
_LARGEST_HEAD = 4096
_MEMORY_KIB, _ROUNDS, _LANES = 64 * 1024, 3, 4
_MOST_MEMORY_KIB, _MOST_ROUNDS, _MOST_LANES = 1 << 20, 16, 16


class BackupDamaged(NmrError):
    """The file is no backup, or not the one that was written."""

    default_code = "backup-damaged"


class BackupUnknown(NmrError):
    """The file is of a form that this version cannot read."""

    default_code = "backup-format"


class Head(Struct, frozen=True, kw_only=True):
    """What anybody can read of a backup; times are ms UTC."""

    site: str
    made_ms: int
    program: str
    store: int
    salt: str = ""
    memory_kib: int = _MEMORY_KIB
    rounds: int = _ROUNDS
    lanes: int = _LANES
    check: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """An open one: its head, and its files by name, which are in no traceback."""

    head: Head
    files: dict[str, bytes] = field(repr=False)


class _File(Struct, frozen=True):
    name: str
    size: int
    sha256: str


def check_passphrase(passphrase: str) -> str:
    """Return it; raises BadInput for one that can be guessed."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise BadInput(
            "The passphrase is too short",
            f"Whoever guesses it has all keys of the site: take {SHORTEST_PASSPHRASE} characters or more",
            field="passphrase",
        )
    return passphrase


def seal_backup(head: Head, files: Mapping[str, bytes], passphrase: str) -> bytes:
    """Return the file that holds `files`, by name; what `head` says of salt, check and costs is set here."""
    salt = secrets.token_bytes(_SALT)
    head = replace(head, salt=to_b64u(salt), memory_kib=_MEMORY_KIB, rounds=_ROUNDS, lanes=_LANES, check="")
    master = _stretched(passphrase, head)
    written = json.encode(replace(head, check=to_b64u(_check(master, salt))))
    front = _MAGIC + bytes([FORMAT]) + len(written).to_bytes(4) + written
    seal = sha256(front).digest()
    return front + seal + b"".join(_sealed(_content(files), _key(master, salt), seal))


def read_head(data: bytes) -> Head:
    """Return what can be read without the passphrase; raises BackupUnknown, BackupDamaged."""
    return _taken_apart(data)[0]


def open_backup(data: bytes, passphrase: str) -> Backup:
    """Return everything in the file; raises BadInput (passphrase), BackupUnknown, BackupDamaged."""
    head, seal, start = _taken_apart(data)
    salt = from_b64u(head.salt)
    master = _stretched(passphrase, head)
    if not hmac.compare_digest(_check(master, salt), from_b64u(head.check)):
        raise BadInput("The passphrase is wrong", "Nothing was changed. Type it again", field="passphrase")
    return Backup(head, _files(b"".join(_opened(data[start:], _key(master, salt), seal))))


def _taken_apart(data: bytes) -> tuple[Head, bytes, int]:
    """Return head, the sum over it, and where the chunks begin."""
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _HEAD_AT:
        raise BackupDamaged("This is no backup of a hub", "Take a file that was written by: nmr hub backup")
    _refuse_other_format(data[len(_MAGIC)])
    end = _HEAD_AT + min(int.from_bytes(data[_HEAD_AT - 4 : _HEAD_AT]), _LARGEST_HEAD)
    seal = sha256(data[:end]).digest()
    if data[end : end + _SUM] != seal:
        raise _damaged()
    try:
        head = json.decode(data[_HEAD_AT:end], type=Head)
        from_b64u(head.salt), from_b64u(head.check)
    except (DecodeError, ValueError) as error:
        raise _damaged() from error
    if not _is_affordable(head):
        raise _damaged()
    return head, seal, end + _SUM


def _is_affordable(head: Head) -> bool:
    """Whether the passphrase can be tried at a cost that is no attack on this computer."""
    lanes, rounds = 0 < head.lanes <= _MOST_LANES, 0 < head.rounds <= _MOST_ROUNDS
    return lanes and rounds and 8 * head.lanes <= head.memory_kib <= _MOST_MEMORY_KIB


def _refuse_other_format(found: int) -> None:
    if found < FORMAT:
        raise BackupUnknown(
            "The backup is of an older form",
            f"It has form {found}, this version reads form {FORMAT}. Restore it with the version that wrote it",
        )
    if found > FORMAT:
        raise BackupUnknown(
            "The backup is of a newer form",
            f"It has form {found}, this version reads form {FORMAT}. Install the version that wrote it",
        )


def _stretched(passphrase: str, head: Head) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    stretch = Argon2id(
        salt=from_b64u(head.salt), length=_KEY, iterations=head.rounds, lanes=head.lanes, memory_cost=head.memory_kib
    )
    return stretch.derive(unicodedata.normalize("NFC", passphrase).encode())


def _check(master: bytes, salt: bytes) -> bytes:
    return hmac.digest(master, pae("nmr1/backup-check", salt), "sha256")[:_CHECK]


def _key(master: bytes, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), _KEY, salt, pae("nmr1/backup")).derive(master)


def _content(files: Mapping[str, bytes]) -> bytes:
    listed = json.encode([_File(name, len(data), sha256(data).hexdigest()) for name, data in files.items()])
    return len(listed).to_bytes(4) + listed + b"".join(files.values())


def _sealed(content: bytes, key: bytes, seal: bytes) -> Iterator[bytes]:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher = ChaCha20Poly1305(key)
    starts = range(0, len(content), _CHUNK)
    for number, start in enumerate(starts):
        yield cipher.encrypt(_nonce(number, last=number == len(starts) - 1), content[start : start + _CHUNK], seal)


def _opened(data: bytes, key: bytes, seal: bytes) -> Iterator[bytes]:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher = ChaCha20Poly1305(key)
    starts = range(0, len(data), _CHUNK + _TAG)
    if not starts:
        raise _damaged()
    try:
        for number, start in enumerate(starts):
            last = number == len(starts) - 1
            yield cipher.decrypt(_nonce(number, last=last), data[start : start + _CHUNK + _TAG], seal)
    except InvalidTag:
        raise _damaged() from None


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _files(content: bytes) -> dict[str, bytes]:
    start = 4 + int.from_bytes(content[:4])
    try:
        listed = json.decode(content[4:start], type=list[_File])
    except DecodeError as error:
        raise _damaged() from error
    files: dict[str, bytes] = {}
    for one in listed:
        files[one.name] = data = content[start : start + one.size]
        start += one.size
        if sha256(data).hexdigest() != one.sha256:
            raise _damaged()
    return files


def _damaged() -> BackupDamaged:
    return BackupDamaged(
        "The backup is damaged", "Bytes changed or are missing. Nothing was changed; take another copy"
    )
