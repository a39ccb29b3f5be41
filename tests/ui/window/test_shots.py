"""Every view in both themes and both languages, as pictures for people to look at."""

from collections.abc import Callable
from itertools import product
from time import time_ns
from typing import Literal

import pytest
from PIL import Image

from agent.ui.texts.window import window_texts
from agent.ui.window.model.shapes import Labels
from agent.ui.window.palette import DARK, LIGHT, rgb
from tests.ui.window import sample
from tests.ui.window.conftest import Opened

pytestmark = pytest.mark.desktop

SIDE = (60, 400)
"""A point of the column on the left where nothing is drawn."""
VIEWS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "orders": ("orders", ("Down", "Down"), ()),
    "new-order-error": ("new-order", (), ("Tab", "4", "7", "1", "1", "Return")),
    "page-form": ("orders", ("Down", "Down", "Return"), ("End", "Up", "Tab", "n", "o", "w")),
    "pages": ("pages", ("Down", "Return"), ()),
    "pages-waiting": ("pages", (), ()),
    "questions": ("pages", ("Tab",), ()),
    "status": ("status", (), ()),
    "status-fork": ("status", (), ()),
    "settings": ("settings", ("Tab", "Tab"), ()),
    "delete": ("orders", ("Down", "Delete"), ("Tab",)),
    "search": ("orders", ("ctrl+f", "t", "a", "b", "7"), ()),
    "fetching": ("orders", ("Down",), ()),
    "no-agent": ("orders", ("Down",), ()),
}
"""For each picture the tab, the keys pressed in the window, and those in the form that comes up."""
FORM = "New Order|Auftrag neu|Page for|Rufen wegen|Delete|L.+schen"


def colours(picture: Image.Image) -> int:
    """How many colours are in the picture."""
    found = picture.getcolors(1 << 24)
    assert found is not None
    return len(found)


@pytest.mark.parametrize(
    ("view", "language", "theme"), [*product(VIEWS, ("en", "de"), ("light", "dark"))], ids=lambda part: part
)
def test_a_view_is_drawn_in_its_theme(
    open_window: Callable[..., Opened], view: str, language: Literal["en", "de"], theme: str
) -> None:
    labels: Labels = {**(sample.GERMAN if language == "de" else sample.ENGLISH), "theme": theme}
    tab, keys, more_keys = VIEWS[view]
    now = time_ns() // 1_000_000
    state = sample.evening(now, labels, 30 if view == "orders" else 9)
    if view == "pages-waiting":
        state["pages"] += sample.incoming(now, language)
        state["status"]["unanswered"] = 2
    if view == "questions":
        state["questions"] = sample.questions(language)
    if view == "status":
        state["status"]["notices"] = ["Sound: nobody could hear it, the device is muted."]
    if view == "status-fork":
        state["status"]["state"], state["status"]["ledger"] = "degraded", {"state": "fork"}
        state["status"]["notices"] = [window_texts(language)("ledger.fork", seq="17")]
    if view == "fetching":
        state["status"]["can"] = {"page": False, "edit": False, "create": True}
    window = open_window(state, tab)
    window.key(*keys)
    if more_keys:
        window.sees(FORM)
        window.key(*more_keys)
    window.until_still()
    if view == "no-agent":
        with window.changing():
            window.agent.stop()
    picture = Image.open(window.screen.screenshot(f"window-{view}-{language}-{theme}")).convert("RGB")
    assert picture.getpixel(SIDE) == rgb((DARK if theme == "dark" else LIGHT).side)
    assert colours(picture) > 200, "words with smooth edges have many colours"
