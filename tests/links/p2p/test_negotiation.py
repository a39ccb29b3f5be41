"""Two stations come to one channel, whatever the wire between them does."""

import math
import typing
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.domain.signals import SignalAnswer, SignalBye, SignalIce, SignalOffer
from agent.links.p2p import events
from agent.links.p2p.negotiation import LINGER_S, Negotiation
from agent.links.p2p.pulse import Beat
from agent.links.p2p.table import TABLE, Phase
from agent.wire.signals import offer_hash
from tests.links.p2p.sky import Ids, Sky, description, fingerprint

FP = fingerprint(7)
OFFER = SignalOffer(pc="a" * 32, n=0, fp=FP, sdp=description(FP))
ANSWER = SignalAnswer(pc="a" * 32, n=0, fp=FP, sdp=description(FP), offer_hash="A" * 43)


def lone(me: str = "bert", *, signaling: bool = True) -> Negotiation:
    """A machine whose peer is "carl"."""
    return Negotiation(me, "carl", new_id=Ids(), delays=lambda: iter([0.5] * 1000), signaling=signaling)


def called(machine: Negotiation) -> SignalOffer:
    """Let it call; what it offers."""
    (call,) = machine.handle(events.Wanted(math.inf), 0.0)
    assert isinstance(call, events.Call)
    (say,) = machine.handle(events.Described(call.pc, FP, description(FP)), 0.1)
    assert isinstance(say, events.Say)
    assert isinstance(say.signal, SignalOffer)
    return say.signal


def test_there_is_a_deed_for_every_phase_and_event() -> None:
    kinds = {*typing.get_args(events.Event), *typing.get_args(events.Signal)} - {events.Came}
    assert set(TABLE) == {(phase, kind) for phase in Phase for kind in kinds}
    assert all(callable(getattr(Negotiation, f"_{deed}")) for deed in TABLE.values())


any_pc = st.sampled_from([f"{number:032x}" for number in range(1, 6)])
any_sdp = st.sampled_from([description(FP), description(fingerprint(8)), ("v=0",)])
any_beat = st.builds(Beat, st.integers(0, 3), st.integers(0, 3), st.integers(0, 50))
any_signal = st.one_of(
    st.builds(SignalOffer, pc=any_pc, n=st.integers(0, 1), fp=st.just(FP), sdp=any_sdp),
    st.builds(SignalAnswer, pc=any_pc, n=st.integers(0, 1), fp=st.just(FP), sdp=any_sdp, offer_hash=st.just("A" * 43)),
    st.builds(SignalIce, pc=any_pc, n=st.integers(0, 3), candidate=st.just("candidate:1")),
    st.builds(SignalBye, pc=any_pc),
)
any_event: st.SearchStrategy[events.Event] = st.one_of(
    st.builds(events.Wanted, st.sampled_from([0.0, 50.0, math.inf])),
    st.sampled_from([events.Unwanted(), events.SignalingUp(), events.SignalingDown(), events.Gone(), events.Tick()]),
    st.just(events.Stopped()),
    st.builds(events.Came, any_signal, st.integers(0, 5)),
    st.builds(events.Described, any_pc, st.just(FP), st.just(description(FP))),
    st.builds(events.Opened, any_pc),
    st.builds(events.Heard, any_pc, st.one_of(st.none(), any_beat)),
    st.builds(events.Failed, any_pc, st.just("")),
)


@settings(max_examples=400)
@given(st.lists(st.tuples(any_event, st.floats(0, 20)), max_size=60), st.booleans())
def test_nothing_in_any_order_raises_or_leaves_two_attempts(story: list[tuple[events.Event, float]], up: bool) -> None:
    machine, now = lone(signaling=up), 0.0
    held: set[str] = set()
    for event, pause in story:
        now += pause
        for effect in machine.handle(event, now):
            match effect:
                case events.Call(pc) | events.Take(pc, _):
                    assert pc not in held
                    held.add(pc)
                case events.Close(pc, after):
                    held.discard(pc)
                    assert after in (0.0, LINGER_S)
        assert len(held) <= 2, "one in use and one being made"
        assert machine.use is None or machine.use in held
        assert machine.due(now) > now or machine.phase is not Phase.IDLE or machine.use is not None


