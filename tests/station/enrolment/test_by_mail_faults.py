"""What becomes of letters, hub and newcomer while somebody joins by mail: in the end there is one member, once."""

import asyncio
from random import Random

import pytest

from agent.domain.errors import NotAllowed
from agent.hub.enrolment import Enrolment
from agent.station.enrolment import enrol as enrolling
from agent.station.enrolment.by_mail import ByMail
from agent.station.enrolment.enrol import enrol, enrolment_unfinished
from agent.system.credentials import load_credentials
from agent.wire.invite import read_invite
from tests.servers.waiting import eventually
from tests.station.enrolment.mail_joining import Joining, added, expire, held_for, release_to, servers, site

__all__ = ["servers", "site"]

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]


def test_what_comes_doubled_and_in_the_wrong_order_makes_one_member(site: Joining) -> None:
    async def walk() -> None:
        front = site.servers.front
        async with site.hub() as hub:
            front.faults.copies = 2
            front.faults.holding = True
            joining = asyncio.create_task(site.join("ben", await site.invite(hub, "ben")))
            while not joining.done():
                await asyncio.sleep(1.2)
                await asyncio.to_thread(front.release, backwards=True)
            await joining
            added(hub, "ben")
            assert hub.enrolment.alarms == []

    asyncio.run(walk())


def test_letters_that_are_lost_are_written_again(site: Joining) -> None:
    async def walk() -> None:
        front, lost, chance = site.servers.front, 0, Random(3)
        async with site.hub() as hub:
            front.faults.holding = True
            joining = asyncio.create_task(site.join("cleo", await site.invite(hub, "cleo")))
            while not joining.done():
                await asyncio.sleep(0.05)
                for mail in list(front.held):  # half of them are lost, whoever wrote them
                    front.held.remove(mail)
                    if chance.random() < 0.5:
                        lost += 1
                    else:
                        await asyncio.to_thread(front.deliver, mail)
            await joining
            assert lost >= 2
            added(hub, "cleo")

    asyncio.run(walk())


def test_a_hub_that_is_started_again_between_all_steps_lets_the_same_one_in(site: Joining) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            invite = await site.invite(hub, "dora")
        front, folder = site.servers.front, site.profile("dora").secrets_folder
        front.faults.holding = True  # letters to the hub move while it runs, letters from it while it does not
        joining = asyncio.create_task(site.join("dora", invite))
        async with asyncio.timeout(90):
            await eventually(lambda: held_for(site, "hub"))
            async with site.hub():
                await eventually(lambda: release_to(site, "hub") and held_for(site, "dora"))
            assert load_credentials(folder) is None
            await eventually(lambda: release_to(site, "dora") and load_credentials(folder) is not None)
            async with site.hub() as hub:
                await eventually(
                    lambda: release_to(site, "hub") and hub.engine.core.ledger.member("dora") and held_for(site, "dora")
                )
            assert not joining.done()
            await eventually(lambda: release_to(site, "dora") and joining.done())
            await joining
            added(hub, "dora")

    asyncio.run(walk())


@pytest.mark.parametrize("step", ["welcome", "save_bundle", "save_credentials", "confirm"])
def test_a_crash_at_any_step_is_healed_by_the_same_command(
    site: Joining, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    async def walk() -> None:
        async with site.hub() as hub:
            invite = await site.invite(hub, "emil")
            with monkeypatch.context() as broken:
                broken.setattr(ByMail if step in ("welcome", "confirm") else enrolling, step, crash)
                with pytest.raises(KeyboardInterrupt):
                    raise await asyncio.to_thread(_caught, site, "emil", invite)
            assert enrolment_unfinished(site.profile("emil"))
            assert hub.engine.core.ledger.active() == []
            await site.join("emil", invite)
            added(hub, "emil")
            assert not enrolment_unfinished(site.profile("emil"))

    asyncio.run(walk())


def _caught(site: Joining, name: str, invite: str) -> BaseException:
    """What ended the command; a thread cannot pass it on by itself."""
    try:
        enrol(site.profile(name), invite, mail=site.way(name), only_mail=True, wish=name)
    except BaseException as error:  # noqa: BLE001 - a crash is what this is about
        return error
    raise AssertionError("it did not end")


@pytest.mark.parametrize("weak", [False, True])
def test_who_was_confirmed_and_has_not_heard_it_is_told_after_the_invites_time(
    site: Joining, monkeypatch: pytest.MonkeyPatch, *, weak: bool
) -> None:
    if weak:
        monkeypatch.setattr(Enrolment, "_is_settled", lambda *_: False)

    async def walk() -> None:
        front = site.servers.front
        async with site.hub() as hub:
            invite = await site.invite(hub, "finn")
            front.faults.holding = True
            joining = asyncio.create_task(site.join("finn", invite, between=(4.0,) * 9))
            await eventually(lambda: release_to(site, "hub") and held_for(site, "finn"))
            release_to(site, "finn")
            await eventually(lambda: release_to(site, "hub") and held_for(site, "finn"))
            added(hub, "finn")
            expire(hub.enrolment._issued, read_invite(invite).id)
            front.held.clear()
            front.faults.holding = False
            if weak:
                with pytest.raises(NotAllowed):
                    await joining
            else:
                await joining
            added(hub, "finn")

    asyncio.run(walk())
