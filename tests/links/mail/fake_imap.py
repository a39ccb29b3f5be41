"""A server as a mailbox is read from, with the troubles of servers, and the mails in it."""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from agent.links.mail.connection import ImapError
from agent.links.mail.folders import OURS, PROCESSED, REFUSED
from agent.links.mail.letter import write_letter
from agent.links.mail.mailbox import Mailbox
from agent.links.mail.pack import seal_pack
from agent.links.mail.settings import MailSettings, with_detail
from agent.links.mail.state import State
from agent.wire.keys import Identity

ME = Identity.new("site", "bert")
ADDRESS = "bert@mail.test"
NOW = 1_800_000_000.0
PUT_AWAY, ASIDE = f"{OURS}/{PROCESSED}", f"{OURS}/{REFUSED}"


def ours(*containers: bytes, to: str = with_detail(ADDRESS, ME.kid)) -> bytes:
    pack = seal_pack(containers, ME.site, ME.kid, ME.receive)
    return write_letter(pack, "anna@mail.test", to, random_hex="0" * 32, at_s=NOW)


class FakeImap:
    """Folders of mails by UID; does what a server with these capabilities does, and writes down each change."""

    def __init__(self, *capabilities: str, separator: str = "/", prefix: str = "") -> None:
        self.capabilities, self.separator, self.prefix = capabilities, separator, prefix
        self.folders: dict[str, dict[int, bytes]] = {"INBOX": {}}
        self.flags: dict[int, set[bytes]] = {}
        self.validity, self.next, self.selected = 1, 1, "INBOX"
        self.deeds: list[str] = []
        self.sizes: dict[int, int] = {}
        self.shut: set[str] = set()
        self.damaged: set[tuple[int, str]] = set()
        self.most_at_once = self.longest_head = 0

    def put(self, mail: bytes, folder: str = "INBOX") -> int:
        uid, self.next = self.next, self.next + 1
        self.folders.setdefault(folder, {})[uid] = mail
        return uid

    def has_capability(self, name: str) -> bool:
        return name in self.capabilities

    def namespace(self) -> Any:
        class Namespace:
            personal = ((self.prefix, self.separator),)

        return Namespace

    def list_folders(self, directory: str, pattern: str) -> list[tuple[Any, bytes, str]]:
        return [((), self.separator.encode(), "")]

    def folder_exists(self, name: str) -> bool:
        return name in self.folders

    def create_folder(self, name: str) -> None:
        self.deeds.append(f"create {name}")
        self.folders[name] = {}

    def select_folder(self, name: str) -> dict[bytes, int]:
        if name in self.shut or name not in self.folders:
            raise ImapError("select failed: for bert@mail.test")
        self.selected = name
        return {b"UIDVALIDITY": self.validity, b"UIDNEXT": self.next}

    def search(self, criteria: list[Any]) -> list[int]:
        uids = sorted(self.folders[self.selected])
        if criteria[0] == "BEFORE":
            assert isinstance(criteria[1], date)
            return uids
        first = int(criteria[1].partition(":")[0])
        return [uid for uid in uids if uid >= first] or uids[-1:]  # as `n:*` is understood

    def fetch(self, uids: Iterable[int], what: list[str]) -> dict[int, dict[bytes, Any]]:
        uids, there = list(uids), self.folders[self.selected]
        self.most_at_once = max(self.most_at_once, len(uids))
        if self.damaged.intersection((uid, what[-1]) for uid in uids):
            raise ImapError("a mail could not be shown")
        if what == ["BODY.PEEK[]"]:
            return {uid: {b"BODY[]": there[uid]} for uid in uids if uid in there}
        partial = re.search(r"<0\.(\d+)>$", what[-1])
        most = int(partial[1]) if partial else None
        heads = {uid: there[uid].partition(b"\r\n\r\n")[0][:most] for uid in uids if uid in there}
        self.longest_head = max([self.longest_head, *map(len, heads.values())])
        return {
            uid: {b"RFC822.SIZE": self.sizes.get(uid, len(there[uid])), b"BODY[HEADER.FIELDS (TO)]": head}
            for uid, head in heads.items()
        }

    def add_flags(self, uids: list[int], flags: list[bytes], *, silent: bool) -> None:
        for uid in uids:
            self.flags.setdefault(uid, set()).update(flags)

    def move(self, uids: list[int], folder: str) -> None:
        if folder not in self.folders:
            raise ImapError("[TRYCREATE] no such folder")
        self.deeds.append("move")
        for uid in uids:
            self.folders[folder][uid] = self.folders[self.selected].pop(uid)

    def copy(self, uids: list[int], folder: str) -> None:
        self.deeds.append("copy")
        self.folders[folder].update({uid: self.folders[self.selected][uid] for uid in uids})

    def uid_expunge(self, uids: list[int]) -> None:
        self.deeds.append("expunge")
        for uid in uids:
            assert rb"\Deleted" in self.flags[uid]
            del self.folders[self.selected][uid]


def opened(imap: FakeImap, folder: Path, /, **changes: Any) -> tuple[Mailbox, State]:
    settings = MailSettings(ME, ADDRESS, ("h", 993), ("h", 465), **changes)
    state = State.load(folder / "state", settings.mailbox)
    box = Mailbox(imap, settings, state, clock=lambda: NOW)
    box.open()
    return box, state


def read(box: Mailbox) -> list[list[bytes]]:
    return [letter.containers for letter in box.letters()]


def taken(box: Mailbox) -> list[list[bytes]]:
    letters = list(box.letters())
    box.accept(letter.uid for letter in letters)
    box.put_away()
    return [letter.containers for letter in letters]


BAD = {
    "letter": ours(b"x").replace(b"Version: 1", b"Version: 9"),
    "not-mine": write_letter(
        seal_pack([b"x"], "site", bytes(16), ME.receive), "a@b", with_detail(ADDRESS, ME.kid), random_hex="0", at_s=0
    ),
    "seal": write_letter(
        seal_pack([b"x"], "elsewhere", ME.kid, ME.receive), "a@b", with_detail(ADDRESS, ME.kid), random_hex="0", at_s=0
    ),
    "size": write_letter(b"NMRM", "a@b", with_detail(ADDRESS, ME.kid), random_hex="0", at_s=0),
}


def refuses(*_: object) -> None:
    raise ImapError("[OVERQUOTA] <bert@mail.test> is full")
