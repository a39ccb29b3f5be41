"""Which topics a station may write and read, said once and spelled for each engine."""

# nmr/1/<site>/to/<station>/<sender>       QoS 1; the one persistent subscription of a station is …/to/<me>/+
# nmr/1/<site>/auth/<station>/up|down      QoS 0; up from the station, down from the hub
# nmr/1/<site>/psk/<station>/<round>/up|down
# nmr/1/<site>/presence/<station>          QoS 0, everybody reads it

from dataclasses import dataclass

from agent.hub.broker.base import HUB, Account


@dataclass(frozen=True, slots=True)
class Rights:
    """Topic filters in MQTT's spelling."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def station_rights(site: str, station: str) -> Rights:
    """What `station` may do: write as itself to anybody (itself too, as a probe) and read what is for it."""
    root = f"nmr/1/{site}"
    return Rights(
        publish=(
            f"{root}/to/+/{station}",
            f"{root}/auth/{station}/up",
            f"{root}/psk/{station}/+/up",
            f"{root}/presence/{station}",
        ),
        subscribe=(
            f"{root}/to/{station}/+",
            f"{root}/auth/{station}/down",
            f"{root}/psk/{station}/+/down",
            f"{root}/presence/+",
        ),
    )


def nats_user(site: str, account: Account) -> dict[str, object]:
    """The entry of NATS' `users` list; the hub's has no limits, but nobody's password works on the NATS port."""
    user: dict[str, object] = {
        "user": account.station,
        "password": account.bcrypt,
        "allowed_connection_types": ["MQTT"],
    }
    if account.station != HUB:
        rights = station_rights(site, account.station)
        user["permissions"] = {
            "publish": {"allow": [nats_subject(topic) for topic in rights.publish]},
            "subscribe": {"allow": [nats_subject(topic) for topic in rights.subscribe]},
        }
    return user


def nats_subject(topic: str) -> str:
    """An MQTT topic filter as a NATS subject: `/` is `.`, `+` is `*`."""
    return topic.replace("/", ".").replace("+", "*")


def mosquitto_acl(site: str) -> str:
    """The whole ACL file: it speaks of `%u`, the user who asks, so it never changes with the accounts."""
    rights = station_rights(site, "%u")
    lines = [f"user {HUB}", "topic readwrite #"]
    lines += [f"pattern write {topic}" for topic in rights.publish]
    lines += [f"pattern read {topic}" for topic in rights.subscribe]
    return "\n".join(lines) + "\n"
