"""A hub with a mailbox and newcomers that reach nothing but mail servers, which are real."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agent.domain.ledger import Member
from agent.domain.names import HUB
from agent.hub.app import Running
from agent.hub.invites import Issued
from agent.links.mail.own import STATE
from agent.station.enrolment.by_mail import ByMail
from agent.station.enrolment.enrol import enrol
from agent.system.config.schema_links import MailLink
from agent.system.credentials import Credentials
from agent.system.mail_secret import MailSecret, save_mail_secret
from agent.system.paths import Profile
from agent.system.wrapping_key import load_key, make_key
from agent.wire.frame import take_apart
from tests.hub.scene import invited, running_hub
from tests.servers.mail import MailServers, mail_servers
from tests.servers.ports import free_port

NEWCOMERS = ("anna", "ben", "cleo", "dora", "emil", "finn", "gina", "hugo", "ida", "jan", "kim", "lea")
MAILBOXES = {name: f"password of {name}" for name in (HUB, *NEWCOMERS)}
SOON_S = 0.5
"""Between two letters that say the same; people wait longer."""


class Joining:
    """One site in `folder`; its hub's mailbox may have served other sites before, which this one's hub ignores."""

    def __init__(self, folder: Path, servers: MailServers) -> None:
        self.folder, self.servers, self.said = folder, servers, list[str]()
        self._founded = False

    def settings(self, name: str, **changes: Any) -> MailLink:
        """Somebody's mailbox."""
        at = {kind: f"127.0.0.1:{port}" for kind, port in self._ports()}
        whole = {"enabled": True, "address": self.servers.address(name), "ca_file": str(self.servers.ca), **at}
        return MailLink(**{**whole, **changes})

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Running]:
        """The hub, with its mailbox."""
        if not self._founded:
            async with running_hub(self.folder):
                pass
            self.keep(HUB, Profile.at(self.folder / HUB).hub_folder)
            self._founded = True
        async with running_hub(self.folder, mail=self.settings(HUB)) as running:
            yield running

    async def invite(self, hub: Running, name: str) -> str:
        """An invite file of a hub that cannot be reached at the addresses in it."""
        made = await invited(hub, name, "kitchen")
        card = made["invite"]["card"]
        card["url"], card["brokers"] = f"https://127.0.0.1:{free_port()}", [["127.0.0.1", free_port()]]
        return json.dumps(made["invite"])

    def profile(self, name: str) -> Profile:
        """A computer whose mailbox works; `nmr mail login` leaves that."""
        profile = Profile.at(self.folder / name)
        if load_key(profile.secrets_folder) is None:
            profile.create()
            self.keep(name, profile.secrets_folder)
        return profile

    def way(self, name: str, between: Iterable[float] = (), patience_s: float = 60.0) -> ByMail:
        """The way by mail, with letters in quick succession."""
        profile = self.profile(name)
        chosen = tuple(between) or None
        return ByMail(
            profile,
            self.settings(name),
            self.said.append,
            between=lambda: chosen or repeat(SOON_S),
            patience_s=patience_s,
        )

    async def join(self, name: str, invite: str, *, only_mail: bool = True, **how: Any) -> Credentials:
        """Enrol as the command does, beside the hub's loop."""
        way = self.way(name, **how)
        return await asyncio.to_thread(
            lambda: enrol(self.profile(name), invite, mail=way, only_mail=only_mail, wish=name)
        )

    def state_of(self, name: str) -> dict[str, Any]:
        """What a newcomer remembers of its mailbox."""
        found: dict[str, Any] = json.loads((self.profile(name).data_folder / STATE).read_text())
        return found

    def keep(self, name: str, folder: Path) -> None:
        """Let the mailbox be opened from this folder, as `nmr mail login` does."""
        secret = MailSecret(login=self.servers.address(name), kind="password", value=self.servers.passwords[name])
        save_mail_secret(folder, secret, load_key(folder) or make_key(folder, keyring=False))

    def _ports(self) -> list[tuple[str, int]]:
        return [("imap", self.servers.imap_port), ("smtp", self.servers.smtp_port)]


def added(hub: Running, name: str) -> Member:
    """A member, who was added once."""
    member = hub.engine.core.ledger.member(name)
    assert member is not None
    assert sum(b'"member.add"' in _text(frame) for frame in hub.engine.core.frames) == len(
        hub.engine.core.ledger.active()
    )
    return member


def _text(frame: bytes) -> bytes:
    return bytes(take_apart(frame).body)


def held_for(site: Joining, name: str) -> int:
    """How many mails to somebody wait to be delivered."""
    return sum(mail.recipients[0].startswith(f"{name}+") for mail in list(site.servers.front.held))


def lying(site: Joining, name: str) -> int:
    """How many mails lie in somebody's inbox."""
    return site.servers.mailbox(name).count()


def release_to(site: Joining, name: str) -> bool:
    """Deliver what is held for somebody; True, so that it can stand in a condition."""
    site.servers.front.release(lambda mail: mail.recipients[0].startswith(name))
    return True


def expire(issued: dict[str, Issued], id_: str) -> None:
    """Let an invite's time be over."""
    issued[id_] = replace(issued[id_], not_after=1)


@pytest.fixture(scope="module")
def servers() -> Iterator[MailServers]:
    with mail_servers(MAILBOXES) as running:
        yield running


@pytest.fixture
def site(servers: MailServers, tmp_path: Path) -> Iterator[Joining]:
    yield Joining(tmp_path, servers)
    servers.front.faults.clear()
    servers.front.held.clear()
    servers.front.taken.clear()
