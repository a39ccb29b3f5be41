"""What the window knows, what is possible now, and why not."""

import pytest

from agent.ui.texts.window import window_texts
from agent.ui.window.model.model import Model, gone, is_dark, language, told
from agent.ui.window.model.shapes import Can, Labels
from tests.ui.window import sample

ENGLISH = window_texts("en")
REQUESTING = "Requesting Active Objects - This May Take Up To 2 Minutes - Only Create New Objects During This Time"


def model(**can: object) -> Model:
    """A model whose agent says what it can."""
    known: Can = {"page": True, "edit": True, "create": True, **can}  # type: ignore[typeddict-item]
    return told(Model({}), {"state": {"status": {"can": known}}})


def test_before_the_first_state_nothing_is_known_and_nothing_possible() -> None:
    empty = Model({})
    assert (empty.orders, empty.pages, empty.members, empty.labels) == ([], [], [], {})
    assert empty.why_not("create", ENGLISH) == "The agent is not running"


def test_everything_is_possible_unless_the_agent_says_no() -> None:
    assert [model().why_not(deed, ENGLISH) for deed in ("page", "edit", "create")] == ["", "", ""]


def test_while_orders_are_fetched_one_can_only_create_them() -> None:
    syncing = model(page=False, edit=False)
    assert syncing.syncing
    assert syncing.why_not("create", ENGLISH) == ""
    assert syncing.why_not("edit", ENGLISH) == REQUESTING
    assert syncing.why_not("page", ENGLISH) == REQUESTING


def test_the_agents_own_reason_is_shown() -> None:
    assert model(create=False, edit=False, why="Not enrolled yet").why_not("create", ENGLISH) == "Not enrolled yet"


def test_without_a_reason_it_is_said_that_it_is_not_possible() -> None:
    assert model(page=False).why_not("page", ENGLISH) == "Not possible at the moment"


def test_a_part_that_did_not_change_stays() -> None:
    before = told(Model({}), {"state": sample.evening(0)})
    after = told(before, {"state": {"orders": []}})
    assert after.orders == []
    assert after.pages == before.pages != []


def test_when_the_agent_is_gone_the_last_state_stays_readable() -> None:
    after = gone(told(Model({}), {"state": sample.evening(0)}))
    assert after.orders
    assert not after.agent
    assert not after.syncing
    assert after.why_not("page", ENGLISH) == "The agent is not running"


def test_orders_and_pages_are_found_by_their_id() -> None:
    known = told(Model({}), {"state": sample.evening(0)})
    found, page = known.order("o1"), known.page("p3")
    assert found is not None
    assert found["title"] == "Table 4 - birthday"
    assert page is not None
    assert page["answered_by"] == "Ben"
    assert known.order(None) is known.order("gone") is known.page(None) is None


@pytest.mark.parametrize(
    ("labels", "seconds"), [({}, 5), ({"timer_s": 30}, 30), ({"timer": False}, 0), ({"timer_s": 0}, 1)]
)
def test_ages_are_repainted_as_configured(labels: Labels, seconds: int) -> None:
    assert Model({"texts": labels}).timer_s == seconds


@pytest.mark.parametrize(("given", "spoken"), [("de", "de"), ("en", "en"), ("fr", "en"), ("", "en")])
def test_a_language_we_do_not_have_is_english(given: str, spoken: str) -> None:
    assert language({"language": given}) == spoken


@pytest.mark.parametrize("theme", ["dark", "dark_blue", "dark_red", "dark_purple", "super_dark", "h4x0r"])
def test_dark_themes_are_dark(theme: str) -> None:
    assert is_dark({"theme": theme}, lambda: False)


@pytest.mark.parametrize("theme", ["light", "light_blue", "light_green", "pride", "", "unknown"])
def test_all_others_are_light(theme: str) -> None:
    assert not is_dark({"theme": theme}, lambda: True)


@pytest.mark.parametrize("usual", [True, False])
def test_auto_is_what_the_desktop_looks_like(usual: bool) -> None:
    assert is_dark({"theme": "auto"}, lambda: usual) == usual


def test_a_list_that_says_nothing_new_is_not_taken_for_a_new_one() -> None:
    before = told(Model({}), {"state": sample.evening(0)})
    after = told(before, {"state": {**sample.evening(0), "pages": []}})
    assert after.orders is before.orders
    assert after.pages == []
