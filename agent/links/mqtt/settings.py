"""What the MQTT link must know: where the broker is, who we are there, and how the topics are spelled."""

# nmr/1/<site>/to/<station>/<sender>      QoS 1, never retained. The payload is one sealed container, or a probe from a
#                                         station to itself: b"NMRP" + 16 random bytes, which is never handed up.

from dataclasses import dataclass, field

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
    def inbox(self) -> str:
        """The topic of what is for us, without its last level, the sender."""
        return f"nmr/1/{self.site}/to/{self.station}"

    def outbox(self, to: str) -> str:
        """The topic of what we send to station `to`."""
        return f"nmr/1/{self.site}/to/{to}/{self.station}"