@pytest.mark.parametrize("seed", range(500))
def test_a_pair_that_calls_at_once_has_one_connection_within_three_seconds(seed: int) -> None:
    chance = Random(seed)
    sky = Sky(chance)
    for me in ("anna", "bert"):
        sky.at(chance.uniform(0, 0.2), lambda me=me: sky.tell(me, events.Wanted(math.inf)))  # type: ignore[misc]
    sky.run(3)
    assert sky.agreed, [machine.phase for machine in sky.machines.values()]
    sky.run(LINGER_S)
    assert sky.connections == [sky.machines["anna"].use]
    uses = [entry for entry in sky.used if entry[2] is not None]
    assert len(uses) == 2, "each began to use one channel, once"


@settings(max_examples=150)
@given(st.randoms(use_true_random=False), st.floats(0, 0.4), st.floats(0, 2))
def test_loss_delays_and_failures_are_over_some_time_after_they_end(chance: Random, loss: float, delay: float) -> None:
    sky = Sky(chance, delay=delay, loss=loss)
    for me in ("anna", "bert"):
        sky.tell(me, events.Wanted(math.inf))
    for _ in range(6):
        sky.run(chance.uniform(0, 6))
        me = chance.choice(["anna", "bert"])
        machine = sky.machines[me]
        match chance.randrange(4):
            case 0 if machine.use:
                sky.tell(me, events.Failed(machine.use, "cut"))
            case 1:
                sky.tell(me, events.SignalingDown())
                sky.run(1)
                sky.tell(me, events.SignalingUp())
            case 2:
                sky.here.discard(me)
                sky.run(3)
                sky.here.add(me)
    sky.loss, sky.delay = 0.0, 0.2
    sky.run(60)
    assert sky.agreed
    assert sky.connections == [sky.machines["anna"].use]


def test_who_only_listens_answers_and_does_not_call() -> None:
    sky = Sky(Random(1))
    sky.tell("bert", events.Wanted(math.inf))
    sky.run(3)
    assert sky.agreed
    assert sky.sent == 2, "an offer and an answer"


def test_a_silent_peer_is_suspect_after_five_and_dead_after_twelve_seconds() -> None:
    sky = Sky(Random(1))
    sky.tell("bert", events.Wanted(math.inf))
    sky.run(5)
    began = sky.now
    sky.alive.discard("anna")
    sky.here.discard("anna")
    bert = sky.machines["bert"]
    healths: dict[str, float] = {}
    while bert.use is not None and sky.now < began + 20:
        sky.run(0.05)
        if bert.pulse is not None:
            healths.setdefault(bert.pulse.health(sky.now), sky.now - began)
    assert 3 <= healths["suspect"] <= 6
    assert 9 <= sky.now - began <= 12.1


def test_a_peer_that_returns_is_back_within_ten_seconds() -> None:
    for seed in range(30):
        sky = Sky(Random(seed))
        sky.tell("bert", events.Wanted(math.inf))
        sky.run(5)
        sky.alive.discard("anna")
        sky.here.discard("anna")
        sky.run(40)
        sky.machines["anna"] = Negotiation("anna", "bert", new_id=lambda: "f" * 32, delays=sky._delays, signaling=True)
        for sides in sky.open.values():
            sides.discard("anna")
        sky.alive.add("anna")
        sky.here.add("anna")
        sky.run(10)
        assert sky.agreed, seed


def test_whoever_is_away_is_asked_with_a_word_and_not_with_a_connection() -> None:
    sky = Sky(Random(1))
    sky.here.discard("anna")
    sky.tell("bert", events.Wanted(math.inf))
    sky.run(60)
    assert len(sky.open) == 1, "one connection was made for the first call"
    assert sky.connections == []
    assert sky.sent > 8


