"""Make the pictures of the README from the real product: python -m tests.desktop.make_pictures.

An evening in a restaurant is played on a virtual desktop; then anna's agent is stopped, and what it remembers is moved
into the past, so that nothing in the pictures happened all at once.
"""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from tests.desktop.tray import PATIENCE
from tests.desktop.workplace import Workplace
from tests.servers.programs import until
from tests.servers.witness import Witness

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
OTHERS = (
    ("kitchen", "ben", "kitchen"),
    ("grill", "clara", "kitchen"),
    ("bar", "dmitri", "bar"),
    ("cellar", "eda", "warehouse"),
)
ORDERS: tuple[tuple[str, str, bool, bool, float], ...] = (
    ("Table 12", "0171 5550123", True, False, 52.5),
    ("Pick-up Meyer", "0160 5551188", False, False, 41.2),
    ("Table 4 - birthday", "0171 5520341", True, True, 33.9),
    ("Delivery Harbour Street 3", "040 5552211", False, True, 24.6),
    ("Room 204", "ext. 204", False, False, 17.3),
    ("Table 7", "", True, False, 9.8),
    ("Table 9", "", False, False, 2.2),
)
"""Title, phone number, dessert, milkshake, minutes ago."""
MINUTE_MS = 60_000
FRAME = 24
"""Pixels of a window's title and its line above."""
GONE_S = 90.0
"""When everybody knows that a station is away."""
WALL = ((38, 70, 83), (42, 157, 143))
"""Colours of the wallpaper, from the upper left to the lower right corner."""
THEME = """\
border.width: 1
padding.width: 8
padding.height: 5
window.handle.width: 0
window.client.padding.width: 0
window.*.border.color: #b9bfc8
window.*.title.bg: flat solid
window.*.title.bg.color: #dfe3e8
window.*.label.bg: parentrelative
window.active.label.text.color: #1b222c
window.inactive.label.text.color: #6b7480
window.*.button.*.bg: parentrelative
window.*.button.*.image.color: #596372
window.label.text.justify: center
"""


class Evening:
    """The restaurant: orders by their titles, and the pages sent for them; `elsewhere` shows what others are shown."""

    def __init__(self, place: Workplace, elsewhere: Witness) -> None:
        self.place, self._elsewhere = place, elsewhere.env | {"NMR_SOUND": ""}
        self.orders: dict[str, str] = {}

    def open(self) -> None:
        """Let everybody come, and write the orders down."""
        self.place.join("front", "anna", "front-desk", '[ui]\ntheme = "light"\n')
        for station, person, role in OTHERS:
            self.place.site.enrol(station, person, role)
            self.place.site.start_station(station, self.place.desktop.env | self._elsewhere)
        for title, number, dessert, milkshake, _ in ORDERS:
            fields = {"title": title, "subtitle": number, "flag_a": dessert, "flag_b": milkshake}
            self.orders[title] = self.place.ask("front", "order.add", fields=fields)["order"]
        self.place.ask("front", "order.add", kind="item", fields={"title": "Salmon", "flag_b": True})
        self.place.ask("front", "order.add", kind="item", fields={"title": "Crème brûlée", "flag_a": True})
        live = len(OTHERS) + 1
        until(lambda: sum(one["live"] for one in self.place.state("front")["members"]) == live, "everybody", PATIENCE)
        until(lambda: len(self.place.state("kitchen")["orders"]) == len(ORDERS) + 2, "the orders everywhere", PATIENCE)

    def page(self, sender: str, to: dict[str, str], title: str = "", **more: Any) -> str:
        """Send a page; returns its id when it was shown somewhere."""
        order = self.orders.get(title)
        made: str = self.place.ask(sender, "page", to=to, order=order, **more)["page"]
        until(lambda: self._found(sender, made)["state"] == "presented", f"the page for {title}", PATIENCE)
        return made

    def answer(self, station: str, page: str, answer: str, text: str = "") -> None:
        """Answer a page; returns when its sender knows."""
        self.place.ask(station, "answer", page=page, answer=answer, text=text)
        until(lambda: self._found("front", page)["state"] == answer, f"the answer of {station}", PATIENCE)

    def _found(self, station: str, page: str) -> dict[str, Any]:
        return next(one for one in self.place.state(station)["pages"] if one["id"] == page)

    def play(self) -> dict[str, float]:
        """What happened so far; returns how many minutes ago each page shall have been sent."""
        taken = self.page("front", {"role": "kitchen"}, "Table 12")
        self.answer("kitchen", taken, "accepted")
        declined = self.page("front", {"person": "dmitri"}, "Delivery Harbour Street 3", note="can you drive?")
        self.answer("bar", declined, "declined", "bar is full")
        urgent = self.page("front", {"role": "bar"}, "Room 204", urgent=True)
        self.answer("bar", urgent, "accepted")
        self.place.site.kill("cellar")
        return {taken: 38.4, declined: 21.7, urgent: 11.1}


