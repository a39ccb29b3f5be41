"""Letters of an enrolment that come to a station which is one already: for whoever waits for them, else put away."""

from pathlib import Path

from agent.links.base import Delivery
from agent.station.enrolment.letters import MOST_LEFT, before
from agent.system.credentials import PENDING
from agent.wire.enrol_letter import Step, write_enrol_letter

LETTER = write_enrol_letter(Step.DONE, b"x" * 100)


class Box:
    """Gives out containers, and counts those it may put away."""

    def __init__(self, secrets_folder: Path) -> None:
        self.accepted, self.passed_on = 0, list[bytes]()
        self._arrived = before(lambda delivery: self.passed_on.append(delivery.sealed), secrets_folder)

    def brings(self, sealed: bytes) -> None:
        self._arrived(Delivery("mail", None, sealed, self._accept))

    def _accept(self) -> None:
        self.accepted += 1


def test_a_late_letter_is_put_away_and_the_router_does_not_see_it(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.brings(LETTER)
    box.brings(b"NMR1" + b"x" * 100)
    assert (box.accepted, box.passed_on) == (1, [b"NMR1" + b"x" * 100])


def test_letters_stay_for_a_command_that_waits_for_them_but_not_without_end(tmp_path: Path) -> None:
    (tmp_path / PENDING).touch()
    box = Box(tmp_path)
    for _ in range(MOST_LEFT):
        box.brings(LETTER)
    assert box.accepted == 0
    box.brings(LETTER)
    assert (box.accepted, box.passed_on) == (1, [])
