"""When each station was last heard of outlasts a restart, and costs next to nothing."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from agent.domain.effects import Effect, Keep
from agent.domain.events import Instant
from agent.domain.messages import PageNew
from agent.links.memory import MemoryNet
from agent.station.last_seen import SAVE_S, LastSeen
from tests.station.ledger.ledger_scene import kitchen, node
from tests.station.scene import only
from tests.walks.desk import Desk, until
from tests.walks.members import Members

NOW = Instant(1000.0, 1_790_000_000_000)


def later(seconds: float) -> Instant:
    return replace(NOW, mono=NOW.mono + seconds, ms=NOW.ms + round(seconds * 1000))


def test_a_station_heard_of_before_a_restart_is_no_stranger_after_it() -> None:
    anna = node(kitchen())
    anna.hear("ben", PageNew())
    heard = anna.clock.now.ms
    anna.clock.mono += SAVE_S
    anna.woke()
    anna.boot()
    assert anna.membership.last_seen.ms["ben"] == heard


def test_however_much_is_heard_it_is_written_once_in_ten_minutes_and_nothing_wakes_for_it() -> None:
    seen, written = LastSeen({}), list[Effect]()
    for second in range(3600):
        seen.heard(("ben", "cleo"), later(second).ms, later(second))
        written += seen.woke(later(second))
    assert 3600 / SAVE_S - 2 < len(written) <= 3600 / SAVE_S
    assert len(only(written, Keep)) == len(written)
    assert len(seen.keep()) == 1
    assert seen.keep() == seen.woke(later(3 * SAVE_S)) == []


def test_a_mail_that_was_late_says_when_it_was_written_and_a_clock_ahead_says_now() -> None:
    seen = LastSeen({"cleo": NOW.ms})
    seen.heard(("ben",), NOW.ms - 7_200_000, NOW)
    seen.heard(("cleo",), NOW.ms - 1, NOW)
    seen.heard(("dora",), NOW.ms + 7_200_000, NOW)
    assert seen.ms == {"ben": NOW.ms - 7_200_000, "cleo": NOW.ms, "dora": NOW.ms}


def test_an_agent_that_ends_in_order_knows_it_again_at_once(tmp_path: Path) -> None:
    async def scene() -> None:
        members, net = Members(), MemoryNet()
        for name in ("front", "kitchen"):
            members.add(name, "kitchen")
        net.link("hub")
        front, kitchen = (Desk(tmp_path, members, name) for name in ("front", "kitchen"))
        async with front.running(net.link("front")), kitchen.running(net.link("kitchen")):
            page = await front.page("kitchen")
            await until(lambda: page.id in kitchen.app.core.ringing.pages, "the page")
            heard = kitchen.app.core.membership.last_seen.ms["front"]
        async with kitchen.running(net.link("kitchen")):
            assert kitchen.app.core.membership.last_seen.ms["front"] >= heard

    asyncio.run(scene())
