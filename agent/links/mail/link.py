"""The mail link: up while the mail server lets us into our mailbox."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from agent.links.mail.account import Account, Token
from agent.links.mail.session import AddressOf, MailSession
from agent.links.mail.settings import MailSettings
from agent.system.memory import give_back

_tidy = False


class MailLink:
    """One station's way over mailboxes.

    `address_of` says where a station reads its mail, None if that is not known; `stations` are all there are.
    `changed` is called, in the loop, when ways were won or lost, or `trouble` is another. `state_file` remembers how
    far the mailbox is read; its folder must exist. With `token` we log in by OAuth (XOAUTH2).
    """

    name = "mail"

    def __init__(
        self,
        settings: MailSettings,
        *,
        address_of: AddressOf,
        stations: Callable[[], Iterable[str]],
        changed: Callable[[], None] = lambda: None,
        state_file: Path,
        token: Token | None = None,
    ) -> None:
        self._settings, self._token = settings, token
        self._address_of, self._stations, self._changed = address_of, stations, changed
        self._state_file = state_file
        self._account: Account | None = None
        self._session: MailSession | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[MailSession]:
        """Log in and select the folder; raises LinkDown or LinkRefused."""
        if self._account is None:
            self._account = Account(self._settings, self._token)
        session = MailSession(
            self._settings, self._account, self._address_of, self._stations, self._changed, self._state_file
        )
        try:
            await session.begin()
            _tidy_up_once()
            self._session = session
            yield session
        finally:
            self._session = None
            await session.leave()

    @property
    def trouble(self) -> str:
        """Why nothing can be sent while the mailbox is open, for people; empty if there is no trouble."""
        return self._session.trouble if self._session is not None else ""

    def expect(self, seconds: float) -> None:
        """Look into the mailbox more often for so long, if it is open."""
        if self._session is not None:
            self._session.expect(seconds)

    def look(self) -> None:
        """Members came, went or moved: tell if that has changed the ways."""
        if self._session is not None:
            self._session.look()


def _tidy_up_once() -> None:
    """Loading the library for IMAP leaves two thirds of what it took behind as holes."""
    global _tidy
    if not _tidy:
        _tidy = True
        give_back()
