"""A ledger with members for tests: real keys, real signatures, no hub needed."""

from dataclasses import dataclass, field

from agent.domain.envelope import LIFE_MS, Envelope
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.names import HUB
from agent.system.credentials import Credentials
from agent.wire.frame import sign_frame
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry

SITE = "s1"
NOW_MS = 1_790_000_000_000


@dataclass
class Members:
    """A publisher and whoever was added; `frames` is the log, `ledger` its fold."""

    site: str = SITE
    frames: list[bytes] = field(default_factory=list)
    people: dict[str, Identity] = field(default_factory=dict)
    at_ms: int = NOW_MS

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.site)
        hub = self.people[HUB] = Identity.new(self.site, HUB)
        self.append("genesis", HUB, {"sign": to_b64u(hub.sign), "receive": to_b64u(hub.receive)})

    @property
    def hub(self) -> Identity:
        """The publisher."""
        return self.people[HUB]

    def add(self, station: str, *roles: str, person: str = "") -> Identity:
        """Enrol a station."""
        new = self.people[station] = Identity.new(self.site, station)
        keys = {"sign": to_b64u(new.sign), "receive": to_b64u(new.receive)}
        self.append("member.add", station, {"person": person or station, "roles": list(roles), **keys})
        return new

    def revoke(self, station: str) -> None:
        """Remove a station."""
        self.append("member.revoke", station, {})

    def append(self, op: str, subject: str, value: dict[str, object], signer: Identity | None = None) -> bytes:
        """Append an entry signed by the hub, or by whom the test wants."""
        frame = self.entry(op, subject, value, signer)
        self.ledger = read_entry(self.ledger, frame)
        self.frames.append(frame)
        return frame

    def entry(
        self, op: str, subject: str, value: dict[str, object], signer: Identity | None = None, **changes: object
    ) -> bytes:
        """Return the frame of the next entry without appending it; `changes` spoil its parameters."""
        seq = self.ledger.seq + 1
        params = {"seq": seq, "prev": to_b64u(self.ledger.head), "op": op, "subject": subject, "value": value}
        life = LIFE_MS["ledger.entry"]
        return sign_frame(
            Envelope(
                v=1,
                site=self.site,
                id=f"{seq:032x}",
                sender=HUB,
                to={"all": True},
                type="ledger.entry",
                at=self.at_ms,
                exp=self.at_ms + life,
                re=None,
                want=0,
                prio=0,
                head=None,
                p=params | changes,
            ),
            signer or self.hub,
        )

    def credentials(self, station: str) -> Credentials:
        """What enrolment would have given a station."""
        me = self.people[station]
        sign, receive = me.private_keys()
        return Credentials(
            site=self.site,
            station=station,
            person=self.ledger.members[station].person,
            sign_key=to_b64u(sign),
            receive_key=to_b64u(receive),
            url="https://127.0.0.1:1",
            brokers=(("127.0.0.1", 1),),
            password="unused",
            client_id="unused",
            ca_pem="",
            genesis=self.frames[0].decode(),
        )
