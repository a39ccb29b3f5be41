"""Whatever a station goes through, its tray, window and command line can be drawn, and every entry can be clicked."""

from collections.abc import Callable, Iterator
from random import Random

import pytest

from agent.domain.audience import Audience
from agent.domain.events import AnswerGiven, GaveUp, Heard, Late, LinkChanged, OrderChanged, PageAsked, QuietAsked, Sent
from agent.domain.messages import OrderItem, OrderPut, PageAnswer
from agent.station.picture import take_picture
from agent.station.surface import Surface
from agent.system.config.schema import Config
from agent.ui.menu import tray_view
from agent.ui.report import members, pages, state, status
from agent.ui.snapshot import Snapshot
from agent.ui.texts import Texts
from agent.ui.view import Entry, OpenWindow, Quit
from tests.station.scene import EVERYBODY, KITCHEN, Scene, crew, ident
from tests.walks.desk import Drawing, Showing
from tests.walks.members import NOW_MS

LANGUAGES = ("en", "de")


def picture(scene: Scene) -> Snapshot:
    desktop = Showing()
    surface = Surface(Drawing(), desktop, desktop)
    return take_picture(scene.core, Config(), surface, ["a notice"], "keyring", scene.now)


def entries(menu: tuple[Entry, ...]) -> Iterator[Entry]:
    for entry in menu:
        yield entry
        yield from entries(entry.submenu)


def live(scene: Scene, random: Random) -> None:
    """One thing that happens at a station, of all kinds."""
    number, someone = random.randrange(12), random.choice(["front", "oven", "boss", "wall", "hub"])
    sent = list(scene.core.paging.pages) or [ident(1)]
    title = random.choice(["soup", 5, True, "x" * 300, "", None, "<b>&"])
    stamp = (NOW_MS + random.randrange(1000), 0, "boss")
    deeds: list[Callable[[], object]] = [
        scene.up,
        lambda: scene.tell(LinkChanged("mqtt", random.choice(["down", "refused", "connecting"]), "why")),
        lambda: scene.tell(LinkChanged("mail", "up")),
        lambda: scene.paged(number, someone, random.choice([None, ident(77)]), prio=random.randrange(1, 3)),
        lambda: scene.answered(someone, random.choice(["accepted", "declined"]), number),
        lambda: scene.withdrawn(someone, number),
        lambda: scene.tell(AnswerGiven(ident(number), random.choice(["accepted", "declined", "later"]))),
        lambda: scene.tell(PageAsked(random.choice([KITCHEN, Audience("person", "anna")]), note="now")),
        lambda: scene.tell(Sent(sent[-1], someone, "mqtt")),
        lambda: scene.tell(
            Heard(sent[-1], someone, random.choice(["stored", "presented", "refused"]), "dnd", 5, "mqtt")
        ),
        lambda: scene.tell(Late(sent[-1], someone)),
        lambda: scene.tell(GaveUp(sent[-1], someone, "expired")),
        lambda: scene.arrives(someone, PageAnswer(answer="accepted", person="x", text="y"), re=sent[-1]),
        lambda: scene.arrives(
            "boss", OrderPut(uuid=ident(77), kind="order", fields={"title": (title, stamp)}), to=EVERYBODY
        ),
        lambda: scene.tell(OrderChanged("", "order", {"title": "tea"}, create=True)),
        lambda: scene.tell(QuietAsked(random.choice([0, 30]))),
        lambda: scene.list_comes(OrderItem(ident(78), "item", {"title": (title, stamp)}, None), re=ident(0)),
        lambda: scene.wait(random.choice([1.0, 40.0])),
        lambda: scene.restart(random.choice([1.0, 4000.0])),
    ]
    random.choice(deeds)()


@pytest.mark.parametrize("station", ["stove", "front", "boss", "wall", "gone"])
@pytest.mark.parametrize("seed", range(2))
def test_every_moment_of_a_station_can_be_seen(station: str, seed: int) -> None:
    scene, random = Scene(station), Random(seed)
    known = {*scene.core._on, OpenWindow, Quit}
    for _ in range(60):
        live(scene, random)
        now = picture(scene)
        for language in LANGUAGES:
            texts = Texts.of(language)  # type: ignore[arg-type]  # both are languages
            view = tray_view(now, texts)
            keys = [entry.key for entry in entries(view.menu)]
            assert len(keys) == len(set(keys))
            assert tray_view(picture(scene), texts) == view
            assert {type(entry.intent) for entry in entries(view.menu) if entry.intent is not None} <= known
            assert state(now, texts)["status"] == status(now)
            assert all(page["title"] for page in pages(now, texts))
        assert len(members(now)) == len(crew().ledger.members) - 1


def test_every_entry_of_the_menu_can_be_clicked() -> None:
    scene = Scene("front")
    scene.up()
    scene.list_comes(OrderItem(ident(77), "order", {"title": ("soup", (NOW_MS, 0, "boss"))}, None))
    scene.rings(1, "stove", to=Audience("role", "front-desk"))
    scene.tell(PageAsked(KITCHEN))
    for entry in list(entries(tray_view(picture(scene), Texts.of("en")).menu)):
        if entry.enabled and entry.intent is not None and not isinstance(entry.intent, OpenWindow | Quit):
            scene.tell(entry.intent)  # type: ignore[arg-type]  # an event


def test_an_entry_keeps_its_key_while_it_means_the_same() -> None:
    scene = Scene("front")
    scene.up()
    scene.tell(PageAsked(KITCHEN, note="now"))
    texts = Texts.of("en")
    before = {entry.key for entry in entries(tray_view(picture(scene), texts).menu)}
    scene.tell(Sent(scene.sent.id, "stove", "mqtt"))
    scene.hub_answers()
    scene.rings(2, "stove", to=Audience("role", "front-desk"))
    after = {entry.key for entry in entries(tray_view(picture(scene), texts).menu)}
    assert {key for key in before - after if not key.startswith("-")} == set()
