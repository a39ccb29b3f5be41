"""A station that joined by mail asks for its members until they come, more and more seldom, and then never again."""

from agent.domain.events import LinkChanged
from agent.domain.ledger import Ledger
from agent.domain.messages import LedgerPart
from agent.domain.names import HUB
from agent.station.ledger.beginning import FIRST_S, LONGEST_S
from agent.wire.ledger import read_entry
from tests.station.scene import EVERYBODY, Scene
from tests.walks.members import Members


def newcomer() -> tuple[Scene, Members]:
    """A station that knows nothing but who its hub is, and what it has not heard yet."""
    members = Members()
    begun = read_entry(Ledger("s1"), members.frames[0])
    members.add("stove", "kitchen")
    scene = Scene(ledger=begun)
    scene.tell(LinkChanged("mail", "up"))
    return scene, members


def asked(scene: Scene) -> int:
    return sum(post.type == "ledger.get" for post in scene.posts)


def test_a_first_question_that_is_lost_is_asked_again_more_and_more_seldom() -> None:
    scene, _ = newcomer()
    assert asked(scene) == 1
    scene.wait(FIRST_S + 1)
    assert asked(scene) == 2
    scene.wait(FIRST_S)
    assert asked(scene) == 2
    scene.wait(FIRST_S + 1)
    assert asked(scene) == 3
    scene.wait(LONGEST_S)
    before = asked(scene)
    scene.wait(10 * LONGEST_S)
    assert before + 9 <= asked(scene) <= before + 12


def test_once_it_knows_itself_it_asks_no_more() -> None:
    scene, members = newcomer()
    entries = tuple(frame.decode("ascii") for frame in members.frames[1:])
    scene.arrives(HUB, LedgerPart(entries=entries), to=EVERYBODY, link="mail", head=members.ledger.short_head())
    assert scene.core.desk.me is not None
    before = asked(scene)
    scene.wait(3 * LONGEST_S)
    assert asked(scene) == before


def test_who_was_shown_out_asks_no_more_either() -> None:
    scene, members = newcomer()
    members.revoke("stove")
    entries = tuple(frame.decode("ascii") for frame in members.frames[1:])
    scene.arrives(HUB, LedgerPart(entries=entries), to=EVERYBODY, link="mail", head=members.ledger.short_head())
    before = asked(scene)
    scene.tell(LinkChanged("mail", "down"))
    scene.wait(10)
    scene.tell(LinkChanged("mail", "up"))
    scene.wait(3 * LONGEST_S)
    assert asked(scene) == before + 1
