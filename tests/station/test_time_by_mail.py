"""What time it is where only mail says so: no page of the past rings, and none that is in time is lost."""

import pytest

from agent.domain.effects import Acknowledge, Anchor, NotBefore
from agent.domain.events import LinkChanged, Woke
from agent.domain.messages import AuthProof, LedgerPart, OrderPart
from agent.domain.names import HUB
from agent.domain.page import Ring
from agent.station.orders.seldom import FIRST_S
from agent.station.pages.ringing import HOLD_BY_MAIL_S, HOLD_S
from agent.station.reach import TELLS_BY_MAIL_S
from tests.station.scene import Scene, crew, ident, only, shown
from tests.walks.crowd import signed_head
from tests.walks.members import NOW_MS


def test_by_mail_the_hub_s_word_of_any_kind_says_what_is_over_and_none_of_it_rings() -> None:
    """Nothing else ever tells such a station the time: each morning it would ring for all the pages of the night."""
    scene = Scene(anchored=False)
    scene.tell(LinkChanged("mail", "up"))
    for number in range(3):
        assert shown(scene.paged(number, at=NOW_MS - 8 * 3_600_000, link="mail")) == []
    assert shown(scene.wait(HOLD_S + 5)) == []
    effects = [*scene.arrives(HUB, LedgerPart(entries=()), link="mail"), *scene.wait(HOLD_BY_MAIL_S)]
    assert shown(effects) == []
    assert [told.why for told in only(effects, Acknowledge)] == ["missed"] * 3
    scene.paged(4, at=NOW_MS - 8 * 3_600_000, link="mail")
    assert scene.page(4).ring is Ring.MISSED


def test_by_mail_an_old_word_of_the_hub_ends_no_page_and_a_page_that_seems_old_rings_in_the_end() -> None:
    scene = Scene(anchored=False, ms=NOW_MS + 5 * 3_600_000)
    scene.arrives(HUB, LedgerPart(entries=()), link="mail", at=NOW_MS - 3_600_000)
    scene.paged(at=NOW_MS, link="mail")
    assert shown(scene.wait(HOLD_BY_MAIL_S + 1)) == [ident(1)]


@pytest.mark.parametrize("known", [True, False])
def test_what_the_hub_signed_before_a_restart_still_says_what_is_over(known: bool) -> None:
    """A provider that shows a mail of last week again, whose id is forgotten by now, makes nobody run."""
    scene = Scene(anchored=False, ms=NOW_MS - 10**10)
    if known:
        scene.disk["head", HUB] = signed_head(crew(), crew().ledger, NOW_MS)
    scene.restart()
    old = scene.paged(at=NOW_MS - 7 * 86_400_000, link="mail")
    assert shown([*old, *scene.wait(1)]) == ([] if known else [ident(1)])


@pytest.mark.parametrize(("trip_s", "known"), [(2, True), (TELLS_BY_MAIL_S + 1, False)])
def test_by_mail_an_answer_that_comes_at_once_tells_the_time_and_a_late_one_only_what_is_over(
    trip_s: float, known: bool
) -> None:
    scene = Scene(anchored=False, ms=NOW_MS - 10**10)
    scene.tell(LinkChanged("mail", "up"))
    question = scene.posts[-1]
    scene.mono += trip_s
    for _ in range(2):
        scene.arrives(HUB, OrderPart(i=0, n=1, upto=1, items=()), link="mail", at=NOW_MS, re=question.id)
    assert scene.anchored == known
    assert scene.now.sure_ms == NOW_MS + (trip_s * 500 if known else 0)
    scene.paged(at=NOW_MS)
    assert scene.page().unverified == (not known)


def test_nobody_else_tells_the_time_by_an_answer_and_the_hub_only_where_it_answers_no_probe() -> None:
    scene = Scene(anchored=False)
    scene.tell(LinkChanged("mail", "up"))
    scene.arrives("boss", OrderPart(i=0, n=1, upto=1, items=()), link="mail", re=scene.posts[-1].id)
    scene.arrives(HUB, OrderPart(i=0, n=1, upto=1, items=()), link="mail", re=ident(99))
    question = scene.posts[-1]
    scene.up()
    scene.arrives(HUB, OrderPart(i=0, n=1, upto=1, items=()), link="mail", re=question.id)
    assert not scene.anchored


def test_a_hub_that_has_yet_to_prove_itself_tells_no_time() -> None:
    scene = Scene(anchored=False)
    proof = AuthProof(n_s="A" * 43, n_h="A" * 43, not_after=NOW_MS, mac="A" * 43)
    effects = scene.arrives(HUB, proof, channel="auth", at=NOW_MS + 10**9)
    assert only(effects, NotBefore) == []
    assert only(effects, Anchor) == []


def test_a_question_that_was_asked_twice_tells_no_time_by_the_answer_to_the_first() -> None:
    """They have one id: an answer that was ten minutes under way would be taken for one of a second."""
    scene = Scene(anchored=False)
    scene.tell(LinkChanged("mail", "up"))
    scene.mono += FIRST_S
    scene.tell(Woke())
    scene.mono += 1
    first, second = [post for post in scene.posts if post.type == "order.list"]
    assert first.id == second.id
    scene.arrives(HUB, OrderPart(i=0, n=1, upto=1, items=()), link="mail", at=NOW_MS, re=first.id)
    assert not scene.anchored