def change(file: Path, kind: str, deed: Callable[[str, Any], None]) -> None:
    """Change everything of a kind that a stopped agent keeps."""
    with sqlite3.connect(file) as db:
        rows = list(db.execute("SELECT id, body FROM kept WHERE kind = ?", (kind,)))
        for id_, body in rows:
            value = json.loads(body)
            deed(id_, value)
            db.execute("UPDATE kept SET body = ? WHERE kind = ? AND id = ?", (json.dumps(value).encode(), kind, id_))
    db.close()


def into_the_past(place: Workplace, evening: Evening, pages: dict[str, float]) -> None:
    """Stop anna's agent, move what it keeps, start it again."""
    ago = {evening.orders[title]: minutes for title, *_, minutes in ORDERS}

    def order(id_: str, value: Any) -> None:
        value["fields"]["created"][0] -= round(ago.get(id_, 0) * MINUTE_MS)
        value["fields"]["created"][1][0] += 1  # newer than what the hub has

    def page(id_: str, value: Any) -> None:
        past = round(pages[id_] * MINUTE_MS)
        took = {0: 14_200, 1: 21_000, 2: 9_400}[list(pages).index(id_)]
        value["at"] -= past
        for target in value["targets"].values():
            target["at"] = value["at"] + (took if target["state"] in ("accepted", "declined") else 700)
        if value["taken"]:
            value["taken"]["at"] = value["at"] + took

    place.ask("front", "quit")
    until(lambda: not place.tray.icons(), "the end of the agent", PATIENCE)
    place.site.kill("front")
    file = place.site.profile("front").data_file
    file.with_name(f"{file.name}.sum").unlink()  # the seal that shows when somebody did what we do now
    change(file, "order", order)
    change(file, "out", page)
    place.start("front")


def hang_wallpaper(place: Workplace, folder: Path) -> None:
    """A quiet wallpaper, and window frames of today."""
    width, height = place.desktop.pixels().size
    start, end = (Image.new("RGB", (width, height), colour) for colour in WALL)
    down = Image.linear_gradient("L")
    slope = Image.blend(down, down.rotate(90), 0.5).resize((width, height))
    Image.composite(end, start, slope).save(folder / "wall.png")
    place.desktop._run("display", "-window", "root", str(folder / "wall.png"))
    look = Path(place.desktop.env["HOME"], ".themes/flat/openbox-3")
    look.mkdir(parents=True)
    (look / "themerc").write_text(THEME)
    settings = Path(place.desktop.env["XDG_CONFIG_HOME"], "openbox/rc.xml")
    settings.parent.mkdir(parents=True)
    settings.write_text(
        '<openbox_config xmlns="http://openbox.org/3.4/rc"><theme><name>flat</name>'
        "<titleLayout>NLIMC</titleLayout></theme></openbox_config>"
    )
    place.desktop._run("openbox", "--reconfigure")


def keep(picture: Image.Image, name: str) -> None:
    """Write one picture, small enough for a page that many people load."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    file = PICTURES / f"{name}.png"
    picture.convert("RGB").save(file, optimize=True)
    print(f"{file}: {file.stat().st_size // 1024} KB")  # noqa: T201 - run by hand


def make() -> None:
    """Play the evening and take both pictures."""
    with Workplace(theme="light") as place, Witness() as elsewhere, TemporaryDirectory() as folder:
        evening = Evening(place, elsewhere)
        evening.open()
        into_the_past(place, evening, evening.play())
        hang_wallpaper(place, Path(folder))
        _ladders(place, evening)
        _desktop(place, evening)


def _ladders(place: Workplace, evening: Evening) -> None:
    """The window with pages in many states."""
    place.ask("front", "page", to={"person": "eda"}, order=None, note="two boxes of napkins, please")
    evening.page("front", {"role": "kitchen"}, "Table 4 - birthday", note="candles, please")
    until(lambda: any(page["late"] for page in place.state("front")["pages"]), "a late page", 60)
    evening.page("grill", {"role": "front-desk"}, "Pick-up Meyer", note="it is ready, getting cold")
    place.ask("front", "open", window="pages")
    until(place.window, "the window", PATIENCE)
    place.desktop.stop_notify()
    box = place.window()
    assert box
    keep(place.picture().crop((box[0] - 1, box[1] - FRAME, box[2] + 1, box[3] + 1)), "window")
    place.desktop.start_notify("xfce")


def _desktop(place: Workplace, evening: Evening) -> None:
    """The whole desktop: orders, somebody paging, and the menu on its way to page somebody else."""
    place.ask("front", "open", window="orders")
    place.says("front", r"Page warehouse \(nobody there\)", GONE_S)
    place.still()
    place.tray.choose(
        place.site.pid("front"),
        ("Page for an order", "Table 7", "kitchen (2)"),
        lambda: keep(place.picture(), "desktop"),
    )


if __name__ == "__main__":
    make()
