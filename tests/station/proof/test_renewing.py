"""The outline of the renewal, N-28 to N-42: every notice and log text word for word, at its moment."""

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from agent.domain import effects as do
from agent.domain.effects import Effect, Note, Post, Tell
from agent.domain.envelope import DAY_MS
from agent.domain.events import ChannelOpen, LinkChanged
from agent.domain.keys import to_b64u
from agent.domain.messages import AuthRefused, Parameters, PskHello, PskOffer, PskProof, PskStored
from tests.station.hub_side import bundle
from tests.station.proof.test_proving import CONNECTING, HMAC_TIMEOUT, NEGOTIATING, REQUESTING, SUBSCRIBING
from tests.station.scene import only
from tests.station.walk import Walk
from tests.walks.members import NOW_MS

EXPIRED = bundle(not_after=NOW_MS - 1)
NEW_PSK = "Establishing Connection: New PSK Successfully Established - Resetting Connection"
BACKUP_INVALID = "Connection Failure: Invalid Backup HMAC Received"
NEW_TIMEOUT = "Connection Failure: No New PSK HMAC Received"


def expired(**facts: object) -> Walk:
    """A station whose key has expired, between the keeper and the hub."""
    return Walk(on_disk=EXPIRED, **facts)  # type: ignore[arg-type]  # fields of Walk


def forged(kind: type[Parameters]) -> object:
    def twist(_: str, params: Parameters) -> Parameters:
        return replace(params, mac="A" * 43) if isinstance(params, kind) else params

    return twist


def moments(walk: Walk, type_: str) -> list[float]:
    return [mono for mono, effect in walk.times if isinstance(effect, Post) and effect.type == type_]


def test_N_28_to_N_42_a_renewal_is_told_in_its_order_and_the_whole_way_begins_anew() -> None:  # noqa: N802
    walk = expired().connect()
    assert walk.shown == [CONNECTING, NEGOTIATING, NEW_PSK]
    assert walk.kinds() == ["psk.request", "psk.hello", "psk.offer", "SaveKeys", "psk.use", "Abort"]
    assert only(walk.deeds, do.Abort) == [do.Abort("new keys", soon=True)]
    assert walk.connect().shown[3:] == [CONNECTING, NEGOTIATING, SUBSCRIBING, REQUESTING]
    assert walk.told == walk.logged == []
    assert (walk.on_disk, walk.hub.held.pending) == (walk.hub.held.current, None)
    assert walk.core.proving.standing.gen == 2


def test_N_28_the_renewal_is_asked_for_on_the_channel_of_the_handshake() -> None:  # noqa: N802
    walk = expired(dropped={"psk.ready"}).connect()
    (request,) = walk.posts
    assert (request.type, request.channel, request.recipients) == ("psk.request", "auth", ("hub",))


def test_N_29_without_a_word_of_the_hub_the_channel_is_subscribed_after_30_seconds() -> None:  # noqa: N802
    walk = expired(dropped={"psk.ready", "psk.proof"}).connect().after(29.9)
    assert only(walk.deeds, do.Listen) == []
    assert moments(walk, "psk.request") == [1000.0, 1005.0, 1015.0]
    walk.after(0.1)
    (listen,) = only(walk.deeds, do.Listen)
    assert listen.channel == f"psk/{walk.posts[0].params.round}"  # type: ignore[attr-defined]  # a request


def test_N_29_a_hub_that_is_ready_is_not_kept_waiting() -> None:  # noqa: N802
    walk = expired(dropped={"psk.proof"}).connect()
    assert len(only(walk.deeds, do.Listen)) == 1


def test_N_29_only_the_channel_of_this_round_counts() -> None:  # noqa: N802
    walk = expired(dropped={"psk.ready"}).connect()
    walk.tell(ChannelOpen("psk/" + "0" * 32))
    walk.after(29)
    listens = [effect for effect in walk.deeds if isinstance(effect, do.Listen)]
    assert (listens, "psk.hello" in walk.sent_types) == ([], False)
    react = walk._react
    walk._react = lambda effect: None if isinstance(effect, do.Listen) else react(effect)  # type: ignore[method-assign]
    walk.after(1)
    walk.tell(ChannelOpen("psk/" + "0" * 32))
    assert "psk.hello" not in walk.sent_types


