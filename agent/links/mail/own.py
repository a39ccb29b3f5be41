"""The mail link of this station or hub: its mailbox is opened when it connects, the others' stand in the ledger."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from agent.domain.errors import NmrError
from agent.domain.ledger import Ledger
from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.link import MailLink
from agent.links.mail.session import MailSession
from agent.links.mail.settings import Recipient
from agent.system.beside import beside
from agent.system.config.schema_links import MailLink as Settings
from agent.wire.keys import Identity

STATE = "mailbox.json"


class OwnMailLink:
    """Made from settings alone; what is wrong with mailbox or password is told as this link's trouble.

    `secrets_folder` holds the password or tokens, `data_folder` what is known of the mailbox. `changed` see MailLink.
    `troubled` hears why nothing can be sent while the mailbox is open, and "" when that is over.
    `also` says where somebody takes mail of whom the ledger does not say it, or not yet.
    """

    name = "mail"

    def __init__(
        self,
        settings: Settings,
        me: Identity,
        *,
        secrets_folder: Path,
        data_folder: Path,
        ledger: Callable[[], Ledger],
        changed: Callable[[], None],
        troubled: Callable[[str], None],
        also: Callable[[str], Recipient | None] = lambda _: None,
    ) -> None:
        self._settings, self._me = settings, me
        self._secrets_folder, self._state_file = secrets_folder, data_folder / STATE
        self._ledger, self._ways_changed, self._also = ledger, changed, also
        self._troubled, self._told = troubled, ""
        self._open: MailLink | None = None
        self._session: MailSession | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[MailSession]:
        """Open the mailbox; raises LinkDown or LinkRefused."""
        from agent.links.mail.configured import configured

        try:
            settings, token = await beside(lambda: configured(self._settings, self._secrets_folder, self._me))
        except NmrError as error:
            raise LinkRefused(f"{error.title}: {error.message}") from error
        self._told = ""  # a link that comes up is in no trouble yet
        self._open = MailLink(
            settings,
            address_of=self._recipient,
            stations=self._others,
            changed=self._changed,
            state_file=self._state_file,
            token=token,
        )
        async with self._open.connect() as session:
            self._session = session
            try:
                yield session
            finally:
                self._session = None

    async def send(self, to: str, sealed: bytes) -> None:
        """Send to somebody `also` knows, beside the router; raises LinkDown."""
        if self._session is None:
            raise LinkDown("the mailbox is not open")
        await self._session.send(to, sealed)

    @property
    def trouble(self) -> str:
        """Why nothing can be sent while the mailbox is open, for people; empty if there is no trouble."""
        return self._open.trouble if self._open is not None else ""

    def expect(self, seconds: float) -> None:
        """Look into the mailbox more often for so long, if it is open."""
        if self._open is not None:
            self._open.expect(seconds)

    def look(self) -> None:
        """The ledger has grown: tell if that has changed the ways."""
        if self._open is not None:
            self._open.look()

    def _changed(self) -> None:
        self._ways_changed()
        if self.trouble != self._told:
            self._told = self.trouble
            self._troubled(self._told)

    def _others(self) -> list[str]:
        """The members, the hub among them, that can be sent mail."""
        others = (name for name in self._ledger().members if name != self._me.station)
        return [name for name in others if self._recipient(name) is not None]

    def _recipient(self, station: str) -> Recipient | None:
        return recipient_of(self._ledger(), station) or self._also(station)


def recipient_of(ledger: Ledger, station: str) -> Recipient | None:
    """Where an active member takes mail; None if it does not."""
    member = ledger.member(station)
    if member is None or not member.mail:
        return None
    return Recipient(member.mail, member.kid, member.receive, member.plus)
