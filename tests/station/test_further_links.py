"""What the station makes of its further links."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.domain.events import Event, LinkChanged
from agent.links.mail import configured, own
from agent.links.mail.own import OwnMailLink
from agent.station.further_links import make_mail
from agent.system.config.schema_links import MailLink
from agent.system.paths import Profile
from agent.wire.keys import Identity

ME = Identity.new("corner-cafe", "desk")


BUSY = "nothing can be sent: busy"


def made(folder: Path, ways: list[str], told: list[Event]) -> OwnMailLink:
    router, nobody = cast("Any", SimpleNamespace(ways_changed=ways.append)), cast("Any", lambda: None)
    link = make_mail(
        MailLink(enabled=True), ME, Profile.at(folder), cast("Any", None), lambda: router, nobody, told.append
    )
    assert isinstance(link, OwnMailLink)
    return link


class BusyLink:
    """A mailbox that opens and cannot be sent from."""

    def __init__(self, *_: object, changed: Callable[[], None], **__: object) -> None:
        self.trouble, self._changed = "", changed

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[None]:
        self.trouble = BUSY
        self._changed()
        yield


def test_people_see_why_nothing_can_be_sent_while_the_mailbox_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, ways = list[Event](), list[str]()
    link = made(tmp_path, ways, told)
    for trouble in ("", BUSY, BUSY, ""):
        monkeypatch.setattr(OwnMailLink, "trouble", trouble)
        link._changed()
    assert ways == ["mail"] * 4
    assert told == [LinkChanged("mail", "up", BUSY), LinkChanged("mail", "up", "")]


def test_the_same_trouble_is_told_again_after_the_mailbox_was_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the link came up with said that there is none."""
    monkeypatch.setattr(configured, "configured", lambda *_: (None, None))
    monkeypatch.setattr(own, "MailLink", BusyLink)

    async def twice() -> list[Event]:
        told = list[Event]()
        link = made(tmp_path, [], told)
        for _ in range(2):
            async with link.connect():
                pass
        return told

    assert asyncio.run(twice()) == [LinkChanged("mail", "up", BUSY)] * 2
