"""MESSAGE PARAMETERS: one schema for each message type."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from agent.domain.envelope import SAFE_INT, Id, Millis, Name

Count = Annotated[int, Meta(ge=0, le=SAFE_INT)]
ShortText = Annotated[str, Meta(max_length=120)]
NoteText = Annotated[str, Meta(max_length=500)]
HashText = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]
Token = HashText
"""32 bytes in base64url: a nonce, a MAC."""
KeyId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{11}$")]
SessionId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}$")]
RoundId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
Generation = Annotated[int, Meta(ge=1, le=SAFE_INT)]
RefusalCode = Annotated[str, Meta(pattern=r"^[a-z-]{1,32}$")]
ServerUrl = Annotated[str, Meta(pattern=r"\A[!-~]{0,300}\Z")]
"""Such as "stun:host:port" or "turn:host:port?transport=udp"."""
FrameText = Annotated[str, Meta(max_length=24 * 1024)]

Stamp = tuple[Millis, Count, Name]
"""A hybrid logical clock stamp: (ms, counter, station); tuples compare in exactly the right order."""

FieldValue = str | bool | int | None
Kind = Literal["order", "item"]
Stage = Literal["stored", "presented", "seen", "refused"]
Why = Annotated[str, Meta(max_length=120)]


class Parameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every type's parameters share: unknown keys are refused, except below `x`."""

    x: dict[str, Any] | None = None


class OrderRef(Struct, frozen=True, forbid_unknown_fields=True):
    """The order a page is about; `title` is the sender's name for it."""

    uuid: Id
    title: ShortText


class PageNew(Parameters, frozen=True, kw_only=True):
    """A call for attention."""

    order: OrderRef | None = None
    note: NoteText = ""


class PageAnswer(Parameters, frozen=True, kw_only=True):
    """What a person said to the page `re`."""

    answer: Literal["accepted", "declined"]
    person: Name
    text: ShortText = ""


class PageWithdraw(Parameters, frozen=True, kw_only=True):
    """The page `re` no longer needs anybody."""

    why: Why = ""


