"""Messages about tasks: what is valid is read as it was written, and everything else is refused."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import fields

from agent.domain.audience import Audience, Kind
from agent.domain.envelope import LIFE_MS, Envelope
from agent.domain.keys import to_b64u
from agent.domain.messages import Parameters
from agent.domain.rights import may
from agent.domain.tasks import (
    INLINE_BYTES,
    MOST_BYTES,
    PIECE_BYTES,
    TASKS,
    TYPE_OF,
    Blob,
    Lease,
    LeaseAsk,
    TaskAccept,
    TaskAssign,
    TaskCancel,
    TaskDecline,
    TaskGet,
    TaskGrant,
    TaskNews,
    TaskPart,
    TaskRenew,
    TaskResult,
    TaskSuperseded,
)
from agent.routing.rows import is_stored
from agent.wire.frame import FrameRefused, read_body, sign_frame, take_apart, verify
from agent.wire.keys import Identity
from agent.wire.strict_json import encode

ID, MS = "0" * 31 + "1", 1_790_000_000_000
FULL = to_b64u(b"\xff" * INLINE_BYTES)
BLOB = Blob(MOST_BYTES, to_b64u(bytes(32)))
VALID: tuple[Parameters, ...] = (
    Lease(kid="A" * 22, skills=("print", "ask"), free=1, capacity=2, load=50, until=MS, n=7, links=("mqtt",)),
    LeaseAsk(),
    TaskAssign(task=ID, n=1, type="print", lease_ms=30_000, until=MS, once=True, data=FULL),
    TaskAssign(task=ID, n=1, type="print", lease_ms=30_000, until=MS, blob=BLOB),
    TaskAccept(task=ID, n=1),
    TaskDecline(task=ID, n=1, why="full"),
    TaskGrant(task=ID, n=1, k=0),
    TaskRenew(task=ID, n=1, k=1, done=500, text="half"),
    TaskResult(task=ID, n=1, ok=True, data=FULL),
    TaskResult(task=ID, n=1, ok=False, code="exit", why="w" * 500),
    TaskCancel(task=ID, n=1),
    TaskSuperseded(task=ID, n=1),
    TaskGet(task=ID, side="data", list=True, parts=((0, 64),)),
    TaskPart(task=ID, side="result", i=3, part=to_b64u(b"\xff" * PIECE_BYTES)),
    TaskNews(task=ID, n=1, type="print", state="done", worker="ant"),
)
NEVER: tuple[Any, ...] = ("x" * 20_000, "a\nb", -1, 1.5, [[[]]], {"a": 1})
"""What no field of any type may hold."""


def envelope(params: Parameters, p: dict[str, Any] | None = None) -> Envelope:
    """Parameters in an envelope of the longest life."""
    type_ = TYPE_OF[type(params)]
    return Envelope(
        v=1,
        site="s1",
        id=ID,
        sender="office",
        to={"station": "ant"},
        type=type_,
        at=MS,
        exp=MS + LIFE_MS[type_],
        re=None,
        want=1,
        prio=1,
        head=None,
        p=to_builtins(params) if p is None else p,
    )


@pytest.mark.parametrize("params", VALID, ids=lambda params: TYPE_OF[type(params)])
def test_the_largest_of_each_type_fits_into_a_frame_and_is_read_as_it_was_written(params: Parameters) -> None:
    me = Identity.new("s1", "office")
    parts = take_apart(sign_frame(envelope(params), me))
    verify(parts, me.sign)
    assert read_body(parts.body)[1] == params


def spoilt(params: Parameters) -> Iterator[dict[str, Any]]:
    """The parameters with one thing wrong."""
    good = to_builtins(params)
    yield {**good, "more": 1}
    for one in fields(params):
        yield from ({**good, one.encode_name: wrong} for wrong in NEVER if one.encode_name != "x")
        if one.required:
            yield {name: value for name, value in good.items() if name != one.encode_name}


@pytest.mark.parametrize("params", VALID, ids=lambda params: TYPE_OF[type(params)])
def test_one_thing_that_is_wrong_makes_a_message_refused(params: Parameters) -> None:
    for p in spoilt(params):
        with pytest.raises(FrameRefused) as refused:
            read_body(encode(to_builtins(envelope(params, p))))
        assert refused.value.code in ("json", "schema", "size")


def test_no_mutant_of_a_signed_assignment_is_accepted() -> None:
    me, random = Identity.new("s1", "office"), Random(6)
    frame = sign_frame(envelope(TaskAssign(task=ID, n=1, type="print", lease_ms=30_000, until=MS, data="QUJD")), me)
    accepted = 0
    for _ in range(4000):
        mutant = bytearray(frame)
        for _ in range(random.choice([1, 1, 2])):
            mutant[random.randrange(len(mutant))] = random.randrange(33, 127)
        if bytes(mutant) == frame:
            continue
        try:
            parts = take_apart(bytes(mutant))
            verify(parts, me.sign)
        except FrameRefused:
            continue
        accepted += 1
    assert accepted == 0


@pytest.mark.parametrize(
    "p",
    [
        {"n": 0},
        {"n": 1_000_001},
        {"task": "x" * 32},
        {"lease_ms": 999},
        {"lease_ms": 6 * 3_600_000 + 1},
        {"type": "Print"},
        {"type": "../sh"},
        {"data": FULL + "A"},
        {"data": "not base64!"},
        {"data": "QUJD", "blob": {"size": 1, "root": "A" * 43}},
        {"blob": {"size": MOST_BYTES + 1, "root": "A" * 43}},
        {"blob": {"size": 1, "root": "A" * 42}},
        {"blob": {"size": 1, "root": "A" * 43, "more": 1}},
    ],
    ids=str,
)
def test_an_assignment_beyond_the_limits_is_refused(p: dict[str, Any]) -> None:
    good = TaskAssign(task=ID, n=1, type="print", lease_ms=30_000, until=MS)
    read_body(encode(to_builtins(envelope(good))))
    with pytest.raises(FrameRefused):
        read_body(encode(to_builtins(envelope(good, {**to_builtins(good), **p}))))


def test_each_type_has_a_life_and_only_what_is_asked_for_again_is_not_stored() -> None:
    assert set(TASKS) <= set(LIFE_MS)
    assert {type_ for type_ in TASKS if not is_stored(type_)} == {"lease", "lease.ask", "task.get", "task.part"}


ASSIGNS = ("task.assign", "task.grant", "task.cancel", "task.superseded", "lease.ask")
WORKS = ("task.accept", "task.decline", "task.renew", "task.result")
KINDS: tuple[Kind, ...] = ("station", "person", "role", "all", "hub")


@pytest.mark.parametrize("rank", ["display", "staff", "lead", "worker", "admin", "hub"])
def test_leads_assign_workers_work_and_nobody_does_the_other_s(rank: str) -> None:
    def kinds(type_: str) -> list[Kind]:
        return [kind for kind in KINDS if may([rank], type_, Audience(kind, "x" if kind in KINDS[:3] else ""))]

    everywhere, assigns, works = rank == "hub", rank in ("lead", "admin"), rank == "worker"
    for type_ in ASSIGNS:
        assert kinds(type_) == (list(KINDS) if everywhere else ["station"] if assigns else [])
    for type_ in WORKS:
        assert kinds(type_) == (list(KINDS) if everywhere else ["station"] if works else [])
    for type_ in ("task.get", "task.part"):
        assert kinds(type_) == (list(KINDS) if everywhere else ["station"] if works or assigns else [])
    assert kinds("task.news") == (list(KINDS) if everywhere else ["hub"] if assigns else [])
    assert kinds("lease") == (list(KINDS) if everywhere or works else [])