def test_N_30_the_station_says_who_it_is_on_the_channel_of_the_round() -> None:  # noqa: N802
    walk = expired(dropped={"psk.proof"}).connect()
    hello = walk.posts[-1]
    assert isinstance(hello.params, PskHello)
    assert hello.channel == f"psk/{hello.params.round}"


def test_N_31_two_minutes_without_the_backup_s_hmac_end_it() -> None:  # noqa: N802
    walk = expired(dropped={"psk.proof"}).connect().after(119.9)
    assert moments(walk, "psk.hello") == [1000.0, 1005.0, 1015.0, 1045.0]
    assert walk.told == []
    walk.after(0.1)
    assert walk.notice == HMAC_TIMEOUT
    assert walk.told == [HMAC_TIMEOUT]
    assert walk.logged == ["PSK Refresh Failure: Backup HMAC From Broker Timeout"]
    assert walk.kinds()[-3:] == ["Abort", "Note", "Tell"]
    assert only(walk.deeds, do.Abort) == [do.Abort("renewal: timeout-greeted", soon=False)]
    assert walk.on_disk == EXPIRED


def test_N_31_the_30_seconds_come_before_the_two_minutes() -> None:  # noqa: N802
    walk = expired(dropped={"psk.ready", "psk.proof"}).connect().after(149.9)
    assert walk.logged == []
    assert walk.after(0.1).logged == ["PSK Refresh Failure: Backup HMAC From Broker Timeout"]


def test_N_33_N_34_a_wrong_backup_hmac_is_published_ended_logged_and_told_in_this_order() -> None:  # noqa: N802
    walk = expired(twisted=forged(PskProof)).connect()
    assert walk.kinds() == ["psk.request", "psk.hello", "psk.failed", "Abort", "Note", "Tell"]
    assert walk.logged == ["PSK Refresh Failure: Invalid Backup HMAC Received"]
    assert walk.notice == BACKUP_INVALID
    assert walk.told == [BACKUP_INVALID]
    assert walk.state == "failed"
    assert (walk.on_disk, walk.hub.held.both) == (EXPIRED, (EXPIRED,))


def test_N_34_a_hub_that_finds_our_backup_wrong_is_told_the_same_way() -> None:  # noqa: N802
    walk = expired()
    walk.on_disk = replace(EXPIRED, backup=bytes(32))
    assert walk.connect().notice == BACKUP_INVALID
    assert walk.logged == ["PSK Refresh Failure: Invalid Backup HMAC Received"]


def test_N_36_the_new_keys_are_of_this_moment_and_travel_under_the_backup() -> None:  # noqa: N802
    walk = expired().connect()
    (offer,) = [post.params for post in walk.posts if isinstance(post.params, PskOffer)]
    new = walk.on_disk
    assert new is not None
    assert new.whole
    assert not {new.psk, new.backup} & {EXPIRED.psk, EXPIRED.backup}
    said = str(to_builtins([post.params for post in walk.posts]))
    for key in (new.psk, new.backup, EXPIRED.psk, EXPIRED.backup):
        assert to_b64u(key) not in said
        assert key.hex() not in said
    assert offer.gen == 2


def test_N_37_N_38_two_minutes_without_the_new_psk_s_hmac_end_it() -> None:  # noqa: N802
    walk = expired(dropped={"psk.stored"}).connect().after(119.9)
    assert moments(walk, "psk.offer") == [1000.0, 1005.0, 1015.0, 1045.0]
    assert walk.told == []
    walk.after(0.1)
    assert (walk.notice, walk.told) == (NEW_TIMEOUT, [NEW_TIMEOUT])
    assert walk.logged == ["PSK Refresh Failure: New PSK HMAC From Broker Timeout"]
    assert walk.kinds()[-3:] == ["Abort", "Note", "Tell"]
    assert walk.on_disk == EXPIRED
    walk.dropped.clear()
    assert walk.connect().connect().state == "proven", "the next round takes the place of the one that is pending"


def test_N_39_nothing_is_replaced_by_a_hub_that_does_not_hold_the_new_key() -> None:  # noqa: N802
    walk = expired(twisted=forged(PskStored)).connect()
    assert walk.notice == "Connection Failure: Invalid New PSK HMAC Received"
    assert walk.logged == ["PSK Refresh Failure: Invalid New PSK HMAC Received"]
    assert only(walk.deeds, do.SaveKeys) == []


