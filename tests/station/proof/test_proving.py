"""The outline of the hub's proof, N-12 to N-27: every notice and log text word for word, at its moment."""

import pytest
from msgspec.structs import replace

from agent.domain import effects as do
from agent.domain.effects import Anchor, Note, Post, Tell, WakeAt
from agent.domain.events import LinkChanged
from agent.domain.messages import AuthConfirm, AuthProof, AuthRefused, Parameters
from agent.station.proof.proving import Proving
from tests.station.hub_side import DAY_MS, bundle
from tests.station.scene import only
from tests.station.walk import Walk
from tests.walks.members import NOW_MS

CONNECTING = "Connecting To Broker Services"
REFUSED = "Connection Failure: Client-To-Broker Authentication Failure"
NEGOTIATING = "Connection Established: Negotiating Authentication"
HMAC_TIMEOUT = "Connection Failure: Timeout During HMAC Request"
PSK_INVALID = "Connection Failure: Invalid PSK Received"
SUBSCRIBING = "Connection Success: Subscribing To Relevant Topics"
REQUESTING = "Requesting Active Objects - This May Take Up To 2 Minutes - Only Create New Objects During This Time"
LOST = "Connection Failure: The Connection Was Lost - Trying Again"
ENROL = "Ask IT For An Invite, Then Run: nmr enrol INVITE"
EXPIRED = bundle(not_after=NOW_MS - 1)


def forged(type_: str, params: Parameters) -> Parameters:
    """The hub's proof with a MAC of nobody."""
    return replace(params, mac="A" * 43) if isinstance(params, AuthProof) else params


def test_N_12_to_N_44_a_station_s_whole_way_is_told_in_its_order() -> None:  # noqa: N802 - rows of the outline
    walk = Walk().connect()
    assert walk.shown == [CONNECTING, NEGOTIATING, SUBSCRIBING, REQUESTING]
    assert walk.told == walk.logged == []
    assert walk.kinds() == ["auth.hello", "auth.confirm", "OpenInbox"]
    assert walk.state == "proven"


def test_N_12_the_user_hears_of_the_connection_before_anything_is_done() -> None:  # noqa: N802
    walk = Walk()
    effects = walk.tell(LinkChanged("mqtt", "connecting", gated=True))
    assert walk.notice == CONNECTING
    assert only(effects, Post) == []


def test_N_13_the_keys_are_looked_at_before_the_broker_is_reached() -> None:  # noqa: N802
    walk = Walk().change("connecting")
    assert only(walk.deeds, do.ReadKeys) == [do.ReadKeys()]
    assert only(walk.deeds, Post) == []


@pytest.mark.parametrize(
    ("fault", "notice"),
    [
        ("missing", f"Is Missing - {ENROL}"),
        ("unreadable", f"Cannot Be Read - {ENROL}"),
        ("damaged", f"Is Damaged - {ENROL}"),
        ("locked", "Is Locked - Unlock The Keyring, Or Ask IT For An Invite"),
    ],
)
def test_N_13_keys_that_cannot_be_used_are_told_with_the_way_out(fault: str, notice: str) -> None:  # noqa: N802
    words = f"Connection Failure: The Key Of This Station {notice}"
    walk = Walk(fault=fault).change("connecting")
    assert (walk.notice, walk.state) == (words, "failed")
    walk.change("proving")
    assert walk.notice == words
    assert walk.told == [words], "once, not at each attempt"
    assert only(walk.deeds, do.Abort) == [do.Abort(f"key {fault}")]
    assert only(walk.deeds, Post) == []
    assert walk.connect().told == [words]


def test_N_13_another_station_s_key_and_a_missing_backup_have_their_own_words() -> None:  # noqa: N802
    foreign, backup = Walk(fault="foreign").connect(), Walk(fault="backup-missing").connect()
    assert foreign.notice == f"Connection Failure: The Key Belongs To Another Station - {ENROL}"
    assert backup.notice == f"Connection Failure: The Backup Key Is Missing - {ENROL}"


def test_N_13_a_key_that_is_back_is_used_at_the_next_attempt() -> None:  # noqa: N802
    walk = Walk(fault="locked").connect()
    walk.fault = ""
    assert walk.connect().state == "proven"


def test_N_14_N_15_an_expired_key_is_renewed_and_only_after_the_broker_let_us_in() -> None:  # noqa: N802
    walk = Walk(on_disk=EXPIRED).change("connecting")
    assert walk.posts == []
    walk.change("proving")
    assert walk.sent_types[0] == "psk.request"
    assert "auth.hello" not in walk.sent_types[: walk.sent_types.index("psk.use")]


def test_N_16_keys_that_come_later_than_the_broker_are_waited_for() -> None:  # noqa: N802
    walk = Walk()
    walk.tell(LinkChanged("mqtt", "connecting", gated=True))
    walk.tell(LinkChanged("mqtt", "proving", gated=True))
    assert only(walk.deeds, do.ReadKeys) == [do.ReadKeys()]
    assert walk.settle().state == "proven"


