"""Two stations with a mailbox each that no test has used before, on real servers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from agent.links.base import Link
from agent.links.mail.folders import OURS, PROCESSED, REFUSED
from agent.links.mail.link import MailLink
from agent.links.mail.session import MailSession
from agent.links.mail.settings import MailSettings, Recipient
from agent.wire.keys import Identity
from tests.links.taking import take
from tests.servers.mail import MailServers
from tests.servers.mail_box import Mailbox, Stored

PUT_AWAY, ASIDE = f"{OURS}/{PROCESSED}", f"{OURS}/{REFUSED}"
SITE = "quiet-harbour"

CROWD = 300
PASSWORDS = {f"{kind}{number}": f"password of {kind}{number}" for number in range(CROWD) for kind in "ab"}
"""All mailboxes there are: Dovecot takes a second to hear of another one."""

_numbers: Iterator[int] = count()


class MailScene:
    """Stations `a` and `b`; `dovecot` and the front may be killed, and mend brings both back."""

    def __init__(self, servers: MailServers, folder: Path) -> None:
        self.servers, self.folder, self.faults = servers, folder, servers.front.faults
        number = next(_numbers)
        self.a, self.b = f"a{number}", f"b{number}"
        self.ids = {name: Identity.new(SITE, name) for name in (self.a, self.b)}
        self.addresses = {name: servers.address(name) for name in self.ids}
        self.told = 0

    def settings(self, station: str, **changes: Any) -> MailSettings:
        """One station's mailbox, but for the changes."""
        known = MailSettings(
            me=self.ids[station],
            address=self.servers.address(station),
            imap=("localhost", self.servers.imap_port),
            smtp=("localhost", self.servers.smtp_port),
            password=self.servers.passwords[station],
            ca_pem=self.servers.ca.read_bytes(),
        )
        return replace(known, **changes)

    def pace(self, station: str, **seconds: float) -> MailSettings:
        """The same with other waits."""
        settings = self.settings(station)
        return replace(settings, pace=replace(settings.pace, **seconds))

    def of(self, settings: MailSettings, *, token: Callable[[], str] | None = None) -> MailLink:
        """The link with these settings."""
        return MailLink(
            settings,
            address_of=self.address_of,
            stations=lambda: list(self.addresses),
            changed=self._changed,
            state_file=self.folder / f"{settings.me.station}.json",
            token=token,
        )

    def address_of(self, station: str) -> Recipient | None:
        """What the ledger says."""
        me = self.ids.get(station)
        return Recipient(self.addresses[station], me.kid, me.receive) if me else None

    def link(self, station: str) -> MailLink:
        return self.of(self.settings(station))

    def stranger(self, station: str) -> Link:
        return self.of(self.settings(station, password="wrong"))

    def cut(self) -> None:
        self.servers.front.stop()
        self.servers.kill_dovecot()

    def mend(self) -> None:
        self.servers.start_dovecot()
        self.servers.front.start()

    @asynccontextmanager
    async def both(self) -> AsyncIterator[tuple[MailSession, MailSession]]:
        """The sessions of both."""
        async with self.link(self.a).connect() as a, self.link(self.b).connect() as b:
            yield a, b

    def box(self, station: str) -> Mailbox:
        """What lies in a station's mailbox, as files."""
        return self.servers.mailbox(station)

    def _changed(self) -> None:
        self.told += 1


async def pass_on(a: MailSession, b: MailSession, to: str, *messages: bytes) -> None:
    """Send messages one after the other, each of which arrives and is accepted."""
    stream = b.received()
    for message in messages:
        await a.send(to, message)
        delivery = await take(stream)
        assert delivery.sealed == message
        delivery.accept()


async def send_all(session: MailSession, to: str, messages: list[bytes]) -> list[BaseException | None]:
    """Send all of them at once; what each came to."""
    return list(await asyncio.gather(*(session.send(to, message) for message in messages), return_exceptions=True))


def prints(stored: dict[str, Stored]) -> dict[str, tuple[str, str]]:
    """Flags and content of each mail, short enough to be compared by eyes."""
    return {key: (mail.flags, hashlib.sha256(mail.content).hexdigest()[:12]) for key, mail in stored.items()}
