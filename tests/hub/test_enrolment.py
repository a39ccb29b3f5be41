"""The door of the site: one computer for one invite, the same answer however often it asks, an alarm for a second."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agent.domain.effects import Keep
from agent.domain.errors import NmrError
from agent.domain.keys import to_b64u
from agent.hub.app import Running
from agent.hub.broker.base import BrokerFailed
from agent.hub.invites import FORGET_MS
from agent.hub.kept import write_kept
from agent.wire.enrolment import EnrolRefused, Welcome, read_answer, write_request
from agent.wire.invite import Invite, read_invite
from agent.wire.keys import Identity
from tests.hub.scene import invited, running_hub

pytestmark = pytest.mark.servers


class Newcomer:
    """A computer with fresh keys and an invite; by hand, so that it can be rude."""

    def __init__(self, invite: Invite, wish: str = "") -> None:
        assert invite.card is not None
        self.invite, self.card, self.wish = invite, invite.card, wish
        self.me, self.nonce = Identity.new(self.card.site, ""), b"n" * 32

    def request(self) -> bytes:
        return write_request(self.card, self.invite.secret, self.me, self.nonce, self.wish)

    def confirmation(self, station: str) -> bytes:
        return write_request(self.card, self.invite.secret, self.me, self.nonce, station, "confirm")

    def welcome(self, answer: bytes) -> Welcome:
        return read_answer(self.card, self.invite.secret, self.me, self.nonce, answer, Welcome)


async def newcomer(hub: Running, person: str = "anna", wish: str = "", station: str = "") -> Newcomer:
    made = await invited(hub, person, "kitchen", station=station)
    return Newcomer(read_invite(json.dumps(made["invite"])), wish)


async def code_of(work: Any) -> str:
    with pytest.raises(EnrolRefused) as caught:
        await work
    return caught.value.code


def expire(hub: Running, invite: Invite, by_ms: int = 0) -> None:
    """Let an invite's time be over."""
    issued = hub.enrolment._issued
    issued[invite.id] = replace(issued[invite.id], not_after=hub.enrolment._now().ms - by_ms)


