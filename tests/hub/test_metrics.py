"""What monitoring reads: a strict parser takes it, it moves with what happens, and it names nobody."""

import asyncio
import time
from pathlib import Path

import pytest

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.messages import PageAnswer, PageNew
from agent.hub.app import Running
from agent.hub.exposition import Family, Histogram, counter, gauge, write_families
from agent.system.ids import new_id
from tests.hub.prometheus import Numbers, read_prometheus
from tests.hub.scene import Peer, enrolled, running_hub
from tests.hub.test_web import asked
from tests.servers.waiting import eventually


async def read(hub: Running) -> Numbers:
    status, text = await asked(hub, "GET", "/metrics")
    assert status == 200
    return read_prometheus(text.decode())


@pytest.mark.servers
def test_the_numbers_move_with_what_happens_and_name_nobody(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            assert (await read(hub))["nmr_hub_stations"] == 0
            front, stove = (
                Peer(await enrolled(hub, tmp_path, "anna-front", "lead")),
                await enrolled(hub, tmp_path, "ben"),
            )
            other, page = Peer(stove), new_id()
            async with front.connected(), other.connected():
                await front.say("page.new", PageNew(note="the word"), to=EVERYBODY, id_=page, want=1)
                await front.hear("receipt")
                found = await read(hub)
                assert found["nmr_hub_stations"] == 2
                assert found["nmr_hub_stations_live"] == 1
                assert found['nmr_hub_pages_total{urgent="no"}'] == 1
                assert found["nmr_hub_pages_unanswered"] == 1
                answer = PageAnswer(person="ben", answer="accepted")
                await other.say("page.answer", answer, to=Audience("station", "anna-front"), re=page, want=1)
                await other.hear("receipt")
            broker = hub.broker
            broker._process.signal(9)  # type: ignore[attr-defined]  # the test's way to kill it
            await eventually(lambda: broker.starts == 2, 20)
            found = await read(hub)
            assert found["nmr_hub_stations_live"] == 2
            assert found["nmr_hub_pages_unanswered"] == 0
            assert found["nmr_hub_pages_missed"] == 0
            assert found['nmr_hub_answers_total{answer="accepted"}'] == 1
            assert found["nmr_hub_answer_seconds_count"] == 1
            assert found["nmr_hub_broker_restarts_total"] == 1
            assert found['nmr_hub_keys_expiring{days="7"}'] == 0
            assert 390 < found['nmr_hub_certificate_days{which="hub"}'] < 398
            assert found['nmr_hub_certificate_days{which="authority"}'] > 7000
            assert found["nmr_hub_disk_free_bytes"] > 0
            assert found["nmr_hub_store_bytes"] > 4096
            assert found["nmr_hub_set_back"] == 0
            assert abs(found["nmr_hub_start_time_seconds"] - time.time()) < 60
            text = str(found)
            assert [word for word in ("anna", "ben", "front", "the word", page) if word in text] == []

    asyncio.run(walk())


@pytest.mark.servers
def test_keys_that_end_are_counted(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path, psk_days=2) as hub:
            await enrolled(hub, tmp_path)
            found = await read(hub)
            soon = [found[f'nmr_hub_keys_expiring{{days="{days}"}}'] for days in (1, 3, 7)]
            assert (soon, found["nmr_hub_keys_expired"]) == ([0, 1, 1], 0)
            await hub.office.answer("hub.psk.expire", {"station": "anna"}, lambda _: None)
            found = await read(hub)
            soon = [found[f'nmr_hub_keys_expiring{{days="{days}"}}'] for days in (1, 3, 7)]
            assert (soon, found["nmr_hub_keys_expired"]) == ([0, 0, 0], 1)

    asyncio.run(walk())


@pytest.mark.servers
def test_nobody_reads_them_whom_the_configuration_does_not_name(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path, metrics_from=("203.0.113.0/24", "::ffff:0:0/96")) as hub:
            assert (await asked(hub, "GET", "/metrics"))[0] == 404
            metrics = hub.metrics
            assert metrics.may_read("203.0.113.9")
            assert metrics.may_read("::ffff:203.0.113.9")
            for host in (None, "", "testclient", "127.0.0.1", "::1", "203.0.114.1"):
                assert not metrics.may_read(host), host

    asyncio.run(walk())


def test_every_number_is_written_so_that_a_strict_reader_takes_it() -> None:
    histogram = Histogram((0.5, 10.0))
    for value in (0.5, 0.51, 11):
        histogram.add(value)
    text = write_families(
        [
            gauge("a", "A back\\slash and\na line.", 1.5),
            counter("b_total", "By word.", {'x"y': 1, "x\\\ny": 2}, "word"),
            Family("c", "gauge", "Two labels.", {(("x", "1"), ("y", "2")): 10**15}),
        ],
        {"d_seconds": ("A histogram.", histogram)},
    )
    assert read_prometheus(text) == {
        "a": 1.5,
        'b_total{word="x\\"y"}': 1,
        'b_total{word="x\\\\\\ny"}': 2,
        'c{x="1",y="2"}': 10**15,
        'd_seconds_bucket{le="0.5"}': 1,
        'd_seconds_bucket{le="10"}': 2,
        'd_seconds_bucket{le="+Inf"}': 3,
        "d_seconds_sum": 12.01,
        "d_seconds_count": 3,
    }


@pytest.mark.parametrize(
    "text",
    [
        "a 1\n",
        "# HELP a x\n# TYPE a gauge\n",
        "# HELP a x\n# TYPE a gauge\na 1",
        "# HELP a x\n# TYPE a gauge\na one\n",
        "# HELP a x\n# TYPE a gauge\na 1\na 2\n",
        '# HELP a x\n# TYPE a gauge\na{b="c"d"} 1\n',
        "# HELP a x\n# TYPE a counter\na 1\n",
        "# HELP a x\n# TYPE b gauge\nb 1\n",
    ],
)
def test_the_reader_is_strict(text: str) -> None:
    with pytest.raises((AssertionError, ValueError, StopIteration)):
        read_prometheus(text)
