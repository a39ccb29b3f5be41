"""Who may do what, cell by cell as the design's table says."""

import pytest

from agent.domain.audience import Audience, Kind
from agent.domain.envelope import SIGNAL_TYPES
from agent.domain.messages import PARAMETERS
from agent.domain.rights import RANKS, may, may_invite

KINDS: tuple[Kind, ...] = ("station", "person", "role", "all", "hub")
PAGES = {"display": 0, "staff": 3, "lead": 5, "worker": 0, "admin": 5, "hub": 5}
HUB_ONLY = ("order.part", "ledger.entry", "ledger.head")


def audience(kind: Kind) -> Audience:
    return Audience(kind, "kitchen" if kind in ("station", "person", "role") else "")


@pytest.mark.parametrize("rank", RANKS)
def test_pages(rank: str) -> None:
    for type_ in ("page.new", "page.withdraw"):
        assert sum(may([rank], type_, audience(kind)) for kind in KINDS) == PAGES[rank]


@pytest.mark.parametrize("rank", RANKS)
def test_answers_orders_and_the_hub_s_own(rank: str) -> None:
    assert may([rank], "page.answer", audience("station")) is (rank != "display")
    anywhere = rank in ("lead", "admin", "hub")
    assert may([rank], "order.put", audience("role")) is anywhere
    assert may([rank], "order.delete", audience("all")) is (anywhere or rank == "staff")
    for type_ in HUB_ONLY:
        assert may([rank], type_, audience("all")) is (rank == "hub")
    assert may_invite([rank]) is (rank in ("admin", "hub"))


def test_staff_change_the_lists_of_their_own_roles() -> None:
    assert may(["kitchen"], "order.put", Audience("role", "kitchen"))
    assert not may(["front-desk"], "order.put", Audience("role", "kitchen"))


@pytest.mark.parametrize("rank", RANKS[:-1])
def test_signals_and_texts_go_from_one_station_to_another_and_a_login_to_the_hub(rank: str) -> None:
    for type_ in (*SIGNAL_TYPES, "text"):
        assert [kind for kind in KINDS if may([rank], type_, audience(kind))] == ["station"]
    assert [kind for kind in KINDS if may([rank], "signal.login", audience(kind))] == ["hub"]
    assert not may([rank], "signal.other", audience("station"))


@pytest.mark.parametrize("rank", RANKS[:-1])
def test_anybody_gives_entries_to_one_station_or_to_the_hub_and_never_to_a_crowd(rank: str) -> None:
    assert [kind for kind in KINDS if may([rank], "ledger.part", audience(kind))] == ["station", "hub"]
    assert all(may([rank], "ledger.fork", audience(kind)) for kind in KINDS)


def test_an_unknown_type_is_nobody_s_right_but_the_hub_s() -> None:
    assert not may(["admin"], "no.such", audience("hub"))
    assert {"probe", "receipt"} <= set(PARAMETERS)
