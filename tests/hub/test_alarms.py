"""What IT should look at is told in sentences by the status, and counted by monitoring."""

import asyncio
from pathlib import Path

import pytest

from agent.domain.events import LinkChanged
from agent.hub.core import Links
from agent.hub.health import hub_health
from agent.routing.policy import MAIL
from agent.system.paths import Profile
from agent.wire.health import OK, WARNING
from tests.hub.scene import running_hub

BUSY = "nothing can be sent: 452 too busy"


@pytest.mark.servers
def test_a_mailbox_in_trouble_is_told_until_the_trouble_is_over(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            for state, why, code in (("up", BUSY, WARNING), ("up", "", OK), ("refused", "wrong password", WARNING)):
                hub.engine.handle(LinkChanged(MAIL, state, why))
                told = hub.office.status()["alarms"]
                assert [why in sentence for sentence in told] == [True] * (why != "")
                assert f"\nnmr_hub_alarms {len(told)}\n" in hub.metrics.text()
                assert "\nnmr_hub_broker_up 1\n" in hub.metrics.text()
                assert (await asyncio.to_thread(hub_health, Profile.at(tmp_path / "hub"))).code == code

    asyncio.run(walk())


def test_who_is_reached_by_mail_alone_is_not_at_the_broker() -> None:
    links = Links({MAIL: LinkChanged(MAIL, "up", ""), "mqtt": LinkChanged("mqtt", "down", "refused")})
    assert not links.at_broker
