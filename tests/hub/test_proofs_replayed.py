"""Old words of a station, said again by somebody else: nobody is alarmed and nobody comes to life."""

import pytest

from agent.domain.audience import THE_HUB
from agent.domain.effects import Note
from agent.domain.events import Arrived
from agent.domain.messages import AuthHello
from agent.hub.keys_report import alarms
from agent.wire.acts import Say
from tests.hub.key_hub import KeyHub
from tests.hub.told import at, keeps

HOUR_S = 3600.0


def said_again(hub: KeyHub, said: Say, *, at_first: float) -> None:
    """What was signed so many seconds after the start comes now."""
    core = hub.site.core
    heard: list[Arrived] = []
    with pytest.MonkeyPatch.context() as recording:
        recording.setattr(core, "handle", lambda event, _: heard.append(event))
        hub.site.tell("anna", said.type, said.params, now=at_first, to=THE_HUB)
    hub.run(core.handle(heard[0], at(hub.now)))


def renewed_an_hour_ago() -> tuple[KeyHub, Say]:
    """A station in its session under newer keys, and its first hello of all."""
    hub = KeyHub()
    (old,) = hub.anna.go_on(hub.anna.begin())
    assert hub.renew() == ["Renewed"]
    assert hub.prove() == ["Admitted"]
    hub.now += HOUR_S
    return hub, old


def test_an_old_hello_under_an_old_key_raises_no_alarm_while_the_station_is_in() -> None:
    hub, old = renewed_an_hour_ago()
    before = hub.proofs.proofs["anna"]
    said_again(hub, old, at_first=0.0)
    assert hub.proofs.proofs["anna"] == before
    assert keeps(hub.effects, "proof") == []
    assert [effect for effect in hub.effects if isinstance(effect, Note)] == []
    assert alarms(hub.proofs, hub.site.core.ledger) == []


@pytest.mark.parametrize(("hours", "signed"), [(1, 1), (9, 0)])
def test_a_copy_that_comes_itself_raises_the_alarm_however_wrong_its_clock(hours: int, signed: int) -> None:
    """At once with a right clock, with a wrong one when the session of the true one has ended."""
    hub, old = renewed_an_hour_ago()
    assert isinstance(old.params, AuthHello)
    hub.now = hours * HOUR_S
    said_again(hub, old, at_first=signed * HOUR_S)
    assert hub.row()["state"] == "replaced"
    assert len(alarms(hub.proofs, hub.site.core.ledger)) == 1


def test_old_words_bring_nobody_to_life() -> None:
    hub, old = renewed_an_hour_ago()
    said_again(hub, old, at_first=0.0)
    assert hub.site.core.roster.live(at(hub.now).mono) == frozenset()
    said_again(hub, old, at_first=hub.now)
    assert hub.site.core.roster.live(at(hub.now).mono) == {"anna"}
