"""Keys on one disk from two hands: what a person fetched with an invite outlives a renewal that ends late."""

import asyncio
from collections.abc import Callable

from agent.domain import effects as do
from agent.domain.bundle import Bundle
from agent.domain.events import Event, KeysRead, KeysSaved
from agent.station.door import Door
from agent.system.psk_file import KeyUnusable
from tests.station.hub_side import bundle
from tests.walks.members import NOW_MS

OLD, ENROLLED = bundle(1, not_after=NOW_MS), bundle(3, not_after=NOW_MS, seed=1)
RENEWED = bundle(2, not_after=NOW_MS)


class Disk:
    """One file; None is one that cannot be read."""

    def __init__(self) -> None:
        self.held: Bundle | None = OLD
        self.events: list[Event] = []
        self.door = Door(router=None, handle=self.events.append, load=self.load, save=self.save)  # type: ignore[arg-type]

    def load(self) -> Bundle:
        if self.held is None:
            raise KeyUnusable("damaged", "")
        return self.held

    def save(self, new: Bundle) -> None:
        self.held = new

    def does(self, *steps: do.Effect | Callable[[], None]) -> list[Event]:
        async def run() -> None:
            for step in steps:
                before = len(self.events)
                if callable(step):
                    step()
                    continue
                self.door.deeds[type(step)](step)
                while len(self.events) == before:
                    await asyncio.sleep(0)

        asyncio.run(run())
        return self.events

    def enrol(self) -> None:
        self.held = ENROLLED

    def lose(self) -> None:
        self.held = None


def test_a_renewal_that_ends_late_does_not_take_back_keys_that_were_fetched_meanwhile() -> None:
    disk = Disk()
    _, saved = disk.does(do.ReadKeys(), disk.enrol, do.SaveKeys(RENEWED))
    assert isinstance(saved, KeysSaved)
    assert (saved.ok, disk.held) == (False, ENROLLED)
    assert "meanwhile" in saved.why


def test_new_keys_take_the_place_of_those_they_were_made_from() -> None:
    disk = Disk()
    another = bundle(3, not_after=NOW_MS)
    events = disk.does(do.ReadKeys(), do.SaveKeys(RENEWED), do.ReadKeys(), do.SaveKeys(another))
    assert [event.ok for event in events if isinstance(event, KeysSaved)] == [True, True]
    assert disk.held == another


def test_new_keys_take_the_place_of_what_was_damaged_meanwhile() -> None:
    disk = Disk()
    assert KeysSaved(ok=True) in disk.does(do.ReadKeys(), disk.lose, do.SaveKeys(RENEWED))
    assert disk.held == RENEWED


def test_fetched_keys_that_were_read_are_renewed_like_any_others() -> None:
    disk = Disk()
    newer = bundle(4, not_after=NOW_MS)
    events = disk.does(do.ReadKeys(), disk.enrol, do.ReadKeys(), do.SaveKeys(newer))
    assert KeysRead(ENROLLED) in events
    assert disk.held == newer
