"""What the MQTT link must know: where the broker is, who we are there, and how the topics are spelled."""

# nmr/1/<site>/to/<station>/<sender>            the inbox of <station>. Written and read with QoS 1, never retained. The
#                                               payload is one sealed container, or a probe from a station to itself:
#                                               b"NMRP" + 16 random bytes, which is never handed up.
# nmr/1/<site>/auth/<station>/up|down           channel "auth": the station writes up, the hub writes down
# nmr/1/<site>/psk/<station>/<round>/up|down    channel "psk/<round>", a round is 32 lower-case hex digits
#                                               Both are written with QoS 1, so that the broker says when it has them,
#                                               and read with QoS 0: who speaks there repeats what is not answered, and
#                                               a reader of QoS 1 costs NATS a consumer. Never retained.

from dataclasses import dataclass, field

from agent.links.base import AUTH, HUB, INBOX, check_way, checked, is_channel

Address = tuple[str, int]
"""Host and port."""


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """One station's way to its site's broker.

    `addresses` are tried in turn. `client_id` is the 22 random characters from enrolment that name the session at the
    broker. `ca_pem` is the site's own authority, the only one that is believed; None means no TLS, for tests.
    """

    site: str
    station: str
    addresses: tuple[Address, ...]
    user: str
    password: str = field(repr=False)
    client_id: str = field(repr=False)
    ca_pem: bytes | None = field(repr=False)

    @property
    def is_hub(self) -> bool:
        """Whether we are the hub, who hears all stations on every channel."""
        return self.station == HUB

    def outbox(self, to: str, channel: str = INBOX) -> str:
        """The topic of what we send to station `to`; raises ValueError if `channel` does not lead there."""
        check_way(self.station, to, channel)
        if channel == INBOX:
            return f"{self._root}/to/{to}/{self.station}"
        return self._spell(channel, to, "down") if self.is_hub else self._spell(channel, self.station, "up")

    def heard(self, channel: str = INBOX) -> tuple[str, ...]:
        """The topic filters of what reaches us on `channel`; the hub's for "auth" are those of all its channels."""
        if checked(channel) == INBOX:
            return (f"{self._root}/to/{self.station}/+",)
        if not self.is_hub:
            return (self._spell(channel, self.station, "down"),)
        return (f"{self._root}/auth/+/up", f"{self._root}/psk/+/+/up") if channel == AUTH else ()

    def origin(self, topic: str) -> tuple[str, str] | None:
        """Channel and sender of a message on `topic`; None for a stray that is not for us."""
        if not topic.startswith(f"{self._root}/"):
            return None
        match topic[len(self._root) + 1 :].split("/"):
            case ["to", self.station, sender]:
                return INBOX, sender
            case ["auth", station, way]:
                return self._from(AUTH, station, way)
            case ["psk", station, round_hex, way]:
                return self._from(f"psk/{round_hex}", station, way)
        return None

    def _from(self, channel: str, station: str, way: str) -> tuple[str, str] | None:
        if not is_channel(channel):
            return None
        if self.is_hub:
            return (channel, station) if way == "up" else None
        return (channel, HUB) if (station, way) == (self.station, "down") else None

    def _spell(self, channel: str, station: str, way: str) -> str:
        kind, *round_hex = channel.split("/")
        return "/".join([self._root, kind, station, *round_hex, way])

    @property
    def _root(self) -> str:
        return f"nmr/1/{self.site}"
