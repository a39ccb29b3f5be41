"""Proofs of keys at the hub: who is answered what, what is on disk before, and what a broken disk takes back."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from agent.domain.bundle import Bundle
from agent.domain.effects import Effect, Note, Post, ReadKeys, WakeAt
from agent.domain.envelope import DAY_MS
from agent.domain.events import Instant, NotSaved, Woke
from agent.domain.messages import AuthRefused, Parameters, PskOffer, PskUse
from agent.hub.keys_report import STATES, alarms
from agent.hub.proofs import (
    ALARMING,
    AccountsRead,
)
from agent.wire.acts import Say
from tests.hub.key_hub import LIFE_MS, KeyHub
from tests.hub.told import START_MS, at, keeps, posts

# handshake


def woken(hub: KeyHub, now: Instant) -> list[Effect]:
    """What the hub does when it is woken, beside telling how far the ledger goes."""
    effects = hub.site.core.handle(Woke(), now)
    return [effect for effect in effects if not (isinstance(effect, Post) and effect.type == "ledger.head")]


def test_a_station_with_the_right_key_is_let_in_with_its_roles_for_eight_hours() -> None:
    hub = KeyHub()
    hub.site.append("member.roles", "anna", {"roles": ["bar", "lead"]})
    (admitted,) = hub.anna.talk(hub.anna.begin(), hub.of("anna"))
    assert (admitted.roles, admitted.until, admitted.hub_time) == (("bar", "lead"), START_MS + 8 * 3_600_000, START_MS)  # type: ignore[union-attr]  # it is Admitted
    assert hub.row()["proven_ms"] == START_MS
    assert hub.row()["state"] == "fresh"


def test_answers_are_for_the_asker_alone_want_no_receipt_and_stay_on_the_channel() -> None:
    hub = KeyHub("anna", "ben")
    (said,) = hub.anna.go_on(hub.anna.begin())
    (post,) = posts(hub.site.tell("anna", said.type, said.params))
    assert (post.recipients, post.to.to_wire(), post.want, post.channel) == (("anna",), {"station": "anna"}, 0, "auth")
    hub.anna.talk(hub.anna.renew(), hub.of("anna"))
    (said,) = hub.anna.go_on(hub.anna.renew())
    (ready,) = posts(hub.site.tell("anna", said.type, said.params))
    assert (ready.type, ready.channel) == ("psk.ready", "auth")


def test_a_proof_is_remembered_over_a_restart_and_does_not_hold_the_answer_up() -> None:
    hub = KeyHub()
    assert hub.prove() == ["Admitted"]
    kinds = [type(effect).__name__ for effect in hub.effects]
    assert kinds.index("Post") < kinds.index("Keep")
    hub.restart()
    assert hub.row()["proven_ms"] == START_MS


@pytest.mark.parametrize(
    ("bundle", "code"),
    [
        (lambda ours: replace(ours, psk=b"x" * 32), "invalid"),
        (lambda ours: replace(ours, gen=ours.gen + 5), "invalid"),
        (lambda ours: replace(ours, psk_id=b"x" * 8), "unknown"),
        (lambda ours: replace(ours, psk_id=b"x" * 8, gen=9), "restored"),
    ],
)
def test_a_wrong_key_is_refused_noted_once_and_alarmed(bundle: Callable[[Bundle], Bundle], code: str) -> None:
    hub = KeyHub()
    hub.anna.bundle = bundle(hub.anna.bundle)
    assert hub.prove() == [code]
    assert [effect.fields["code"] for effect in hub.effects if isinstance(effect, Note)] == [code]
    assert hub.row()["state"] == code
    (alarm,) = alarms(hub.proofs, hub.site.core.ledger)
    assert alarm.startswith(f"anna {STATES[code]}")
    assert hub.prove() == [code]
    assert not keeps(hub.effects, "proof")
    hub.anna.bundle = hub.account().current
    assert hub.prove() == ["Admitted"]
    assert alarms(hub.proofs, hub.site.core.ledger) == []


def test_every_refusal_that_alarms_has_its_words() -> None:
    assert set(STATES) >= ALARMING


def test_a_hello_of_a_station_without_an_account_is_passed_over() -> None:
    hub = KeyHub("anna", "ben")
    ben = hub.side("ben")
    hub.proofs.drop("ben")
    assert hub.prove(ben, "ben") == []


def test_a_confirm_after_a_restart_is_told_to_begin_anew() -> None:
    hub = KeyHub()
    (said,) = hub.anna.go_on(hub.anna.begin())
    (proof,) = hub.hear(said.type, said.params)
    (confirm,) = hub.anna.go_on(hub.anna.hear(proof))
    hub.restart()
    (refused,) = hub.hear(confirm.type, confirm.params)
    assert isinstance(refused, AuthRefused)
    assert refused.code == "again"
    assert alarms(hub.proofs, hub.site.core.ledger) == []


def test_a_conversation_that_nobody_ends_is_forgotten_after_two_minutes_and_wakes_the_hub_for_it() -> None:
    hub = KeyHub()
    (said,) = hub.anna.go_on(hub.anna.begin())
    hub.hear(said.type, said.params)
    wakes = [effect.mono for effect in hub.effects if isinstance(effect, WakeAt)]
    assert wakes == [at(120).mono]
    hub.now = 60
    assert woken(hub, at(60)) == [WakeAt(at(120).mono)]
    assert len(hub.proofs._talks) == 1
    assert woken(hub, at(120)) == []
    assert len(hub.proofs._talks) == 0


# renewal


def test_new_keys_are_on_disk_before_the_station_hears_of_it() -> None:
    hub = KeyHub()
    assert hub.prove() == ["Admitted"]
    seen: list[list[str]] = []

    def watched(said: Say) -> list[Parameters]:
        answers = hub.hear(said.type, said.params)
        seen.append([type(effect).__name__ for effect in hub.effects if not isinstance(effect, WakeAt)])
        return answers

    old = hub.anna.bundle
    hub.anna.talk(hub.anna.renew(), watched)
    assert hub.anna.codes == ["Renewed"]
    assert seen == [["Post"], ["Post"], ["Keep", "Post"], ["Keep"]]
    assert (hub.account().current, hub.account().pending) == (hub.anna.bundle, None)
    assert (hub.anna.bundle.gen, hub.anna.bundle.not_after) == (2, START_MS + LIFE_MS)
    assert hub.prove() == ["Admitted"]
    hub.anna.bundle = old
    assert hub.prove() == ["replaced"]
    assert hub.row()["state"] == "replaced"


def test_new_keys_are_good_for_as_long_as_the_site_says() -> None:
    hub = KeyHub()
    hub.proofs._talks._life_ms = 7 * DAY_MS
    assert hub.renew() == ["Renewed"]
    assert (hub.anna.bundle.life_ms, hub.account().current.not_after) == (7 * DAY_MS, START_MS + 7 * DAY_MS)


def test_a_station_that_comes_with_the_pending_key_makes_it_current_before_it_hears_yes() -> None:
    hub = KeyHub()
    hub.until(PskUse)
    assert hub.account().pending is not None
    assert hub.row()["pending_gen"] == 2
    hub.restart()
    assert hub.prove() == ["Admitted"]
    assert [type(effect).__name__ for effect in hub.effects if not isinstance(effect, WakeAt)] == [
        "Keep",
        "Post",
        "Keep",
    ]
    assert (hub.account().current, hub.account().pending) == (hub.anna.bundle, None)


def test_a_station_that_died_before_it_saved_renews_under_the_old_backup() -> None:
    hub = KeyHub()
    hub.anna.saves = False
    assert hub.renew() == []
    assert hub.account().pending is not None
    first = hub.account().pending
    hub.restart()
    hub.anna.saves = True
    assert hub.prove() == ["Admitted"]
    assert hub.renew() == ["Renewed"]
    assert hub.account().current.gen == 2
    assert hub.account().current != first
    assert hub.prove() == ["Admitted"]


def test_an_expired_key_gets_new_ones_and_nothing_else() -> None:
    hub = KeyHub()
    hub.now = LIFE_MS / 1000
    assert hub.prove() == ["expired"]
    assert (hub.row()["state"], hub.row()["gone_percent"]) == ("expired", 100)
    assert alarms(hub.proofs, hub.site.core.ledger) == []
    assert hub.renew() == ["Renewed"]
    assert hub.prove() == ["Admitted"]


def test_a_hub_that_was_set_back_says_so_instead_of_taking_the_newer_key() -> None:
    hub = KeyHub()
    image = dict(hub.disk)
    assert hub.renew() == ["Renewed"]
    hub.disk = image
    hub.restart()
    assert hub.prove() == ["restored"]
    assert "newer key than ours" in alarms(hub.proofs, hub.site.core.ledger)[0]


# a disk that takes nothing


def test_nothing_is_answered_that_rests_on_what_is_not_on_disk_and_the_disk_counts_afterwards() -> None:
    hub = KeyHub()
    hub.works = True
    offer = hub.until(PskOffer)
    hub.works = False
    assert hub.hear(offer.type, offer.params) == []
    assert ReadKeys() in hub.effects
    assert hub.proofs.lost
    hub.works = True
    assert hub.hear(offer.type, offer.params) == []
    assert hub.prove(hub.side("anna")) == []
    hub.ask(AccountsRead((hub.account(),)))
    assert hub.proofs.accounts["anna"].pending is None
    (refused,) = hub.hear(offer.type, offer.params)
    assert isinstance(refused, AuthRefused)
    assert refused.code == "again"
    assert hub.prove() == ["Admitted"]
    assert hub.renew() == ["Renewed"]


def test_a_promotion_that_was_not_written_is_taken_back() -> None:
    hub = KeyHub()
    hub.anna.saves = False
    hub.renew()
    pending = hub.account().pending
    assert pending is not None
    hub.anna.bundle, hub.works = pending, False
    assert hub.prove() == []
    hub.works = True
    hub.ask(AccountsRead((hub.account(),)))
    assert hub.proofs.accounts["anna"].pending == pending
    assert hub.prove() == ["Admitted"]
    assert hub.account().current == pending


def test_the_disk_is_read_once_and_again_after_a_pause_when_it_gives_nothing() -> None:
    hub = KeyHub()
    assert hub.site.core.handle(NotSaved("full", ""), at()) == [ReadKeys()]
    assert hub.site.core.handle(NotSaved("full", ""), at()) == []
    assert hub.site.core.handle(AccountsRead(None), at()) == [WakeAt(at(5).mono)]
    assert woken(hub, at(1)) == [WakeAt(at(5).mono)]
    assert woken(hub, at(5)) == [ReadKeys()]
    assert woken(hub, at(6)) == []
    hub.ask(AccountsRead((hub.account(),)))
    assert hub.prove() == ["Admitted"]