def test_N_17_a_refused_login_is_told() -> None:  # noqa: N802
    walk = Walk().change("connecting").change("refused")
    assert (walk.notice, walk.told, walk.state) == (REFUSED, [REFUSED], "failed")
    walk.change("connecting").change("refused")
    assert walk.told == [REFUSED]


def test_N_18_the_negotiation_is_told_while_it_runs() -> None:  # noqa: N802
    walk = Walk(dropped={"auth.proof"}).connect()
    assert (walk.notice, walk.state) == (NEGOTIATING, "proving")


def test_N_20_the_hmac_is_asked_for_on_the_channel_of_proofs() -> None:  # noqa: N802
    walk = Walk(dropped={"auth.proof"}).connect()
    (hello,) = walk.posts
    assert (hello.type, hello.channel, hello.recipients, hello.want) == ("auth.hello", "auth", ("hub",), 0)


@pytest.mark.parametrize("silent", ["auth.hello", "auth.proof", "auth.confirm", "auth.ok"])
def test_N_22_N_23_two_minutes_without_an_answer_end_it(silent: str) -> None:  # noqa: N802
    walk = Walk(dropped={silent}).connect()
    said = walk.posts[-1]
    walk.after(119.9)
    assert only(walk.deeds, do.Abort) == []
    again = [mono for mono, effect in walk.times if isinstance(effect, Post) and effect.params == said.params]
    assert again == [1000.0, 1005.0, 1015.0, 1045.0]
    walk.after(0.1)
    assert walk.notice == HMAC_TIMEOUT
    assert walk.told == [HMAC_TIMEOUT]
    assert walk.kinds()[-3:] == ["Abort", "Note", "Tell"]
    assert only(walk.deeds, do.Abort) == [do.Abort("handshake: timeout", soon=False)]
    assert do.OpenInbox() not in walk.deeds
    assert walk.state == "failed"


def test_N_23_each_attempt_is_told_in_the_tray_and_only_the_first_on_the_desktop() -> None:  # noqa: N802
    walk = Walk(dropped={"auth.proof"}).connect().after(121)
    walk.connect().after(121)
    assert walk.shown == 2 * [CONNECTING, NEGOTIATING, HMAC_TIMEOUT]
    assert walk.told == [HMAC_TIMEOUT]
    walk.dropped.clear()
    walk.connect()
    assert do.Unnotify("connection") in walk.deeds, "what was told is over"
    walk.change("down").dropped.add("auth.proof")
    walk.ms += 9 * 3_600_000
    walk.connect().after(121)
    assert walk.told.count(HMAC_TIMEOUT) == 2, "it is news again"


def test_N_25_N_26_a_hub_without_our_key_is_left_at_once() -> None:  # noqa: N802
    walk = Walk(twisted=forged).connect()
    assert (walk.notice, walk.told, walk.state) == (PSK_INVALID, [PSK_INVALID], "failed")
    assert walk.kinds() == ["auth.hello", "Abort", "Note", "Tell"]
    assert only(walk.deeds, do.Abort) == [do.Abort("handshake: invalid", soon=False)]


def test_N_26_a_hub_that_says_our_proof_is_wrong_is_left_as_well() -> None:  # noqa: N802
    mine = bundle(not_after=NOW_MS + DAY_MS)
    walk = Walk(on_disk=mine)
    walk.on_disk = replace(mine, psk=bytes(32))
    assert walk.connect().notice == PSK_INVALID


def test_N_27_the_proof_is_told_before_anything_is_subscribed() -> None:  # noqa: N802
    walk = Walk(dropped={"auth.confirm"}).connect()
    assert walk.notice == SUBSCRIBING
    assert do.OpenInbox() not in walk.deeds


def test_N_43_the_hub_s_time_is_taken_half_the_way_back() -> None:  # noqa: N802
    walk = Walk(dropped={"auth.confirm"}, hub_ahead_ms=90_000).connect()
    walk.dropped.clear()
    walk.after(5)
    (anchor,) = only(walk.deeds, Anchor)
    assert anchor == Anchor(NOW_MS + 95_000, 1002.5)
    assert walk.deeds.index(anchor) < walk.deeds.index(do.OpenInbox())


@pytest.mark.parametrize(
    ("gen", "notice"),
    [
        (0, f"Connection Failure: The Key Of This Station Was Replaced - {ENROL}"),
        (1, f"Connection Failure: The Hub Does Not Know This Key - {ENROL}"),
        (2, "Connection Failure: The Hub Knows Only An Older Key - Tell IT It Was Restored From A Backup"),
    ],
)
def test_a_station_or_a_hub_of_an_older_image_is_refused_aloud(gen: int, notice: str) -> None:
    walk = Walk()
    walk.on_disk = bundle(gen, not_after=NOW_MS + DAY_MS, seed=5)
    walk.connect()
    assert (walk.notice, walk.told) == (notice, [notice])
    assert [type(deed) for deed in walk.deeds if isinstance(deed, do.Abort | do.OpenInbox)] == [do.Abort]


