"""A station with nothing but a mailbox gets new keys by mail, also while its agent reads the same mailbox."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.domain.errors import NotAllowed, TryLater
from agent.domain.keys import from_b64u
from agent.hub.app import Running
from agent.links.base import Delivery
from agent.links.keeper import keep_up
from agent.links.mail.configured import configured
from agent.links.mail.link import MailLink
from agent.links.mail.own import STATE
from agent.station.enrolment import again as enrol_again
from agent.station.enrolment import letters
from agent.station.enrolment.by_mail import ByMail
from agent.station.enrolment.enrol import enrolment_unfinished
from agent.system.credentials import load_credentials
from agent.system.psk_file import load_bundle
from agent.wire.keys import Identity
from tests.servers.ports import free_port
from tests.servers.waiting import eventually
from tests.station.enrolment.mail_joining import Joining, added, held_for, lying, release_to, servers, site

__all__ = ["servers", "site"]

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]

ONCE = (100.0,)
"""The pauses of somebody who need not ask again."""


async def replaced(hub: Running, name: str) -> str:
    """An invite with new keys for a station, of a hub that cannot be reached at the addresses in it."""
    made: Any = await hub.office.answer("hub.psk.replace", {"station": name}, lambda _: None)
    made["invite"]["card"]["url"] = f"https://127.0.0.1:{free_port()}"
    return json.dumps(made["invite"])


def generation(site: Joining, name: str) -> int:
    return load_bundle(site.profile(name).secrets_folder, "s1", name).gen


@asynccontextmanager
async def agent_reading(
    site: Joining, name: str, before: Callable[..., Any] = letters.before
) -> AsyncIterator[list[bytes]]:
    """The mail link of a running agent; yields what it has read."""
    profile, read = site.profile(name), list[bytes]()
    own = load_credentials(profile.secrets_folder)
    assert own is not None
    me = Identity.of(own.site, own.station, from_b64u(own.sign_key), from_b64u(own.receive_key))
    settings, token = configured(site.settings(name), profile.secrets_folder, me)
    link = MailLink(
        settings, address_of=lambda _: None, stations=tuple, state_file=profile.data_folder / STATE, token=token
    )
    taken = before(lambda delivery: delivery.accept(), profile.secrets_folder)

    def arrived(delivery: Delivery) -> None:
        read.append(delivery.sealed)
        taken(delivery)

    up = asyncio.Event()
    keeping = asyncio.create_task(keep_up(link, opened=lambda _: up.set(), arrived=arrived, changed=lambda _: None))
    try:
        await up.wait()
        yield read
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


@pytest.mark.parametrize("only_mail", [True, False])
def test_new_keys_come_by_mail(site: Joining, *, only_mail: bool) -> None:
    async def walk() -> None:
        async with site.hub() as hub:
            before = await site.join("hugo", await site.invite(hub, "hugo"))
            invite, entries = await replaced(hub, "hugo"), len(hub.engine.core.frames)
            assert await site.join("hugo", invite, only_mail=only_mail) == before
            assert generation(site, "hugo") == 2
            assert not enrolment_unfinished(site.profile("hugo"))
            assert len(hub.engine.core.frames) == entries
            added(hub, "hugo")
            with pytest.raises(NotAllowed, match="only for the station"):
                await site.join("ida", await replaced(hub, "hugo"))
            assert lying(site, "ida") == 0

    asyncio.run(walk())


def test_a_crash_anywhere_on_the_way_is_healed_by_the_same_command(
    site: Joining, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise NotAllowed("power")

    async def walk() -> None:
        async with site.hub() as hub:
            await site.join("jan", await site.invite(hub, "jan"))
            invite = await replaced(hub, "jan")
            for where, step in (ByMail, "fresh"), (enrol_again, "save_bundle"), (ByMail, "confirm"):
                with monkeypatch.context() as broken:
                    broken.setattr(where, step, crash)
                    with pytest.raises(NotAllowed, match="power"):
                        await site.join("jan", invite)
                assert enrolment_unfinished(site.profile("jan"))
            await site.join("jan", invite)
            assert generation(site, "jan") == 2
            assert not enrolment_unfinished(site.profile("jan"))

    asyncio.run(walk())


@pytest.mark.parametrize("weak", [False, True])
def test_the_agent_that_runs_on_the_mailbox_leaves_the_letters_to_the_command(site: Joining, *, weak: bool) -> None:
    def greedy(router: Callable[[Delivery], None], _: Path) -> Callable[[Delivery], None]:
        return router

    async def walk() -> None:
        front = site.servers.front
        async with site.hub() as hub:
            await site.join("kim", await site.invite(hub, "kim"))
            invite = await replaced(hub, "kim")
            front.faults.holding = True
            asking = asyncio.create_task(site.join("kim", invite, between=ONCE, patience_s=3.0))
            await eventually(lambda: release_to(site, "hub") and asking.done())
            with pytest.raises(TryLater):
                await asking
        answers = held_for(site, "kim")
        assert answers
        release_to(site, "kim")
        async with agent_reading(site, "kim", greedy if weak else letters.before) as read:
            await eventually(lambda: len(read) >= answers)
            with pytest.raises(TryLater):
                await site.join("kim", invite, between=ONCE, patience_s=2.0 if weak else 5.0)
            assert generation(site, "kim") == (1 if weak else 2)
            front.held.clear()
            front.faults.holding = False
            async with site.hub():
                await site.join("kim", invite)
                assert generation(site, "kim") == 2

    asyncio.run(walk())
