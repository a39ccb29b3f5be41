"""Every row of a CSV becomes one order, though the import is ended between any two steps and begun again."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.demo.site import Site
from agent.domain.errors import BadInput, TryLater
from agent.examples.order_import import import_rows
from agent.examples.order_journal import Journal
from agent.system.config.schema_tasks import TaskType
from agent.system.control import connect
from agent.system.task_outcome import Failed
from agent.system.task_run import run_type
from agent.system.task_said import Progress
from agent.system.task_types import allowed
from tests.system.task_stage import said

CSV = "title;subtitle;flag_a\nOrder 17;0171 5550123;ja\nOrder 18;;\nOrder 17;0171 5550123;ja\n"


class Ended(BaseException):
    """The program was killed here."""


class Agent:
    """Has orders, and kills whoever asks it at a given step."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.now_ms = 2**53
        self.end_after = -1
        """Steps until the end, the two halves of a request counted; -1: none."""

    def step(self) -> None:
        self.end_after -= 1
        if self.end_after == 0:
            raise Ended

    def request(self, do: str, /, *, within: float = 10.0, **with_: object) -> Any:
        self.step()
        made = None
        if do == "order.add":
            fields = msgspec.convert(with_["fields"], dict[str, Any])
            if not fields["title"]:
                raise BadInput("The title is missing")
            made = {"id": f"id-{len(self.orders)}", "created_ms": self.now_ms, **fields}
            self.orders.append(made)
        self.step()
        return {"order": made["id"]} if made else self.orders


def imported(agent: Agent, journal: Path, **data: str) -> Any:
    with Journal(journal) as kept:
        return import_rows(agent, kept, {"csv": CSV, **data})


def titles(agent: Agent) -> list[str]:
    return sorted(one["title"] for one in agent.orders)


def test_rows_become_orders_and_two_same_rows_two(tmp_path: Path) -> None:
    agent = Agent()
    assert imported(agent, tmp_path / "j") == {"made": 3, "before": 0, "refused": []}
    assert titles(agent) == ["Order 17", "Order 17", "Order 18"]
    assert [one["flag_a"] for one in agent.orders] == [True, False, True]
    assert imported(agent, tmp_path / "j") == {"made": 0, "before": 3, "refused": []}


@pytest.mark.parametrize("steps", range(1, 9))
def test_an_import_ended_at_any_step_makes_each_order_once(tmp_path: Path, steps: int) -> None:
    agent = Agent()
    agent.end_after = steps
    with pytest.raises(Ended):
        imported(agent, tmp_path / "j")
    agent.end_after = steps  # perhaps it dies a second time, while it settles
    with suppress(Ended):
        imported(agent, tmp_path / "j")
    agent.end_after = -1
    imported(agent, tmp_path / "j")
    assert titles(agent) == ["Order 17", "Order 17", "Order 18"]


def test_without_settling_an_order_would_be_made_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "settle", lambda *_: None)  # the weakened variant
    agent = Agent()
    agent.end_after = 4  # made, and not yet told
    with pytest.raises(Ended):
        imported(agent, tmp_path / "j")
    imported(agent, tmp_path / "j")
    assert len(agent.orders) == 4


def test_a_journal_torn_while_it_was_written_is_read_to_the_tear(tmp_path: Path) -> None:
    agent, journal = Agent(), tmp_path / "j"
    imported(agent, journal)
    whole = journal.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last, len(whole)):
        journal.write_bytes(whole[:cut])
        assert imported(agent, journal)["made"] == 0
    assert len(agent.orders) == 3


def test_a_longer_file_of_the_same_batch_adds_what_is_new(tmp_path: Path) -> None:
    agent = Agent()
    imported(agent, tmp_path / "j", batch="today")
    assert imported(agent, tmp_path / "j", batch="today", csv=f"{CSV}Order 19;;\n")["made"] == 1
    assert imported(agent, tmp_path / "j", batch="tomorrow")["made"] == 3


def test_a_row_the_agent_refuses_is_told_and_the_others_are_made(tmp_path: Path) -> None:
    agent = Agent()
    found = imported(agent, tmp_path / "j", csv="\ufefftitle,subtitle\n,x\nOrder 17,\n")
    assert found == {"made": 1, "before": 0, "refused": [{"row": 1, "why": "The title is missing"}]}


@pytest.mark.parametrize("text", ["", "x", "Order 17;0171\n", "title,price\nOrder 17,3\n"])
def test_a_file_without_our_columns_is_refused_as_a_whole(tmp_path: Path, text: str) -> None:
    agent = Agent()
    with pytest.raises(ValueError, match="the first row names the columns"):
        imported(agent, tmp_path / "j", csv=text)
    assert agent.orders == []


def test_two_imports_do_not_run_at_once(tmp_path: Path) -> None:
    with Journal(tmp_path / "j"), pytest.raises(TryLater), Journal(tmp_path / "j"):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("site"))
    try:
        running.start_hub()
        running.enrol("front", "anna", "front-desk")
        running.start_station("front")
        yield running
    finally:
        running.stop()


@pytest.mark.servers
def test_a_worker_imports_into_its_running_agent(site: Site, tmp_path: Path) -> None:
    profile, heard = site.profile("front"), list[Progress]()
    command = ("{python}", "-m", "agent.examples.order_import", "{agent}", str(tmp_path / "j"))
    types = allowed([TaskType(type="order-import", command=command)], profile.control_address)
    data = json.dumps({"csv": CSV}).encode()
    first = asyncio.run(run_type(types, "order-import", data, progress=heard.append))
    assert first == said({"made": 3, "before": 0, "refused": []})
    assert heard[-1] == Progress(1.0, "row 3 of 3")
    assert asyncio.run(run_type(types, "order-import", data)) == said({"made": 0, "before": 3, "refused": []})
    with connect(profile) as line:
        assert sorted(one["title"] for one in line.request("orders")) == ["Order 17", "Order 17", "Order 18"]


def test_without_an_agent_the_task_fails_and_says_so(tmp_path: Path) -> None:
    command = ("{python}", "-m", "agent.examples.order_import", "{agent}", str(tmp_path / "j"))
    types = allowed([TaskType(type="order-import", command=command)], str(tmp_path / "no.sock"))
    found = asyncio.run(run_type(types, "order-import", json.dumps({"csv": CSV}).encode()))
    assert isinstance(found, Failed)
    assert (found.code, "The agent is not running" in found.why) == ("exit", True)
