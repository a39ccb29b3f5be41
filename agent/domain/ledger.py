"""The ledger: a hash-linked list of members and their public keys, folded into who is who.

Each entry is an envelope `ledger.entry` signed by the publisher; its hash is the SHA-256 of its frame as it
was transmitted. State is a pure fold, so every station that holds the same entries knows the same members.

    op             subject   value
    genesis        hub       {"sign": B64U(32), "receive": B64U(32)}      the hub's keys, signed by itself
    member.add     station   {"person", "roles": [..], "sign", "receive"} and, if it has a mailbox, "mail", "plus"
    member.roles   station   {"roles": [..]}
    member.mail    station,  {"mail": address or "", "plus": whether its server knows plus-addresses (true if missing)}
                   or hub
    member.revoke  station   {}
"""

from collections.abc import Mapping
from hashlib import sha256

from msgspec import Struct, ValidationError, convert, field
from msgspec.structs import replace

from agent.domain.audience import Audience
from agent.domain.envelope import Name
from agent.domain.keys import from_b64u, kid_of, to_b64u
from agent.domain.mail import NOWHERE, AddressOrNone, Mailbox
from agent.domain.messages import LedgerEntry
from agent.domain.names import HUB

NO_HASH = b"\0" * 32
PUBLIC_KEY_BYTES = 32