def test_N_39_a_disk_that_takes_nothing_is_told_with_its_reason_and_tried_again() -> None:  # noqa: N802
    walk = expired(unsaved="The disk is full").connect()
    assert walk.notice == "Connection Failure: The New PSK Could Not Be Saved (The disk is full)"
    assert walk.logged == ["PSK Refresh Failure: New PSK Could Not Be Saved"]
    assert "psk.use" not in walk.kinds()
    assert walk.hub.held.current == EXPIRED
    walk.unsaved = ""
    assert walk.connect().connect().state == "proven"


def test_N_39_the_life_of_a_key_is_what_the_hub_says() -> None:  # noqa: N802
    walk = expired()
    walk.hub.life_ms = 7 * DAY_MS
    walk.connect()
    new = walk.on_disk
    assert new is not None
    assert (new.life_ms, new.not_after) == (7 * DAY_MS, NOW_MS + 7 * DAY_MS)


def test_N_41_a_hub_that_crashed_before_it_heard_of_the_new_key_takes_it_all_the_same() -> None:  # noqa: N802
    walk = expired(dropped={"psk.use"}).connect()
    assert walk.hub.held.current == EXPIRED
    walk.hub.restart()
    assert walk.connect().state == "proven"
    assert walk.hub.held.both == (walk.on_disk,)


def test_a_round_that_a_hub_s_crash_ended_begins_anew_at_once() -> None:
    walk = expired(dropped={"psk.offer"}).connect()
    walk.hub.restart()
    walk.dropped.clear()
    walk.after(5)
    assert walk.sent_types.count("psk.request") == 2
    assert walk.notice == NEW_PSK


def test_a_hub_that_begins_rounds_anew_for_ever_is_one_that_is_silent() -> None:
    walk = expired(dropped={"psk.stored"}).change("connecting")
    walk.tell(LinkChanged("mqtt", "proving", gated=True))
    for _ in range(4):
        walk.settle()
        offer = walk.posts[-1].params
        assert isinstance(offer, PskOffer)
        walk.hub_says(AuthRefused(about=offer.round, code="again"), f"psk/{offer.round}")
    assert walk.sent_types.count("psk.request") == 4
    assert walk.notice == NEW_TIMEOUT


@pytest.mark.parametrize(
    ("gen", "code", "log"),
    [
        (0, "replaced", "PSK Refresh Failure: PSK Was Replaced"),
        (1, "unknown", "PSK Refresh Failure: PSK Not Known To Broker"),
        (2, "restored", "PSK Refresh Failure: Broker Knows Only An Older PSK"),
    ],
)
def test_a_backup_of_another_image_is_refused_aloud(gen: int, code: str, log: str) -> None:
    walk = expired()
    walk.on_disk = bundle(gen, not_after=NOW_MS - 1, seed=5)
    walk.connect()
    assert walk.logged == [log]
    assert only(walk.deeds, do.Abort) == [do.Abort(f"renewal: {code}")]
    assert len(walk.told) == 1


def test_a_connection_that_breaks_while_the_new_keys_are_written_changes_nothing() -> None:
    walk = expired(dropped={"psk.stored"}).connect()
    walk.dropped.clear()
    slow: list[do.SaveKeys] = []
    react = walk._react

    def slowly(effect: Effect) -> None:
        slow.append(effect) if isinstance(effect, do.SaveKeys) else react(effect)

    walk._react = slowly  # type: ignore[method-assign]  # a disk that takes longer than the connection lasts
    walk.after(5)
    (save,) = slow
    walk.change("down")
    walk.tell(LinkChanged("mqtt", "connecting", gated=True))
    walk.tell(LinkChanged("mqtt", "proving", gated=True))
    walk._next.appendleft(lambda: walk.tell(walk._save(save.bundle)))  # the disk is asked in turn
    walk.settle()
    assert walk.state == "proven"
    assert walk.hub.held.both == (walk.on_disk,)
    assert only(walk.deeds, do.Abort) == []


def test_the_log_line_is_one_line_and_the_notice_one_on_the_desktop() -> None:
    walk = expired(twisted=forged(PskProof)).connect()
    (note,) = only(walk.deeds, Note)
    assert note == Note("psk-failure", {"text": "PSK Refresh Failure: Invalid Backup HMAC Received"})
    (tell,) = only(walk.deeds, Tell)
    assert tell.key == "connection"
