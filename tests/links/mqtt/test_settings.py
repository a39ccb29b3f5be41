"""How topics are spelled: what one side writes the other hears, and nothing else counts as a message."""

from dataclasses import replace

import pytest

from agent.hub.broker.permissions import station_rights
from agent.links.base import AUTH, HUB, INBOX, channel_of_round
from agent.links.mqtt.settings import MqttSettings
from tests.links.mqtt.fake_network import SETTINGS

ROUND = "0123456789abcdef" * 2
CHANNELS = [INBOX, AUTH, channel_of_round(ROUND)]
AT_HUB = replace(SETTINGS, station=HUB)
OTHER = replace(SETTINGS, station="other")


def matches(topic: str, filters: tuple[str, ...]) -> bool:
    """Whether one of the filters lets the topic through."""
    levels = topic.split("/")
    return any(
        len(levels) == len(wanted) and all(want in ("+", level) for want, level in zip(wanted, levels, strict=True))
        for wanted in (one.split("/") for one in filters)
    )


def heard_by(settings: MqttSettings, channel: str) -> tuple[str, ...]:
    """What a session of these settings has subscribed when it listens to `channel`; the hub always to all."""
    return settings.heard(channel) + (settings.heard(AUTH) if settings.is_hub else ())


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(("sender", "to"), [(SETTINGS, AT_HUB), (AT_HUB, SETTINGS)])
def test_what_one_side_writes_the_other_hears_and_knows_from_whom(
    sender: MqttSettings, to: MqttSettings, channel: str
) -> None:
    topic = sender.outbox(to.station, channel)
    assert matches(topic, heard_by(to, channel))
    assert to.origin(topic) == (channel, sender.station)
    assert not matches(topic, heard_by(OTHER, channel))
    assert OTHER.origin(topic) is None


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_station_writes_and_hears_only_what_the_broker_permits_it(channel: str) -> None:
    rights = station_rights("s1", "me")
    assert matches(SETTINGS.outbox(HUB, channel), rights.publish)
    assert set(SETTINGS.heard(channel)) <= {*rights.subscribe, f"nmr/1/s1/psk/me/{ROUND}/down"}
    assert matches(AT_HUB.outbox("me", channel), rights.subscribe)


STRAYS = [
    "",
    "nmr/1/s1",
    "nmr/1/s2/to/me/other",
    "nmr/2/s1/to/me/other",
    "nmr/1/s1/to/other/me",
    "nmr/1/s1/to/me",
    "nmr/1/s1/to/me/other/more",
    "nmr/1/s1/presence/me",
    "nmr/1/s1/auth/me/sideways",
    "nmr/1/s1/auth/me",
    f"nmr/1/s1/psk/me/{ROUND}",
    f"nmr/1/s1/psk/me/{ROUND[:-1]}/down",
    f"nmr/1/s1/psk/me/{ROUND[:-1]}/up",
    f"nmr/1/s1/psk/me/{ROUND}0/down",
    f"nmr/1/s1/psk/me/{ROUND.upper()}/down",
    f"nmr/1/s1/psk/me/{ROUND.upper()}/up",
    f"nmr/1/s1/psk/me/{ROUND[:-1]}\n/up",
    f"nmr/1/s1/psk/me/{ROUND}\n/up",
    f"nmr/1/s1/psk/me/{'+' * 32}/down",
]


@pytest.mark.parametrize("topic", STRAYS)
@pytest.mark.parametrize("settings", [SETTINGS, AT_HUB], ids=["station", "hub"])
def test_a_stray_has_no_origin(settings: MqttSettings, topic: str) -> None:
    assert settings.origin(topic) is None


def test_nobody_hears_what_he_writes_himself_on_a_channel() -> None:
    for channel in (AUTH, channel_of_round(ROUND)):
        assert SETTINGS.origin(SETTINGS.outbox(HUB, channel)) is None
        assert AT_HUB.origin(AT_HUB.outbox("me", channel)) is None


@pytest.mark.parametrize("round_hex", ["", "0", ROUND[:-1], ROUND + "0", ROUND.upper(), "g" * 32, ROUND[:-1] + "\n"])
def test_a_round_is_32_lower_case_hex_digits(round_hex: str) -> None:
    with pytest.raises(ValueError, match="no channel"):
        channel_of_round(round_hex)
    with pytest.raises(ValueError, match="no channel"):
        SETTINGS.heard(f"psk/{round_hex}")


def test_on_a_channel_a_station_speaks_to_the_hub_only() -> None:
    with pytest.raises(ValueError, match="leads to the hub, not to other"):
        SETTINGS.outbox("other", AUTH)