def test_a_refusal_of_a_newer_hub_is_told_as_it_is() -> None:
    walk = Walk(dropped={"auth.proof"}).connect()
    about = walk.posts[-1].params.n_s  # type: ignore[attr-defined]  # a hello
    walk.hub_says(AuthRefused(about=about, code="on-holiday"), "auth")
    assert walk.notice == "Connection Failure: The Hub Refused The Key (on-holiday) - Tell IT"


def test_a_hub_that_forgot_us_is_asked_anew_at_once_but_not_for_ever() -> None:
    walk = Walk(dropped={"auth.confirm"}).connect()
    for _ in range(9):
        walk.hub.restart()
        walk.dropped.clear()
        walk.after(5)
        if walk.state == "proven":
            break
        walk.dropped.add("auth.confirm")
    assert walk.state == "proven"
    assert walk.told == []


def test_a_hub_that_says_again_and_again_is_one_that_is_silent() -> None:
    walk = Walk(dropped={"auth.ok"})
    walk.tell(LinkChanged("mqtt", "connecting", gated=True))
    walk.settle()
    walk.tell(LinkChanged("mqtt", "proving", gated=True))
    for _ in range(4):
        walk.settle()
        confirm = walk.posts[-1].params
        assert isinstance(confirm, AuthConfirm)
        walk.hub_says(AuthRefused(about=confirm.n_s, code="again"), "auth")
    assert walk.sent_types.count("auth.hello") == 4
    assert walk.notice == HMAC_TIMEOUT


def test_an_expired_key_by_the_hub_s_clock_is_renewed_on_this_connection() -> None:
    walk = Walk(hub_ahead_ms=21 * DAY_MS)
    walk.change("connecting").tell(LinkChanged("mqtt", "proving", gated=True))
    walk.settle()
    types = [post.type for post in walk.posts if post.channel]
    assert types[:2] == ["auth.hello", "psk.request"]
    assert "Abort" not in walk.kinds()[: walk.kinds().index("psk.use")]


@pytest.mark.parametrize("silent", ["auth.proof", "auth.ok"])
def test_a_connection_that_breaks_in_the_middle_is_told_and_begun_anew(silent: str) -> None:
    walk = Walk(dropped={silent}).connect().after(1)
    walk.change("down")
    assert (walk.notice, walk.told, walk.state) == (LOST, [LOST], "unproven")
    before = len(walk.posts)
    walk.after(200)
    assert len(walk.posts) == before, "nothing is said to nobody"
    walk.dropped.clear()
    assert walk.connect().state == "proven"


def test_a_broker_that_is_not_there_is_still_being_connected_to() -> None:
    walk = Walk().change("connecting").change("down").change("connecting").change("down")
    assert walk.shown == [CONNECTING]
    assert walk.told == []


def test_a_link_without_a_gate_has_nothing_to_prove() -> None:
    walk = Walk()
    for state in ("connecting", "up", "down"):
        walk.tell(LinkChanged("memory", state))
    assert [deed for deed in walk.deeds if isinstance(deed, do.ReadKeys | Tell | Note)] == []
    assert walk.state == "unproven"


def held(core: Proving) -> str:
    """Everything the proof remembers, as far down as it goes."""
    parts = {**vars(core), **vars(core._talk)}
    return repr([part for name, part in parts.items() if name not in ("_desk", "_chance")])


@pytest.mark.parametrize(
    "walk", [Walk(), Walk(twisted=forged), Walk(on_disk=EXPIRED), Walk(dropped={"auth.proof"}), Walk(fault="missing")]
)
def test_N_24_N_35_N_40_keys_are_forgotten_with_what_they_were_for(walk: Walk) -> None:  # noqa: N802
    walk.connect().after(121)
    remembered = held(walk.core.proving)
    assert "Bundle(" not in remembered


def test_the_test_above_finds_a_key_that_is_held() -> None:
    assert "Bundle(" in held(Walk(dropped={"auth.proof"}).connect().core.proving)


def test_only_the_hub_is_heard_on_the_channels_of_proofs() -> None:
    walk = Walk(dropped={"auth.proof"}).connect()
    walk.arrives("front", AuthProof(n_s="A" * 43, n_h="A" * 43, not_after=1, mac="A" * 43), channel="auth")
    assert walk.state == "proving"


def test_the_core_asks_to_be_woken_for_everything_it_waits_for() -> None:
    walk = Walk(dropped={"auth.proof"}).connect()
    assert [wake.mono for wake in only(walk.deeds, WakeAt)][-1] == 1005.0
