"""What the station makes of its further links."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.domain.events import Event, LinkChanged
from agent.links.mail.own import OwnMailLink
from agent.station.further_links import make_mail
from agent.system.config.schema_links import MailLink
from agent.system.paths import Profile
from agent.wire.keys import Identity

ME = Identity.new("corner-cafe", "desk")


def test_people_see_why_nothing_can_be_sent_while_the_mailbox_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, ways = list[Event](), list[str]()
    router = cast("Any", SimpleNamespace(ways_changed=ways.append))
    nobody = cast("Any", lambda: None)
    link = make_mail(
        MailLink(enabled=True), ME, Profile.at(tmp_path), cast("Any", None), lambda: router, nobody, told.append
    )
    assert isinstance(link, OwnMailLink)
    for trouble in ("", "nothing can be sent: busy", "nothing can be sent: busy", ""):
        monkeypatch.setattr(OwnMailLink, "trouble", trouble)
        link._changed()
    assert ways == ["mail"] * 4
    assert told == [LinkChanged("mail", "up", "nothing can be sent: busy"), LinkChanged("mail", "up", "")]
