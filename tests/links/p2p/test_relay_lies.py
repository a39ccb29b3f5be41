"""A relay that rewrites what it carries opens no channel, whatever it changes and whosever key it stole."""

import asyncio
import json
from collections.abc import Callable

import pytest

from agent.domain.keys import to_b64u
from agent.links.p2p.link import P2pSession
from agent.wire.frame import take_apart
from agent.wire.seal import open_sealed, seal
from agent.wire.strict_json import decode, encode
from tests.links.p2p.place import SITE, Place, Relayed, is_open, met, place, still
from tests.links.p2p.sky import fingerprint
from tests.links.taking import until

Body = dict[str, object]
FALSE = fingerprint(13)


def lines(p: Body) -> list[str]:
    """The description in a signal."""
    sdp = p["sdp"]
    assert isinstance(sdp, list)
    return sdp


def swap_in_sdp(p: Body) -> None:
    p["sdp"] = [line.replace(str(p["fp"]), FALSE) for line in lines(p)]


def swap_both(p: Body) -> None:
    swap_in_sdp(p)
    p["fp"] = FALSE


def swap_fp(p: Body) -> None:
    p["fp"] = FALSE


def double(p: Body) -> None:
    lines(p).append(f"a=fingerprint:sha-256 {FALSE}")


def remove(p: Body) -> None:
    p["sdp"] = [line for line in lines(p) if "fingerprint" not in line]


def other_hash(p: Body) -> None:
    p["sdp"] = [line.replace("sha-256", "sha-1") for line in lines(p)]


def add_hash(p: Body) -> None:
    lines(p).append(f"a=fingerprint:sha-512 {FALSE}:{FALSE}")


def candidates(p: Body) -> None:
    if "offer_hash" not in p:
        p["sdp"] = [line for line in lines(p) if "candidate" not in line]


def name(p: Body) -> None:
    p["pc"] = "0" * 32


def number(p: Body) -> None:
    p["n"] = 1


def medium(p: Body) -> None:
    lines(p).append("m=audio 9 UDP/TLS/RTP/SAVPF 0")


def quote(p: Body) -> None:
    if "offer_hash" in p:
        p["offer_hash"] = "A" * 43


WAYS: list[Callable[[Body], None]] = [
    swap_in_sdp, swap_both, swap_fp, double, remove, other_hash, add_hash, candidates, name, number, medium, quote,
]  # fmt: skip


def rewriting(here: Place, way: Callable[[Body], None], *, stolen: bool) -> Callable[[str, str, bytes], Relayed]:
    """A relay that can open every seal, and signs again if it stole the keys for that."""

    def twist(to: str, sender: str, sealed: bytes) -> Relayed:
        parts = take_apart(open_sealed(sealed, here.members[to]))
        envelope = decode(parts.body)
        if envelope["type"] in ("signal.offer", "signal.answer"):
            way(envelope["p"])
        signed = parts.signed.split(b".")[0] + b"." + to_b64u(encode(envelope)).encode()
        signature = here.members[sender].signing.sign(signed) if stolen else parts.signature
        frame = signed + b"." + to_b64u(signature).encode()
        return [(to, sender, seal(frame, SITE, here.members[to].kid, here.members[to].receive))]

    return twist


async def _try(way: Callable[[Body], None], *, stolen: bool) -> int:
    """Let two stations call each other through such a relay; how often something was refused."""
    async with place("anna", "bert") as here:
        here.relay.twist = rewriting(here, way, stolen=stolen)
        async with here.link("anna").connect() as a, here.link("bert").connect() as b:
            a.want("bert")
            await asyncio.sleep(0.1)
            b.want("anna")
            await still(lambda: not is_open(a, "bert") and not is_open(b, "anna"), 2.5)
            return sum((a._board.refusals + b._board.refusals).values())


@pytest.mark.parametrize("stolen", [False, True])
def test_a_relay_that_rewrites_descriptions_in_twelve_ways_opens_no_channel(stolen: bool) -> None:
    async def walk() -> None:
        assert len(WAYS) == 12
        async with asyncio.TaskGroup() as group:
            tries = {way.__name__: group.create_task(_try(way, stolen=stolen)) for way in WAYS}
        refused = {name for name, task in tries.items() if task.result()}
        assert refused >= tries.keys() - ({"swap_both"} if stolen else set()), "that one the handshake refuses"

    asyncio.run(walk())


def test_what_is_rewritten_by_nobody_opens_a_channel() -> None:
    async def walk() -> None:
        async with place("anna", "bert") as here:
            here.relay.twist = rewriting(here, lambda _: None, stolen=True)
            async with here.link("anna").connect() as a, here.link("bert").connect() as b:
                await met(a, b, ("anna", "bert"))

    asyncio.run(walk())


async def _inject(here: Place, sender: str, to: str, sealed: bytes) -> None:
    await here.relay.sockets[to].send(json.dumps({"from": sender, "sealed": to_b64u(sealed)}))


def test_offers_given_again_reflected_or_in_another_name_open_nothing() -> None:
    async def walk() -> None:
        async with place("anna", "bert", "carl") as here, here.link("bert").connect() as b:
            async with here.link("anna").connect() as a:
                await met(a, b, ("anna", "bert"))
                recorded = list(here.relay.seen)
            await until(lambda: not is_open(b, "anna"))
            async with here.link("carl").connect() as c:
                for to, sender, sealed in recorded:
                    if to in here.relay.sockets:
                        await _inject(here, sender, to, sealed)
                        await _inject(here, "carl", to, sealed)
                    await _inject(here, sender, "carl", sealed)
                await still(lambda: _none(b) and _none(c), 1.5)
                assert b._board.refusals["replay"] >= 1
                assert b._board.refusals["sender"] >= 1
                assert c._board.refusals["not-mine"] >= 1

    asyncio.run(walk())


def test_an_offer_given_to_a_station_that_was_restarted_opens_nothing() -> None:
    async def walk() -> None:
        async with place("anna", "bert") as here:
            async with here.link("anna").connect() as a, here.link("bert").connect() as b:
                await met(a, b, ("anna", "bert"))
                recorded = [entry for entry in here.relay.seen if entry[0] == "bert"]
            async with here.link("bert").connect() as b:
                for to, sender, sealed in recorded:
                    await _inject(here, sender, to, sealed)
                await still(lambda: _none(b), 1.5)

    asyncio.run(walk())


def _none(session: P2pSession) -> bool:
    return all(peer.state not in ("open", "suspect") for peer in session.peers())
