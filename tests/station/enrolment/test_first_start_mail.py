"""The first start of an agent whose computer reaches nothing but a mailbox: it joins by mail, as soon as it can."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import cast

import pytest

from agent.domain.errors import NotAllowed, Unavailable
from agent.station import run
from agent.station.enrolment import by_mail as enrol_mail
from agent.station.enrolment import enrol as enrolling
from agent.station.enrolment import first_start
from agent.station.enrolment.by_mail import ByMail
from agent.station.enrolment.enrol import enrolment_unfinished
from agent.station.enrolment.first_start import broken_off, join
from agent.station.surface import Surface
from agent.system import credentials
from agent.system.credentials import Credentials, load_credentials
from agent.system.deployment import FILE
from agent.system.mail_secret import forget_mail_secret
from agent.wire.invite import read_invite
from tests.station.enrolment.mail_joining import MAILBOXES, Joining, added, expire, servers, site

__all__ = ["servers", "site"]

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]


class Computer:
    """A computer on which IT left an invite and a mailbox; `told` is what its user reads."""

    def __init__(self, site: Joining, name: str, invite: str) -> None:
        self.profile, self.told = site.profile(name), list[str]()
        self.file = site.folder / f"{name}.invite"
        self.file.write_text(invite)
        self.profile.machine_folder.mkdir(parents=True)
        (self.profile.machine_folder / FILE).write_text(f"invite = '{self.file}'\n")
        box = site.settings(name)
        lines = [f"{key} = '{getattr(box, key)}'" for key in ("address", "imap", "smtp", "ca_file")]
        self.profile.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.profile.config_file.write_text("\n".join(["[link.mail]", "enabled = true", *lines, ""]))

    async def tell(self, *said: str) -> None:
        self.told.append(said[-2])

    async def starts(self, pauses: Iterator[float] | None = None) -> Credentials | None:
        return await join(self.profile, self.tell, pauses)


def then(*deeds: Callable[[], object]) -> Iterator[float]:
    """Pauses in which these are done, one in each."""
    for deed in deeds:
        deed()
        yield 0.0
    yield from repeat(0.0)


def test_where_only_mail_gets_through_the_invite_it_left_goes_by_mail(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            anna = Computer(site, "anna", await site.invite(hub, "anna"))
            got = await anna.starts()
            assert got == load_credentials(anna.profile.secrets_folder)
            assert added(hub, "anna").mail == site.servers.address("anna")
            assert anna.told == []

    asyncio.run(walk())


def test_who_has_no_password_for_the_mailbox_yet_waits_for_it_or_the_network(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            ben = Computer(site, "ben", await site.invite(hub, "ben"))
            forget_mail_secret(ben.profile.secrets_folder)
            assert await ben.starts(then(bool, lambda: site.keep("ben", ben.profile.secrets_folder))) is not None
            assert ben.told == ["The hub cannot be reached"]
            added(hub, "ben")

    asyncio.run(walk())


def test_a_silent_hub_and_a_closed_mailbox_are_told_once_and_tried_again(
    site: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_start, "BY_MAIL_S", 1.0)
    monkeypatch.setattr(enrol_mail, "pauses", lambda: repeat(0.5))

    async def walk() -> None:
        async with site.hub() as hub:
            cleo = Computer(site, "cleo", await site.invite(hub, "cleo"))
        site.servers.set_password("cleo", "another")
        right = lambda: site.servers.set_password("cleo", MAILBOXES["cleo"])  # noqa: E731 - two words
        with pytest.raises(Unavailable) as silent:
            await join(cleo.profile, cleo.tell, (deed() or 0.0 for deed in (bool, right, bool)))
        assert silent.value.code == "first-start"
        assert cleo.told == ["The mailbox does not let us in"]
        monkeypatch.setattr(first_start, "BY_MAIL_S", 60.0)
        async with site.hub() as hub:
            assert await cleo.starts() is not None
            added(hub, "cleo")

    asyncio.run(walk())


def test_what_the_hub_refuses_by_mail_ends_the_first_start(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            invite = await site.invite(hub, "dora")
            await site.join("dora", invite)
            with pytest.raises(NotAllowed) as refused:
                await Computer(site, "emil", invite).starts()
            assert refused.value.code in ("invite-used", "invite-claimed")

    asyncio.run(walk())


def crash(*_: object, **__: object) -> None:
    raise Unavailable("Switched off", code="crash")


@pytest.mark.parametrize("weak", [False, True])
def test_an_agent_that_was_ended_before_the_hub_knew_tells_it_after_its_next_start(
    site: Joining, monkeypatch: pytest.MonkeyPatch, *, weak: bool
) -> None:
    if weak:
        monkeypatch.setattr(credentials, "is_pending", lambda _: False)

    async def walk() -> None:
        async with site.hub() as hub:
            finn = Computer(site, "finn", await site.invite(hub, "finn"))
            with monkeypatch.context() as broken:
                broken.setattr(ByMail, "confirm", crash)
                with pytest.raises(Unavailable):
                    await finn.starts(iter([0.0]))
            had = load_credentials(finn.profile.secrets_folder)
            assert had is not None
            assert hub.engine.core.ledger.active() == []
            await run._finish(finn.profile, cast("Surface", finn))
            assert (hub.engine.core.ledger.member("finn") is None) == weak
            assert enrolment_unfinished(finn.profile) == weak
            assert load_credentials(finn.profile.secrets_folder) == had

    asyncio.run(walk())


@pytest.mark.parametrize("member", [True, False])
def test_after_the_invites_time_only_who_is_a_member_hears_that_all_is_well(
    site: Joining, monkeypatch: pytest.MonkeyPatch, *, member: bool
) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            invite = await site.invite(hub, "hugo")
            hugo = Computer(site, "hugo", invite)
            with monkeypatch.context() as broken:
                if member:
                    broken.setattr(enrolling, "forget_pending", crash)
                else:
                    broken.setattr(ByMail, "confirm", crash)
                with pytest.raises(Unavailable):
                    await hugo.starts(iter([0.0]))
            expire(hub.enrolment._issued, read_invite(invite).id)
            await run._finish(hugo.profile, cast("Surface", hugo))
            assert hugo.told[1:] == ([] if member else ["The invite has expired"])
            assert enrolment_unfinished(hugo.profile) != member

    asyncio.run(walk())


def test_an_enrolment_by_hand_that_was_broken_off_is_left_to_who_began_it(
    site: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            gina = Computer(site, "gina", await site.invite(hub, "gina"))
            by_hand = await site.invite(hub, "gina")
            monkeypatch.setattr(enrolling, "forget_pending", crash)
            with pytest.raises(Unavailable):
                await site.join("gina", by_hand)
            assert enrolment_unfinished(gina.profile)
            assert not broken_off(gina.profile)
            gina.file.unlink()
            assert not broken_off(gina.profile)

    asyncio.run(walk())
