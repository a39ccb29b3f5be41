"""What a hub does for stations that look for a direct way: its signaling server, and who is told of STUN and TURN."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from agent.domain.messages import Ice
from agent.hub.relays import ice_of
from agent.hub.turn import turn_credentials
from agent.system.config.schema import Hub, Turn
from agent.wire.acts import Admitted
from tests.hub.key_peer import KeyPeer
from tests.hub.scene import Peer, enrolled, running_hub
from tests.hub.signaling.scene import login_frame
from tests.servers.waiting import eventually

pytestmark = pytest.mark.servers

TURN = Turn(urls=("turn:relay:3478?transport=udp",), secret="geheim")


async def log_in(socket: ClientConnection, peer: Peer) -> dict[str, Any]:
    """Answer the challenge; returns what the hub says to that."""
    challenge = json.loads(await socket.recv())["challenge"]
    host = peer.credentials.url.removeprefix("https://")
    await socket.send(json.dumps({"login": login_frame(peer.me, challenge, host)}))
    said: dict[str, Any] = json.loads(await socket.recv())
    return said


def test_a_member_logs_in_at_the_hub_and_is_cut_off_when_it_is_revoked(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = Peer(await enrolled(hub, tmp_path))
            context = ssl.create_default_context(cadata=anna.credentials.ca_pem)
            url = anna.credentials.url.replace("https", "wss") + "/signal"
            async with connect(url, ssl=context, proxy=None) as socket:
                assert await log_in(socket, anna) == {"ok": {"station": "anna"}}
                assert hub.office.status()["signaling"]["stations"] == ["anna"]
                await hub.office.answer("hub.revoke", {"station": "anna"}, lambda _: None)
                assert json.loads(await socket.recv())["error"] == "revoked"
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
            await eventually(lambda: hub.office.status()["signaling"]["stations"] == [])
            async with connect(url, ssl=context, proxy=None) as socket:
                assert (await log_in(socket, anna))["error"] == "revoked"

    asyncio.run(walk())


def test_whoever_is_let_in_is_told_of_the_servers_with_a_password_of_its_own(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path, stun="stun:here:3478", turn=TURN) as hub:
            await enrolled(hub, tmp_path)
            anna = await asyncio.to_thread(KeyPeer, tmp_path / "anna")
            async with anna.at_the_gate():
                assert await anna.prove() == ["Admitted"]
        (ice,) = [one.ice for one in anna.side.ends if isinstance(one, Admitted)]
        assert ice is not None
        assert (ice.stun, ice.turn, ice.user.partition(":")[2]) == ("stun:here:3478", TURN.urls, "anna")
        assert ice == ice_of(Hub(stun="stun:here:3478", turn=TURN), "anna", ice.until - 12 * 3_600_000)

    asyncio.run(walk())


def test_without_servers_nobody_is_told_of_any() -> None:
    assert ice_of(Hub(stun=""), "anna", 0) is None
    assert ice_of(Hub(stun="", turn=Turn(urls=TURN.urls)), "anna", 0) is None
    assert ice_of(Hub(), "anna", 0) == Ice(stun="stun:nadooit.de:3478")
    shown = turn_credentials("geheim", "anna", 1000)
    assert ice_of(Hub(stun="", turn=TURN), "anna", 1000) == Ice(
        turn=TURN.urls, user=shown.user, password=shown.password, until=shown.until
    )