def test_a_restart_of_signaling_keeps_the_channel() -> None:
    sky = Sky(Random(1))
    sky.tell("bert", events.Wanted(math.inf))
    sky.run(3)
    use, sent = sky.machines["bert"].use, sky.sent
    for me in ("anna", "bert"):
        sky.tell(me, events.SignalingDown())
    sky.run(20)
    for me in ("anna", "bert"):
        sky.tell(me, events.SignalingUp())
    sky.run(20)
    assert sky.machines["bert"].use == use is not None
    assert sky.sent == sent


def test_a_doubted_channel_is_kept_until_the_new_one_has_proven_itself() -> None:
    sky = Sky(Random(3))
    sky.tell("bert", events.Wanted(math.inf))
    sky.run(5)
    bert, old = sky.machines["bert"], sky.machines["bert"].use
    assert old is not None
    sky.open[old].discard("anna")  # what bert says is lost, and what anna says too
    sky.machines["anna"]._channels.forget(old)
    sky.run(8)
    assert sky.agreed
    assert bert.use != old
    assert [pc for _, me, pc in sky.used if me == "bert"] == [old, bert.use], "never without one"
    assert sky.connections == [bert.use]


def test_a_channel_that_nobody_uses_is_closed_by_whoever_wanted_it() -> None:
    sky = Sky(Random(1))
    sky.tell("bert", events.Wanted(sky.now + 30))
    sky.run(590)
    assert sky.agreed
    sky.run(20)
    assert sky.connections == []
    sky.run(600)
    assert sky.connections == []


@pytest.mark.parametrize(
    ("sdp", "code"),
    [
        (description(fingerprint(8)), "fingerprint"),
        ((*description(FP), f"a=fingerprint:sha-256 {fingerprint(8)}"), "fingerprint"),
        ((*description(FP), f"a=fingerprint:sha-256 {FP}"), "fingerprint"),
        ((*description(FP), f"A=Fingerprint:sha-256 {fingerprint(8)}"), "fingerprint"),
        (description(FP)[:-1], "fingerprint"),
        ((*description(FP)[:-1], f"a=fingerprint:sha-1 {FP}"), "fingerprint"),
        ((*description(FP)[:-1], f"a=fingerprint:SHA-256 {FP}"), "fingerprint"),
        ((*description(FP)[:-1], f"a=fingerprint:sha-256  {FP}"), "fingerprint"),
        ((*description(FP), f"a=fingerprint:sha-512 {FP}:{FP}"), "fingerprint"),
        ((*description(FP), "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x"), "fingerprint"),
        ((*description(FP), "m=audio 9 UDP/TLS/RTP/SAVPF 0"), "medium"),
        ((*description(FP), "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"), "medium"),
        (tuple(line for line in description(FP) if not line.startswith("m=")), "medium"),
    ],
)
def test_a_description_with_another_promise_opens_nothing(sdp: tuple[str, ...], code: str) -> None:
    offer = SignalOffer(pc="a" * 32, n=0, fp=FP, sdp=sdp)
    assert lone().handle(events.Came(offer, 5), 0.0) == [events.Refuse(code)]
    machine = lone()
    made = called(machine)
    answer = SignalAnswer(pc=made.pc, n=0, fp=FP, sdp=sdp, offer_hash=offer_hash(made))
    assert machine.handle(events.Came(answer, 5), 0.2) == [events.Refuse(code)]
    assert machine.phase is Phase.CALLING


def test_an_answer_counts_only_for_the_offer_we_made() -> None:
    machine = lone()
    made = called(machine)
    good = SignalAnswer(pc=made.pc, n=0, fp=FP, sdp=description(FP), offer_hash=offer_hash(made))
    for bad, codes in (
        (SignalAnswer(pc=made.pc, n=0, fp=FP, sdp=description(FP), offer_hash="A" * 43), ["offer"]),
        (SignalAnswer(pc=made.pc, n=1, fp=FP, sdp=description(FP), offer_hash=offer_hash(made)), ["order"]),
        (SignalAnswer(pc="b" * 32, n=0, fp=FP, sdp=description(FP), offer_hash=offer_hash(made)), ["unasked"]),
    ):
        effects = machine.handle(events.Came(bad, 5), 0.2)
        assert [effect.code for effect in effects if isinstance(effect, events.Refuse)] == codes
        assert machine.phase is Phase.CALLING
    assert machine.handle(events.Came(good, 5), 0.2) == [events.Join(made.pc, good.sdp)]
    assert machine.handle(events.Came(good, 5), 0.2) == [events.Refuse("replay")]