class ReceiptItem(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Machine evidence for one message: [id, stage, why, at]."""

    id: Id
    stage: Stage
    why: Why
    at: Millis


class Receipt(Parameters, frozen=True, kw_only=True):
    """Evidence for up to 64 messages of one sender; many at once, so a burst costs one signature."""

    items: Annotated[tuple[ReceiptItem, ...], Meta(min_length=1, max_length=64)]


class OrderPut(Parameters, frozen=True, kw_only=True):
    """A change of an order: each field with the stamp that lets any two stations merge it alike."""

    uuid: Id
    kind: Kind
    fields: dict[Annotated[str, Meta(pattern=r"^[a-z_]{1,32}$")], tuple[FieldValue, Stamp]]


class OrderDelete(Parameters, frozen=True, kw_only=True):
    """A stamped tombstone; it beats older puts."""

    uuid: Id
    stamp: Stamp


class OrderList(Parameters, frozen=True, kw_only=True):
    """Ask the hub for its orders: all changed after its count `since`, or `only` these, or parts again."""

    since: Count = 0
    only: Annotated[tuple[Id, ...], Meta(max_length=64)] = ()
    parts: Annotated[tuple[Count, ...], Meta(max_length=256)] = ()


class OrderItem(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One order in a list: [uuid, kind, fields, tombstone]."""

    uuid: Id
    kind: Kind
    fields: dict[str, tuple[FieldValue, Stamp]]
    dead: Stamp | None


class OrderPart(Parameters, frozen=True, kw_only=True):
    """Part `i` of `n` of the answer to the order.list `re`; `upto` is the hub's count it reaches.

    A hub that was set back asks with `lost`, ms UTC, for what each station said last of orders since then.
    """

    i: Count
    n: Count
    upto: Count
    items: Annotated[tuple[OrderItem, ...], Meta(max_length=256)]
    lost: Count | None = None


class LedgerGet(Parameters, frozen=True, kw_only=True):
    """Ask for the ledger's entries from seq `after` + 1 on."""

    after: Count


class LedgerPart(Parameters, frozen=True, kw_only=True):
    """Consecutive entries as their signed frames; `more` follow if true.

    A station that hands them over adds the newest `head` it has, the hub's frame of `ledger.head`.
    """

    entries: Annotated[tuple[FrameText, ...], Meta(max_length=64)]
    more: bool = False
    head: FrameText | None = None


class LedgerEntry(Parameters, frozen=True, kw_only=True):
    """One entry of the ledger; `prev` is the hash of the frame before it (43 x "A" for the first)."""

    seq: Annotated[int, Meta(ge=1, le=SAFE_INT)]
    prev: HashText
    op: Literal["genesis", "member.add", "member.roles", "member.mail", "member.revoke"]
    subject: Name
    value: dict[str, Any]


class LedgerHead(Parameters, frozen=True, kw_only=True):
    """The publisher's word that `seq` with this hash is the newest entry."""

    seq: Count
    hash: HashText


class Presence(Parameters, frozen=True, kw_only=True):
    """A station comes or goes on purpose."""

    up: bool


class Probe(Parameters, frozen=True, kw_only=True):
    """Is the hub there, what time is it, who is reachable?

    Station to hub: `n` and the `roster` number it knows. Back: the same `n`, hub `time`, and, when the
    roster changed, the names of all live stations, separated by spaces.
    """

    n: Count
    roster: Count = 0
    time: Millis | None = None
    live: Annotated[str, Meta(max_length=12 * 1024)] | None = None


class AuthHello(Parameters, frozen=True, kw_only=True):
    """A1, station to hub: I hold this PSK; prove that you do."""

    psk_id: KeyId
    gen: Generation
    n_s: Token
    mac: Token


class AuthProof(Parameters, frozen=True, kw_only=True):
    """A2, hub to station, to the hello with this `n_s`: I do, until `not_after`."""

    n_s: Token
    n_h: Token
    not_after: Millis
    mac: Token


class AuthConfirm(Parameters, frozen=True, kw_only=True):
    """A3, station to hub: and I do, fresh as your `n_h`."""

    n_s: Token
    n_h: Token
    mac: Token


class Ice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The site's STUN server, or "", and its TURN servers with what they want to see until `until`, ms UTC."""

    stun: ServerUrl = ""
    turn: Annotated[tuple[ServerUrl, ...], Meta(max_length=8)] = ()
    user: Annotated[str, Meta(max_length=64)] = ""
    password: Annotated[str, Meta(max_length=64)] = ""
    until: Millis = 0

    def __repr__(self) -> str:
        return f"Ice(stun={self.stun!r}, turn={self.turn!r})"  # no password in any log


class AuthOk(Parameters, frozen=True, kw_only=True):
    """A4, hub to station: you are in, until `until`; this is the time, what you are here, and who helps you to find
    a direct way to others.
    """

    n_s: Token
    session: SessionId
    until: Millis
    hub_time: Millis
    roles: Annotated[tuple[Name, ...], Meta(max_length=64)]
    mac: Token
    ice: Ice | None = None


class AuthRefused(Parameters, frozen=True, kw_only=True):
    """Hub to station: not with this key, or not so. `about` is the nonce of the hello it answers, or the round."""

    about: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{32,43}$")]
    code: RefusalCode


class PskRequest(Parameters, frozen=True, kw_only=True):
    """R0, station to hub: I want new keys; this will be our round."""

    round: RoundId
    psk_id: KeyId
    backup_id: KeyId


class PskReady(Parameters, frozen=True, kw_only=True):
    """R0, hub to station: I listen to this round."""

    round: RoundId


class PskHello(Parameters, frozen=True, kw_only=True):
    """R2, station to hub: I hold this backup; prove that you do."""

    round: RoundId
    backup_id: KeyId
    gen: Generation
    n_s: Token
    mac: Token


class PskProof(Parameters, frozen=True, kw_only=True):
    """R3, hub to station: I do."""

    round: RoundId
    n_s: Token
    n_h: Token
    mac: Token


class PskOffer(Parameters, frozen=True, kw_only=True):
    """R4, station to hub: these shall be our keys; `box` holds both, encrypted under the backup."""

    round: RoundId
    gen: Generation
    psk_id: KeyId
    backup_id: KeyId
    box: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{107}$")]
    mac: Token


class PskStored(Parameters, frozen=True, kw_only=True):
    """R5, hub to station: I have them on disk, good until `not_after`; `mac` is made with the new PSK."""

    round: RoundId
    gen: Generation
    not_after: Millis
    life_ms: Annotated[int, Meta(ge=1, le=SAFE_INT)]
    mac: Token


class PskUse(Parameters, frozen=True, kw_only=True):
    """R6, station to hub: so have I; the old ones may go."""

    round: RoundId
    psk_id: KeyId
    mac: Token


class PskFailed(Parameters, frozen=True, kw_only=True):
    """Station to hub: this round is over, your proof was wrong."""

    round: RoundId
    code: RefusalCode


class ErrorNote(Parameters, frozen=True, kw_only=True):
    """We could not understand a message of yours."""

    code: Annotated[str, Meta(pattern=r"^[a-z-]{1,32}$")]


PARAMETERS: dict[str, type[Parameters]] = {
    "page.new": PageNew,
    "page.answer": PageAnswer,
    "page.withdraw": PageWithdraw,
    "receipt": Receipt,
    "order.put": OrderPut,
    "order.delete": OrderDelete,
    "order.list": OrderList,
    "order.part": OrderPart,
    "ledger.get": LedgerGet,
    "ledger.part": LedgerPart,
    "ledger.entry": LedgerEntry,
    "ledger.head": LedgerHead,
    "presence": Presence,
    "probe": Probe,
    "auth.hello": AuthHello,
    "auth.proof": AuthProof,
    "auth.confirm": AuthConfirm,
    "auth.ok": AuthOk,
    "auth.refused": AuthRefused,
    "psk.request": PskRequest,
    "psk.ready": PskReady,
    "psk.hello": PskHello,
    "psk.proof": PskProof,
    "psk.offer": PskOffer,
    "psk.stored": PskStored,
    "psk.use": PskUse,
    "psk.failed": PskFailed,
    "error": ErrorNote,
}
"""Every MESSAGE TYPE this version speaks; the others of nmr/1 join with the issue that needs them."""
