"""A computer that reaches nothing but a mailbox joins, and whoever may not is told why, or nothing at all."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from agent.domain.errors import BadConfiguration, BadInput, NotAllowed, TryLater, Unavailable
from agent.links.mail.letter import read_letter, write_letter
from agent.links.mail.pack import BUCKETS, HEAD_BYTES, MAGIC, SEAL_BYTES
from agent.station.enrolment import network as enrol_network
from agent.station.enrolment.by_mail import FIRST_PAUSE_S, LONGEST_PAUSE_S, ByMail, pauses
from agent.station.enrolment.enrol import enrol, enrolment_unfinished
from agent.station.enrolment.https import HubRefused
from agent.system.config.schema_links import MailLink
from agent.system.credentials import load_credentials
from agent.system.mail_secret import MailSecretUnusable, forget_mail_secret
from agent.system.paths import Profile
from agent.system.psk_file import load_bundle
from agent.wire.invite import new_secret, read_invite, write_code
from tests.hub.scene import invited
from tests.station.enrolment.mail_joining import MAILBOXES, Joining, added, expire, lying, servers, site

__all__ = ["servers", "site"]

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]

ONCE = (100.0,)
"""The pauses of somebody who need not ask again."""


def test_a_computer_that_reaches_only_mail_joins(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            invite = await site.invite(hub, "anna")
            got = await site.join("anna", invite, between=ONCE)
            member = added(hub, "anna")
            assert (got.station, member.mail, member.plus) == ("anna", site.servers.address("anna"), True)
            assert got.hub_mailbox.mail == site.servers.address("hub")
            folder = site.profile("anna").secrets_folder
            assert load_credentials(folder) == got
            assert load_bundle(folder, "s1", "anna").whole
            assert not enrolment_unfinished(site.profile("anna"))
            assert hub.office.status()["letters"] == {"answered": 2}

    asyncio.run(walk())


def test_a_letter_of_a_newcomer_looks_like_every_other(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            await site.join("anna", await site.invite(hub, "anna"), between=ONCE)

    asyncio.run(walk())
    usual = _names(write_letter(b"", "a@b", "c@d", random_hex="0", at_s=0.0))
    assert len(site.servers.front.taken) >= 4
    for mail in site.servers.front.taken:
        pack = read_letter(mail.content)
        assert pack.startswith(MAGIC)
        assert len(pack) - HEAD_BYTES - SEAL_BYTES in BUCKETS
        assert _names(mail.content) == usual


def _names(mail: bytes) -> list[bytes]:
    return [line.partition(b":")[0] for line in mail.partition(b"\r\n\r\n")[0].split(b"\r\n")]


def test_a_refusal_is_told_to_whoever_knows_the_secret(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            invite = await site.invite(hub, "gina")
            await site.join("gina", invite)
            with pytest.raises(NotAllowed) as caught:
                await site.join("hugo", invite)
            assert caught.value.code in ("invite-used", "invite-claimed")
            assert "second computer" in hub.enrolment.alarms[0]
            late = await site.invite(hub, "hugo")
            expire(hub.enrolment._issued, read_invite(late).id)
            with pytest.raises(NotAllowed, match="expired"):
                await site.join("ida", late)

    asyncio.run(walk())


def test_who_does_not_know_the_secret_gets_no_answer(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            invite, other = await site.invite(hub, "ida"), await invited(hub, "jan")
            code = read_invite(invite)
            stolen = invite.replace(_code(invite), _other_code())
            assert read_invite(stolen).id != code.id
            with pytest.raises(TryLater) as caught:
                await site.join("jan", stolen, patience_s=4.0)
            assert (caught.value.code, caught.value.exit_code) == ("no-answer", 75)
            assert other
            assert hub.office.status()["letters"]["invite-unknown"] >= 1
            assert "answered" not in hub.office.status()["letters"]
            assert lying(site, "jan") == 0

    asyncio.run(walk())


def _code(invite: str) -> str:
    code: str = json.loads(invite)["code"]
    return code


def _other_code() -> str:
    return write_code(new_secret(b"somebody else"))


def test_mail_is_taken_by_itself_where_the_hub_cannot_be_reached(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            got = await site.join("kim", await site.invite(hub, "kim"), only_mail=False)
            assert got.station == "kim"
            assert added(hub, "kim").mail == site.servers.address("kim")
            made = await invited(hub, "lea")
            way = site.way("lea")
            text = json.dumps(made["invite"])
            await asyncio.to_thread(lambda: enrol(site.profile("lea"), text, mail=way))
            assert not way.joined
            assert added(hub, "lea").mail == ""

    asyncio.run(walk())


def test_a_hub_that_is_there_and_cannot_now_is_not_asked_by_mail(
    site: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> bytes:
        raise HubRefused("hub-busy")

    async def walk() -> None:
        async with site.hub() as hub:
            text, way = json.dumps((await invited(hub, "lea"))["invite"]), site.way("lea")
            monkeypatch.setattr(enrol_network, "post_request", busy)
            with pytest.raises(Unavailable) as caught:
                enrol(site.profile("lea"), text, mail=way)
            assert (caught.value.code, way.joined) == ("hub-busy", False)

    asyncio.run(walk())


def test_what_is_missing_is_told_before_anything_is_sent(site: Joining, tmp_path: Path) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            invite = await site.invite(hub, "anna")
            made = await invited(hub, "anna")
            fresh = Profile.at(tmp_path / "fresh")
            empty = ByMail(fresh, MailLink(), print)

            def by(text: str, way: ByMail, **how: Any) -> None:
                enrol(fresh, text, mail=way, only_mail=True, **how)

            with pytest.raises(BadConfiguration, match="nmr mail login"):
                by(invite, empty)
            with pytest.raises(BadInput, match="invite file"):
                by(made["code"], site.way("anna"))
            with pytest.raises(BadInput, match="no mailbox of the hub"):
                by(invite.replace(f'"mail": "{site.servers.address("hub")}"', '"mail": ""'), site.way("anna"))
            with pytest.raises(Unavailable):
                enrol(fresh, invite, mail=empty)
            forget_mail_secret(site.profile("anna").secrets_folder)
            way = ByMail(site.profile("anna"), site.settings("anna"), print)
            with pytest.raises(MailSecretUnusable, match="nmr mail login"):
                enrol(site.profile("anna"), invite, mail=way, only_mail=True)
            assert site.servers.front.taken == []

    asyncio.run(walk())


def test_a_mailbox_that_does_not_let_us_in_ends_the_wait(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            invite = await site.invite(hub, "anna")
        site.profile("anna")
        site.servers.set_password("anna", "another")
        try:
            with pytest.raises(NotAllowed, match="does not let us in"):
                await site.join("anna", invite)
        finally:
            site.servers.set_password("anna", MAILBOXES["anna"])

    asyncio.run(walk())


def test_pauses_grow() -> None:
    found = pauses()
    first = [next(found) for _ in range(8)]
    assert first[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert first[-1] == LONGEST_PAUSE_S