def test_an_offer_is_taken_once_and_none_that_was_taken_back_or_not_the_first_word() -> None:
    machine = lone()
    assert machine.handle(events.Came(OFFER, 5), 0.0) == [events.Take(OFFER.pc, OFFER.sdp)]
    assert machine.handle(events.Came(OFFER, 5), 0.0) == [events.Refuse("stale")]
    machine.handle(events.Failed(OFFER.pc, ""), 1.0)
    assert machine.handle(events.Came(OFFER, 6), 2.0) == [events.Refuse("replay")]
    other = SignalOffer(pc="b" * 32, n=0, fp=FP, sdp=description(FP))
    assert machine.handle(events.Came(SignalBye(pc=other.pc), 6), 2.0) == []
    assert machine.handle(events.Came(other, 7), 2.0) == [events.Refuse("replay")]
    late = SignalOffer(pc="c" * 32, n=1, fp=FP, sdp=description(FP))
    assert machine.handle(events.Came(late, 7), 2.0) == [events.Refuse("order")]


def test_candidates_count_for_the_attempt_in_their_order_and_not_without_end() -> None:
    machine = lone()
    machine.handle(events.Came(OFFER, 5), 0.0)

    def came(pc: str, n: int) -> list[events.Effect]:
        return machine.handle(events.Came(SignalIce(pc=pc, n=n, candidate="candidate:1"), 5), 0.0)

    assert came(OFFER.pc, 2) == [events.Candidate(OFFER.pc, "candidate:1")]
    for pc, n in ((OFFER.pc, 2), (OFFER.pc, 1), ("b" * 32, 3)):
        assert came(pc, n) == [events.Refuse("order")]
    taken = [n for n in range(3, 200) if came(OFFER.pc, n) != [events.Refuse("order")]]
    assert len(taken) == 31


def test_a_last_candidate_for_a_channel_that_already_works_is_no_offence() -> None:
    machine = lone()
    machine.handle(events.Came(OFFER, 5), 0.0)
    machine.handle(events.Described(OFFER.pc, FP, description(FP)), 0.1)
    beat = next(effect.beat for effect in machine.handle(events.Opened(OFFER.pc), 0.2) if hasattr(effect, "beat"))
    machine.handle(events.Heard(OFFER.pc, Beat(1, beat.n, 0)), 0.3)
    assert machine.use == OFFER.pc
    for pc, effects in ((OFFER.pc, []), ("b" * 32, [events.Refuse("order")])):
        assert machine.handle(events.Came(SignalIce(pc=pc, n=9, candidate="candidate:1"), 6), 0.4) == effects


def test_nothing_counts_over_a_channel_that_has_not_proven_itself() -> None:
    machine = lone()
    machine.handle(events.Came(OFFER, 5), 0.0)
    machine.handle(events.Described(OFFER.pc, FP, description(FP)), 0.1)
    machine.handle(events.Opened(OFFER.pc), 0.2)
    effects = machine.handle(events.Heard(OFFER.pc, None), 0.3)
    assert effects[0] == events.Refuse("unproven")
    assert events.Close(OFFER.pc) in effects
    assert machine.use is None


def test_without_signaling_nothing_is_tried_until_it_is_back() -> None:
    machine = lone(signaling=False)
    assert machine.handle(events.Wanted(math.inf), 0.0) == []
    assert machine.due(0.0) == math.inf
    assert machine.handle(events.SignalingUp(), 5.0) == []
    assert machine.due(5.0) == 5.5
    assert [type(effect) for effect in machine.handle(events.Tick(), 5.5)] == [events.Call]


def test_who_leaves_says_so_and_the_other_closes_at_once() -> None:
    sky = Sky(Random(1))
    sky.tell("bert", events.Wanted(math.inf))
    sky.run(3)
    sky.tell("anna", events.Stopped())
    sky.tell("bert", events.Unwanted())
    sky.run(1)
    assert sky.connections == []