def test_a_newcomer_is_a_member_only_when_it_has_confirmed(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await newcomer(hub)
            welcome = anna.welcome(await hub.enrolment.enrol(anna.request()))
            assert (welcome.station, welcome.person, welcome.roles) == ("anna", "anna", ("kitchen",))
            assert hub.engine.core.ledger.member("anna") is None
            await hub.enrolment.confirm(anna.confirmation("anna"))
            member = hub.engine.core.ledger.member("anna")
            assert member is not None
            assert (member.sign, member.receive, member.roles) == (anna.me.sign, anna.me.receive, ("kitchen",))

    asyncio.run(walk())


def test_asking_again_gives_the_very_same_answer_even_after_a_restart(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await newcomer(hub)
            first = await hub.enrolment.enrol(anna.request())
            assert await hub.enrolment.enrol(anna.request()) == first
        async with running_hub(tmp_path) as hub:
            assert await hub.enrolment.enrol(anna.request()) == first
            await hub.enrolment.confirm(anna.confirmation("anna"))
            assert await hub.enrolment.enrol(anna.request()) == first
            await hub.enrolment.confirm(anna.confirmation("anna"))
            assert len(hub.engine.core.frames) == 2

    asyncio.run(walk())


def test_of_two_computers_with_one_invite_one_gets_in_and_it_is_alarmed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await newcomer(hub)
            thief = Newcomer(anna.invite)
            ends = await asyncio.gather(
                hub.enrolment.enrol(anna.request()), hub.enrolment.enrol(thief.request()), return_exceptions=True
            )
            refused = [end for end in ends if isinstance(end, EnrolRefused)]
            assert [error.code for error in refused] == ["invite-claimed"]
            assert sum(isinstance(end, bytes) for end in ends) == 1
            assert "second computer" in hub.office.status()["alarms"][0]
            assert any(record.msg == "enrol-alarm" for record in caplog.records)
            await hub.enrolment.confirm(anna.confirmation("anna"))
            assert await code_of(hub.enrolment.enrol(thief.request())) == "invite-used"
            assert await code_of(hub.enrolment.confirm(thief.confirmation("anna"))) == "invite-used"

    with caplog.at_level(logging.WARNING):
        asyncio.run(walk())


def test_names_are_unique_and_made_from_wish_person_or_what_it_said(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:

            async def named(**how: str) -> str:
                one = await newcomer(hub, **how)
                welcome = one.welcome(await hub.enrolment.enrol(one.request()))
                await hub.enrolment.confirm(one.confirmation(welcome.station))
                return welcome.station

            assert await named(person="anna") == "anna"
            assert await named(person="anna") == "anna-2"
            assert await named(person="anna", wish="anna") == "anna-3"
            assert await named(person="anna", wish="desk-1") == "desk-1"
            assert await named(person="anna", station="desk-9", wish="mine") == "desk-9"
            assert await named(person="ben", wish="hub") == "hub-2"
            assert await named(person="ben", wish="b" * 32) == "b" * 32
            assert await named(person="ben", wish="b" * 32) == "b" * 30 + "-2"
            await hub.enrolment.revoke("anna")
            assert await named(person="anna") == "anna"

    asyncio.run(walk())


def test_a_claim_that_is_not_confirmed_keeps_its_name_until_it_expires(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna, other = await newcomer(hub), await newcomer(hub)
            await hub.enrolment.enrol(anna.request())
            assert other.welcome(await hub.enrolment.enrol(other.request())).station == "anna-2"
            expire(hub, anna.invite)
            await hub.enrolment.tidy()
            assert "anna" not in hub.accounts
            assert "anna-2" in hub.accounts
            assert await code_of(hub.enrolment.enrol(anna.request())) == "invite-expired"
            assert await code_of(hub.enrolment.confirm(anna.confirmation("anna"))) == "invite-expired"

    asyncio.run(walk())


def test_old_invites_are_forgotten_and_members_stay(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await newcomer(hub)
            await hub.enrolment.enrol(anna.request())
            await hub.enrolment.confirm(anna.confirmation("anna"))
            expire(hub, anna.invite)
            await hub.enrolment.tidy()
            assert await code_of(hub.enrolment.enrol(anna.request())) == "invite-used"
            expire(hub, anna.invite, FORGET_MS)
            await hub.enrolment.tidy()
            assert await code_of(hub.enrolment.enrol(anna.request())) == "invite-unknown"
            assert "anna" in hub.accounts

    asyncio.run(walk())


def test_nothing_is_confirmed_that_was_not_claimed(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await newcomer(hub)
            assert await code_of(hub.enrolment.confirm(anna.confirmation("anna"))) == "enrol-proof"
            await hub.enrolment.enrol(anna.request())
            assert await code_of(hub.enrolment.confirm(anna.confirmation("boss"))) == "enrol-proof"
            assert await code_of(hub.enrolment.confirm(anna.request())) == "enrol-proof"

    asyncio.run(walk())


def test_the_invite_of_a_revoked_station_does_not_open_the_door_again(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await newcomer(hub)
            await hub.enrolment.enrol(anna.request())
            await hub.enrolment.confirm(anna.confirmation("anna"))
            await hub.enrolment.revoke("anna")
            assert await code_of(hub.enrolment.enrol(anna.request())) == "invite-used"
        async with running_hub(tmp_path) as hub:
            assert await code_of(hub.enrolment.confirm(anna.confirmation("anna"))) == "invite-used"
            assert hub.engine.core.ledger.active() == []

    asyncio.run(walk())


def test_a_broker_that_does_not_take_the_account_costs_a_repetition_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: object) -> None:
        raise BrokerFailed("no", "not now")

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await newcomer(hub)
            with monkeypatch.context() as broken:
                broken.setattr(hub.broker, "apply", fails)
                with pytest.raises(NmrError):
                    await hub.enrolment.enrol(anna.request())
            assert anna.welcome(await hub.enrolment.enrol(anna.request())).station == "anna"

    asyncio.run(walk())


def test_a_hub_that_cannot_write_lets_nobody_in_and_promises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await newcomer(hub)
            with monkeypatch.context() as broken:
                broken.setattr("agent.hub.enrolment.write_kept", _disk_full)
                broken.setattr("agent.hub.publisher.write_kept", _disk_full)
                with pytest.raises(NmrError, match="full"):
                    await hub.enrolment.enrol(anna.request())
            assert "anna" not in hub.accounts
            await hub.enrolment.enrol(anna.request())
            with monkeypatch.context() as broken:
                broken.setattr("agent.hub.publisher.write_kept", _disk_full)
                with pytest.raises(NmrError, match="full"):
                    await hub.enrolment.confirm(anna.confirmation("anna"))
            assert hub.engine.core.ledger.seq == 1
            await hub.enrolment.confirm(anna.confirmation("anna"))
            assert hub.engine.core.ledger.seq == 2

    asyncio.run(walk())


async def _disk_full(*_: object) -> None:
    raise NmrError("The disk is full")


def test_the_hub_keeps_no_password_and_only_the_station_can_read_its_answer(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await newcomer(hub)
            password = anna.welcome(await hub.enrolment.enrol(anna.request())).password
            assert len(password) == 32
            rows = hub.enrolment._store.read("SELECT body FROM kept")
            assert rows
            assert not any(password.encode() in body for (body,) in rows)
            account = hub.engine.core.proofs.accounts["anna"]
            assert account.kid == to_b64u(anna.me.kid)
            assert account.current.gen == 1

    asyncio.run(walk())


def test_kept_values_are_committed_together_or_not_at_all(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            with pytest.raises(Exception, match="NOT NULL"):
                await write_kept(
                    hub.enrolment._store,
                    [Keep("trial", "a", b"1"), Keep("trial", None, b"2")],  # type: ignore[arg-type]  # refused
                )
            assert hub.enrolment._store.read("SELECT * FROM kept WHERE kind = 'trial'") == []

    asyncio.run(walk())
