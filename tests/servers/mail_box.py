"""A mailbox as its server keeps it, byte by byte: Maildir files, read and written without the server."""

import hashlib
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

_FOLDERS = ("cur", "new")


@dataclass(frozen=True, slots=True)
class Stored:
    """One mail in a mailbox: its file's fixed name, its flags as Maildir letters (`S` seen, `T` deleted …)."""

    key: str
    flags: str
    content: bytes


class Mailbox:
    """The mailbox whose Maildir is `root`; `owner` is the uid and gid its files must have, None for ours."""

    def __init__(self, root: Path, owner: tuple[int, int] | None = None) -> None:
        self.root, self._owner = root, owner

    def folders(self) -> list[str]:
        """The names of its folders, with slashes; INBOX is always there."""
        others = [path.name[1:].replace(".", "/") for path in self.root.glob(".*") if (path / "cur").is_dir()]
        return ["INBOX", *sorted(others)]

    def stored(self, folder: str = "INBOX") -> dict[str, Stored]:
        """The mails of a folder by key, oldest first."""
        place, found = self._place(folder), list[Stored]()
        for path in [path for name in _FOLDERS for path in (place / name).glob("*")]:
            key, _, rest = path.name.partition(":2,")
            try:
                found.append(Stored(key.partition(",")[0], rest, path.read_bytes()))
            except FileNotFoundError:
                continue  # the server moved it meanwhile; the next look finds it
        return {mail.key: mail for mail in sorted(found, key=lambda mail: mail.key)}

    def count(self, folder: str = "INBOX") -> int:
        """How many mails a folder has."""
        return sum(len(list((self._place(folder) / name).glob("*"))) for name in _FOLDERS)

    def put(self, content: bytes, flags: str = "", folder: str = "INBOX", key: str = "") -> str:
        """Put a mail there as delivery does, in one step; returns its key."""
        place = self._made(folder)
        key = key or f"{1700000000 + random.randrange(10**7)}.{os.urandom(6).hex()}.tests"
        begun = place / "tmp" / key
        begun.write_bytes(content)
        self._give(begun)
        begun.rename(place / "cur" / f"{key}:2,{flags}" if flags else place / "new" / key)
        return key

    def fill(self, count: int, seed: int = 6) -> dict[str, Stored]:
        """Put so many mails of people into the INBOX, read and unread, answered and flagged; what now lies there."""
        chance = random.Random(seed)
        for number in range(count):
            flags = "".join(letter for letter in "FRS" if chance.random() < 0.5)
            self.put(_letter(number, chance), flags, key=f"{1600000000 + number}.{seed}_{number}.people")
        return self.stored()

    def forget_uids(self, folder: str = "INBOX") -> None:
        """Throw the server's numbering away, as a restored backup does: it gives new UIDs and a new UIDVALIDITY."""
        for path in self._place(folder).glob("dovecot*"):
            if path.is_file():
                path.unlink(missing_ok=True)

    def _place(self, folder: str) -> Path:
        return self.root if folder == "INBOX" else self.root / f".{folder.replace('/', '.')}"

    def _made(self, folder: str) -> Path:
        place = self._place(folder)
        for path in (self.root.parent, self.root, place, *(place / name for name in (*_FOLDERS, "tmp"))):
            if not path.exists():
                path.mkdir(mode=0o700, parents=True)
                self._give(path)
        return place

    def _give(self, path: Path) -> None:
        if self._owner is not None:
            shutil.chown(path, *self._owner)


def _letter(number: int, chance: random.Random) -> bytes:
    """A mail as people write them: several kinds, some with letters outside ASCII, some large, some encrypted."""
    kinds = (
        "text/plain; charset=utf-8",
        "text/html; charset=iso-8859-1",
        'multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"',
        'multipart/mixed; boundary="b"',
    )
    digest = hashlib.sha256(f"{number}".encode()).hexdigest()
    lines = "\r\n".join(digest for _ in range(chance.choice((1, 10, 500))))
    return (
        f"From: Person {number} <p{number}@people.test>\r\nTo: somebody@mail.test\r\nSubject: Grüße {number}\r\n"
        f"Message-ID: <{digest}@people.test>\r\nMIME-Version: 1.0\r\nContent-Type: {kinds[number % len(kinds)]}\r\n"
        f"\r\n--b\r\n\r\n{lines}\r\n--b--\r\n"
    ).encode()
