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
from agent.domain.text import clean
from agent.examples import order_import
from agent.examples.order_import import MOST_REFUSED, import_rows
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
            made = {"id": f"id-{len(self.orders)}", **{name: tidy(value) for name, value in fields.items()}}
            self.orders.append(made)
        self.step()
        return {"order": made["id"]} if made else self.orders


def tidy(value: str | bool) -> str | bool:
    """A value as agents write it."""
    return " ".join(clean(value).split()) if isinstance(value, str) else value


def result(made: int = 0, before: int = 0, refused: list[dict[str, Any]] | None = None, more: int = 0) -> Any:
    return {"made": made, "before": before, "refused": refused or [], "more_refused": more}


def imported(agent: Agent, journal: Path, **data: str) -> Any:
    with Journal(journal) as kept:
        return import_rows(agent, kept, {"csv": CSV, **data})


def titles(agent: Agent) -> list[str]:
    return sorted(one["title"] for one in agent.orders)


def test_rows_become_orders_and_two_same_rows_two(tmp_path: Path) -> None:
    agent = Agent()
    assert imported(agent, tmp_path / "j") == result(made=3)
    assert titles(agent) == ["Order 17", "Order 17", "Order 18"]
    assert [one["flag_a"] for one in agent.orders] == [True, False, True]
    assert imported(agent, tmp_path / "j") == result(before=3)


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
    assert found == result(made=1, refused=[{"row": 1, "why": "The title is missing"}])


@pytest.mark.parametrize("text", ["", "x", "Order 17;0171\n", "title,price\nOrder 17,3\n"])
def test_a_file_without_our_columns_is_refused_as_a_whole(tmp_path: Path, text: str) -> None:
    agent = Agent()
    with pytest.raises(ValueError, match="the first row names the columns"):
        imported(agent, tmp_path / "j", csv=text)
    assert agent.orders == []


@pytest.mark.parametrize("others", [0, 2])
@pytest.mark.parametrize("title", ["Order  17", "Order\t17", "Cafe\u0301", '"Order\n17"'])
def test_a_row_the_agent_tidies_up_is_found_again_after_a_crash(tmp_path: Path, title: str, others: int) -> None:
    agent = Agent()
    for _ in range(others):  # made by hand: they are not the row's
        agent.request("order.add", fields={"title": title.strip('"'), "subtitle": "", "flag_a": False, "flag_b": False})
    agent.end_after = 4  # made, and not yet told
    with pytest.raises(Ended):
        imported(agent, tmp_path / "j", csv=f"title\n{title}\n")
    assert len(agent.orders) == others + 1
    agent.end_after = -1
    assert imported(agent, tmp_path / "j", csv=f"title\n{title}\n") == result(before=1)
    assert len(agent.orders) == others + 1


def test_a_row_that_was_not_made_in_a_crash_is_made_though_there_are_others_like_it(tmp_path: Path) -> None:
    agent = Agent()
    agent.request("order.add", fields={"title": "Order 17", "subtitle": "", "flag_a": False, "flag_b": False})
    agent.end_after = 3  # begun, and not yet made
    with pytest.raises(Ended):
        imported(agent, tmp_path / "j", csv="title\nOrder 17\n")
    agent.end_after = -1
    assert imported(agent, tmp_path / "j", csv="title\nOrder 17\n") == result(made=1)
    assert titles(agent) == ["Order 17", "Order 17"]


def test_a_comma_too_many_makes_no_false_order(tmp_path: Path) -> None:
    agent = Agent()
    found = imported(agent, tmp_path / "j", csv="title,subtitle\nOrder 17, urgent,0171 555\nOrder 18,,,\n")
    (refused,) = found.pop("refused")
    assert (refused["row"], "more cells" in refused["why"], found["made"]) == (1, True, 1)
    assert titles(agent) == ["Order 18"]


def test_a_text_in_quotes_may_go_over_lines_and_other_signs_end_none(tmp_path: Path) -> None:
    agent = Agent()
    imported(agent, tmp_path / "j", csv='title\r\n"Order\r\n17"\r\nTable\u2028 4\r\n')
    assert titles(agent) == ["Order 17", "Table 4"]


@pytest.mark.parametrize("text", ['title\nOrder 17\n"Order 18\nOrder 19\n', f"title\nOrder 17\n{'x' * (1 << 18)}\n"])
def test_a_file_that_cannot_be_read_to_its_end_makes_nothing(tmp_path: Path, text: str) -> None:
    agent = Agent()
    with pytest.raises(ValueError, match="cannot be read"):
        imported(agent, tmp_path / "j", csv=text)
    assert agent.orders == []


def test_what_it_says_of_a_huge_file_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said_lines = list[str]()
    monkeypatch.setattr(order_import, "progress", lambda _, text: said_lines.append(text))
    found = imported(Agent(), tmp_path / "j", csv="title,subtitle\n" + ",x\n" * 1000)
    assert (len(found["refused"]), found["more_refused"]) == (MOST_REFUSED, 1000 - MOST_REFUSED)
    assert (len(said_lines), said_lines[-1]) == (order_import.STEPS, "row 1000 of 1000")


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
    assert first == said(result(made=3))
    assert heard[-1] == Progress(1.0, "row 3 of 3")
    assert asyncio.run(run_type(types, "order-import", data)) == said(result(before=3))
    with connect(profile) as line:
        assert sorted(one["title"] for one in line.request("orders")) == ["Order 17", "Order 17", "Order 18"]


def test_without_an_agent_the_task_fails_and_says_so(tmp_path: Path) -> None:
    command = ("{python}", "-m", "agent.examples.order_import", "{agent}", str(tmp_path / "j"))
    types = allowed([TaskType(type="order-import", command=command)], str(tmp_path / "no.sock"))
    found = asyncio.run(run_type(types, "order-import", json.dumps({"csv": CSV}).encode()))
    assert isinstance(found, Failed)
    assert (found.code, "The agent is not running" in found.why) == ("exit", True)
