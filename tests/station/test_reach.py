"""Who is there and what time it is: believed only from the hub's answer to our own question."""

import pytest

from agent.domain.audience import Audience
from agent.domain.effects import Anchor, Post, Reply, WakeAt
from agent.domain.events import LinkChanged, PeersReached, PingAsked
from agent.domain.messages import PageNew, Presence, Probe
from agent.domain.names import HUB
from agent.hub.core import AWAY_TURNS, HEAD_S
from agent.station.reach import MOST_PINGS, PROBE_S, SILENT_BY_MAIL_S, SILENT_S
from tests.station.scene import EVERYBODY, KITCHEN, Scene, ident, only
from tests.walks.members import NOW_MS


def probes(scene: Scene) -> list[Post]:
    return [post for post in scene.posts if post.type == "probe"]


def test_a_fresh_link_is_probed_at_once_and_then_every_twenty_seconds() -> None:
    scene = Scene()
    scene.up()
    assert len(probes(scene)) == 1
    scene.wait(2 * PROBE_S + 1)
    assert len(probes(scene)) == 3
    scene.tell(LinkChanged("mqtt", "down"))
    scene.wait(2 * PROBE_S)
    assert len(probes(scene)) == 3


def test_the_answer_brings_the_time_the_round_trip_and_who_is_there() -> None:
    scene = Scene(anchored=False, ms=NOW_MS - 10**10)
    scene.up()
    effects = scene.hub_answers(after=0.2, ms=NOW_MS)
    assert only(effects, Anchor) == [Anchor(NOW_MS + 100, scene.mono)]
    assert WakeAt(scene.mono) in effects
    reach = scene.core.reach
    assert reach.hub_rtt_ms == pytest.approx(200)
    assert reach.live == {"front", "stove", "oven"}
    assert reach.reachable(KITCHEN) == 1
    assert reach.reachable(Audience("person", "anna")) == 1
    assert reach.hub_live(scene.now)
    scene.wait(SILENT_S + 1)
    assert not reach.hub_live(scene.now)


def test_an_answer_counts_once_and_only_for_a_question_of_ours() -> None:
    """It is not judged by any clock, so a recorded one must be worth nothing: neither twice nor in another run."""
    scene = Scene(anchored=False)
    scene.up()
    question = probes(scene)[-1]
    answer = Probe(n=1, time=NOW_MS - 10**12)
    for re in (None, ident(99)):
        assert only(scene.arrives(HUB, answer, re=re), Anchor) == []
    assert only(scene.arrives("front", answer, re=question.id), Anchor) == []
    assert only(scene.arrives(HUB, answer, re=question.id), Anchor)
    assert only(scene.arrives(HUB, answer, re=question.id), Anchor) == []


def test_questions_that_were_never_answered_are_forgotten() -> None:
    scene = Scene()
    scene.up()
    scene.wait(3600)
    assert len(scene.core.reach._sent) <= SILENT_S / PROBE_S + 1


def test_by_mail_the_hub_need_not_answer_but_write_now_and_then() -> None:
    scene = Scene()
    scene.start()
    scene.tell(LinkChanged("mail", "up"))
    assert not scene.core.reach.hub_live(scene.now)
    scene.arrives(HUB, Presence(up=True), link="mail")
    scene.wait(3600)
    assert scene.core.reach.hub_live(scene.now)
    scene.wait(SILENT_BY_MAIL_S)
    assert not scene.core.reach.hub_live(scene.now)


def test_a_hub_that_writes_as_often_as_ours_does_is_not_called_silent_for_an_hour_of_delay() -> None:
    assert SILENT_BY_MAIL_S > AWAY_TURNS * HEAD_S + 3600


def test_whoever_writes_a_mail_was_there_and_need_not_be_now() -> None:
    scene = Scene()
    scene.start()
    scene.tell(LinkChanged("mail", "up"))
    scene.arrives("front", PageNew(), link="mail")
    assert scene.core.reach.live == frozenset()


def test_mail_is_no_way_to_know_who_is_there() -> None:
    scene = Scene()
    scene.up()
    scene.hub_answers()
    scene.tell(LinkChanged("mail", "up"))
    scene.tell(LinkChanged("mqtt", "down", "cut"))
    assert scene.core.reach.live == frozenset()


def test_without_a_link_nobody_is_there() -> None:
    scene = Scene()
    scene.up()
    scene.hub_answers()
    scene.tell(LinkChanged("mqtt", "down", "cut"))
    assert scene.core.reach.live == frozenset()
    assert not scene.core.reach.connected
    assert scene.core.reach.since["mqtt"] == scene.ms


def test_a_message_of_a_station_proves_that_it_is_there() -> None:
    scene = Scene()
    scene.up()
    scene.arrives("front", PageNew())
    scene.arrives(HUB, Presence(up=True), to=EVERYBODY)
    assert scene.core.reach.live == {"front"}


def test_whoever_has_a_direct_way_is_there_whatever_the_hub_says() -> None:
    scene = Scene()
    scene.tell(LinkChanged("p2p", "up"))
    scene.tell(PeersReached(frozenset({"oven"})))
    assert scene.core.reach.there == {"oven"}
    assert scene.core.reach.reachable(KITCHEN) == 1
    assert not scene.core.reach.hub_live(scene.now)
    scene.tell(PeersReached(frozenset()))
    assert scene.core.reach.there == frozenset()


def test_a_ping_over_a_direct_way_is_answered_over_the_same_and_no_other_is() -> None:
    scene = Scene()
    (answer,) = only(scene.arrives("oven", Probe(n=7), link="p2p"), Post)
    assert (answer.recipients, answer.params, answer.over, answer.want) == (("oven",), Probe(n=7), "p2p", 0)
    assert answer.re is not None
    assert only(scene.arrives("oven", Probe(n=7)), Post) == []


def test_the_answer_to_a_ping_goes_to_whoever_asked_once() -> None:
    scene = Scene()
    (asked,) = only(scene.tell(PingAsked("oven", "p2p", ticket=5)), Post)
    assert (asked.over, asked.recipients, asked.type) == ("p2p", ("oven",), "probe")
    assert only(scene.arrives("oven", Probe(n=0), re=ident(1), link="p2p"), Reply) == []
    assert only(scene.arrives("oven", Probe(n=0), re=asked.id), Reply) == []
    assert only(scene.arrives("oven", Probe(n=0), re=asked.id, link="p2p"), Reply) == [Reply(5)]
    assert only(scene.arrives("oven", Probe(n=0), re=asked.id, link="p2p"), Reply) == []
    for ticket in range(1000):
        scene.tell(PingAsked("oven", "p2p", ticket))
    assert len(scene.core.reach._pings) <= MOST_PINGS


def test_a_station_says_good_bye() -> None:
    (post,) = only(Scene().core.reach.leaving(), Post)
    assert (post.params, post.recipients, post.want) == (Presence(up=False), (HUB,), 0)