class LedgerRefused(Exception):
    """An entry cannot follow; `code` is one of rollback, fork, gap, signer, entry, member."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


def frame_hash(frame: bytes) -> bytes:
    """Return the hash of an entry: SHA-256 of the bytes of its frame."""
    return sha256(frame).digest()


class _Keys(Struct, frozen=True, forbid_unknown_fields=True):
    sign: str
    receive: str


class _NewMember(_Keys, frozen=True, forbid_unknown_fields=True):
    person: Name
    roles: tuple[Name, ...]
    mail: AddressOrNone = ""
    plus: bool = True


class _Roles(Struct, frozen=True, forbid_unknown_fields=True):
    roles: tuple[Name, ...]


class Member(Struct, frozen=True):
    """One enrolled station: its person, roles and raw public keys (32 bytes each); `kid` is 16 bytes.

    `mail` is the address of its mailbox, "" if it has none; with `plus` that takes `local+anything@host` too.
    """

    station: str
    person: str
    roles: tuple[str, ...]
    sign: bytes
    receive: bytes
    kid: bytes
    revoked: bool = False
    mail: str = ""
    plus: bool = True

    @property
    def mailbox(self) -> Mailbox:
        """Where it takes mail."""
        return Mailbox(self.mail, self.plus) if self.mail else NOWHERE


class Ledger(Struct, frozen=True):
    """The state after `seq` entries; the empty one has seq 0."""

    site: str
    seq: int = 0
    head: bytes = NO_HASH
    members: Mapping[str, Member] = field(default_factory=dict)
    by_kid: Mapping[bytes, str] = field(default_factory=dict)

    def member(self, station: str) -> Member | None:
        """Return the active member with this station name."""
        found = self.members.get(station)
        return found if found is not None and not found.revoked else None

    def owner(self, kid: bytes) -> Member | None:
        """Return whoever owns `kid`, revoked or not."""
        station = self.by_kid.get(kid)
        return self.members.get(station) if station else None

    def active(self) -> list[Member]:
        """Return all active members but the hub."""
        return [m for m in self.members.values() if not m.revoked and m.station != HUB]

    def resolve(self, audience: Audience) -> list[Member]:
        """Return the active stations an audience means."""
        if audience.kind == "hub":
            return [m for m in self.members.values() if m.station == HUB]
        return [m for m in self.active() if _meant(m, audience)]

    def short_head(self) -> tuple[int, str]:
        """Return the head as every message carries it: seq and the first 16 bytes of the hash."""
        return self.seq, to_b64u(self.head[:16])


def _meant(member: Member, audience: Audience) -> bool:
    match audience.kind:
        case "station":
            return member.station == audience.name
        case "person":
            return member.person == audience.name
        case "role":
            return audience.name in member.roles
        case "all":
            return True
        case "hub":
            return False


def is_meant(member: Member, audience: Audience) -> bool:
    """Whether a message for `audience` is for this member; the hub gets a copy of everything it must know."""
    return member.station == HUB or _meant(member, audience)


def follow(ledger: Ledger, entry: LedgerEntry, frame: bytes, signer: bytes) -> Ledger:
    """Return the ledger after `entry`, whose frame was already verified to be signed by kid `signer`.

    Raises LedgerRefused; the ledger itself never changes.
    """
    if entry.seq <= ledger.seq:
        raise LedgerRefused("rollback", f"entry {entry.seq} is older than our head {ledger.seq}")
    if entry.seq > ledger.seq + 1:
        raise LedgerRefused("gap", f"entry {entry.seq} does not follow {ledger.seq}")
    if entry.prev != to_b64u(ledger.head):
        raise LedgerRefused("fork", f"entry {entry.seq} follows another history")
    if (entry.op == "genesis") != (entry.seq == 1):
        raise LedgerRefused("entry", "the first entry and only the first is the genesis")
    try:
        member = _apply(ledger, entry)
    except (ValidationError, ValueError) as error:
        raise LedgerRefused("entry", str(error)) from error
    publisher = member.kid if entry.op == "genesis" else ledger.members[HUB].kid
    if signer != publisher:
        raise LedgerRefused("signer", f"entry {entry.seq} is not signed by the publisher")
    return replace(
        ledger,
        seq=entry.seq,
        head=frame_hash(frame),
        members={**ledger.members, member.station: member},
        by_kid={**ledger.by_kid, member.kid: member.station},
    )


def _apply(ledger: Ledger, entry: LedgerEntry) -> Member:
    """Return the member as the entry leaves it; raises ValidationError, ValueError or LedgerRefused."""
    old = ledger.members.get(entry.subject)
    if entry.op == "genesis":
        if entry.subject != HUB:
            raise LedgerRefused("entry", "the genesis names the hub")
        return _new(HUB, HUB, (HUB,), convert(entry.value, _Keys))
    if entry.op == "member.mail":
        return _moved(old, entry)
    if entry.subject == HUB:
        raise LedgerRefused("entry", "the hub is no ordinary member")
    if entry.op == "member.add":
        return _added(ledger, old, entry)
    if old is None or old.revoked:
        raise LedgerRefused("member", f"{entry.subject} is no member")
    if entry.op == "member.roles":
        roles = convert(entry.value, _Roles).roles
        if HUB in roles:
            raise LedgerRefused("member", "only the hub is the hub")
        return replace(old, roles=roles)
    return replace(old, revoked=True)


def _added(ledger: Ledger, old: Member | None, entry: LedgerEntry) -> Member:
    """Return a new member, or one that was revoked and comes again with other keys."""
    if old is not None and not old.revoked:
        raise LedgerRefused("member", f"{entry.subject} is already a member")
    value = convert(entry.value, _NewMember)
    added = _new(entry.subject, value.person, value.roles, value)
    if added.kid in ledger.by_kid or HUB in value.roles:
        raise LedgerRefused("member", f"{entry.subject} uses a key or a role that is not free")
    return replace(added, mail=value.mail, plus=value.plus)


def _moved(old: Member | None, entry: LedgerEntry) -> Member:
    """Return the member, or the hub, with another mailbox."""
    if old is None or old.revoked:
        raise LedgerRefused("member", f"{entry.subject} is no member")
    box = convert(entry.value, Mailbox)
    return replace(old, mail=box.mail, plus=box.plus)


def _new(station: str, person: str, roles: tuple[str, ...], keys: _Keys) -> Member:
    sign, receive = from_b64u(keys.sign), from_b64u(keys.receive)
    if len(sign) != PUBLIC_KEY_BYTES or len(receive) != PUBLIC_KEY_BYTES:
        raise ValueError("a public key has 32 bytes")
    return Member(station, person, roles, sign, receive, kid_of(sign))
