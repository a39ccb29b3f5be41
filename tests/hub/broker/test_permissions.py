"""Rights are said once and mean the same for both engines."""

from agent.hub.broker.base import Account
from agent.hub.broker.permissions import mosquitto_acl, nats_subject, nats_user, station_rights


def test_a_station_writes_as_itself_and_reads_what_is_for_it() -> None:
    rights = station_rights("s1", "a1")
    assert rights.publish == ("nmr/1/s1/to/+/a1", "nmr/1/s1/auth/a1/up", "nmr/1/s1/psk/a1/+/up", "nmr/1/s1/presence/a1")
    assert rights.subscribe == (
        "nmr/1/s1/to/a1/+",
        "nmr/1/s1/auth/a1/down",
        "nmr/1/s1/psk/a1/+/down",
        "nmr/1/s1/presence/+",
    )


def test_nats_gets_subjects_and_only_over_mqtt() -> None:
    assert nats_user("s1", Account("a1", "B", "P")) == {
        "user": "a1",
        "password": "B",
        "allowed_connection_types": ["MQTT"],
        "permissions": {
            "publish": {
                "allow": ["nmr.1.s1.to.*.a1", "nmr.1.s1.auth.a1.up", "nmr.1.s1.psk.a1.*.up", "nmr.1.s1.presence.a1"]
            },
            "subscribe": {
                "allow": ["nmr.1.s1.to.a1.*", "nmr.1.s1.auth.a1.down", "nmr.1.s1.psk.a1.*.down", "nmr.1.s1.presence.*"]
            },
        },
    }


def test_the_hub_may_everything() -> None:
    assert "permissions" not in nats_user("s1", Account("hub", "B", "P"))
    assert mosquitto_acl("s1").startswith("user hub\ntopic readwrite #\n")


def test_mosquitto_gets_patterns_that_fit_every_station() -> None:
    lines = mosquitto_acl("s1").splitlines()[2:]
    rights = station_rights("s1", "%u")
    assert lines == [f"pattern write {topic}" for topic in rights.publish] + [
        f"pattern read {topic}" for topic in rights.subscribe
    ]


def test_a_subject_is_a_topic_with_other_signs() -> None:
    assert nats_subject("nmr/1/s1/psk/a1/+/up") == "nmr.1.s1.psk.a1.*.up"
