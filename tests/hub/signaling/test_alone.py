"""The signaling server as a process of its own, beside a hub or after it."""

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from agent.domain.errors import Unavailable
from agent.domain.keys import from_b64u, to_b64u
from agent.hub.signaling.alone import hosts_of, open_signaling
from agent.system.credentials import Credentials
from agent.system.paths import Profile
from agent.wire.keys import Identity
from tests.hub.scene import enrolled, hub_config, running_hub
from tests.hub.signaling.scene import heard, login_frame, say, until
from tests.servers.ports import free_port

SEALED = to_b64u(b"NMR1" + bytes(300))


def keys(credentials: Credentials) -> Identity:
    sign, receive = from_b64u(credentials.sign_key), from_b64u(credentials.receive_key)
    return Identity.of(credentials.site, credentials.station, sign, receive)


def dial(ca: bytes | str, host: str) -> connect:
    context = ssl.create_default_context(cadata=ca if isinstance(ca, str) else ca.decode())
    return connect(f"wss://{host}/signal", ssl=context, proxy=None)


async def answer(socket: ClientConnection, me: Identity, host: str) -> dict[str, Any]:
    await say(socket, {"login": login_frame(me, (await heard(socket))["challenge"], host)})
    return await heard(socket)


@pytest.mark.servers
def test_beside_a_hub_newcomers_are_known_and_the_revoked_are_closed_within_seconds(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            first = await enrolled(hub, tmp_path, "anna", "staff")
            folder = Profile.at(tmp_path / "hub").hub_folder
            async with open_signaling(folder, hub_config().hub, 0) as (web, desk):
                host = f"localhost:{web.port}"
                second = await enrolled(hub, tmp_path, "bert", "staff")
                await until(lambda: desk.exchange._gate.ledger().member(second.station), "the newcomer is known")
                async with dial(hub.site.ca, host) as a, dial(hub.site.ca, host) as b:
                    assert await answer(a, keys(first), host) == {"ok": {"station": first.station}}
                    assert "ok" in await answer(b, keys(second), host)
                    await say(a, {"to": second.station, "sealed": SEALED})
                    assert await heard(b) == {"from": first.station, "sealed": SEALED}
                    await hub.office.answer("hub.revoke", {"station": second.station}, lambda _: None)
                    assert (await heard(b))["error"] == "revoked"
                    await until(lambda: desk.exchange.stations == [first.station], "only one is here")

    asyncio.run(asyncio.wait_for(walk(), 60))


@pytest.mark.servers
def test_without_a_hub_it_runs_as_a_command_until_it_is_ended(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await enrolled(hub, tmp_path, "anna", "staff")
        (tmp_path / "hub" / "hub.toml").write_text('[hub]\nsite = "s1"\nlisten = "127.0.0.1"\n')
        port, errors = free_port(), (tmp_path / "errors").open("wb")
        program = "import sys; from agent.cli.output import Context; from agent.system.paths import Profile; "
        program += "from agent.cli.signaling import signaling; "
        program += f"sys.exit(signaling.main(sys.argv[1:], obj=Context(Profile.at({str(tmp_path / 'hub')!r})), "
        program += "standalone_mode=False))"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, "--json", "--port", str(port), "--name", "other.example",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), 20)
            assert json.loads(line) == {"url": f"wss://127.0.0.1:{port}/signal"}, (tmp_path / "errors").read_text()
            for name in (f"127.0.0.1:{port}", f"other.example:{port}"):
                async with dial(anna.ca_pem, f"127.0.0.1:{port}") as a:
                    assert await answer(a, keys(anna), name) == {"ok": {"station": anna.station}}
        finally:
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 10) == 0, (tmp_path / "errors").read_text()
            errors.close()

    asyncio.run(asyncio.wait_for(walk(), 60))


def test_where_no_hub_ever_ran_it_says_what_to_do(tmp_path: Path) -> None:
    async def walk() -> None:
        async with open_signaling(tmp_path, hub_config().hub, 0):
            pass

    with pytest.raises(Unavailable, match="nmr hub run"):
        asyncio.run(walk())


def test_every_name_a_station_may_dial_is_known() -> None:
    assert hosts_of(["Hub.example", "2001:db8::1"], 8443) == {
        "hub.example:8443",
        "[2001:db8::1]:8443",
        "localhost:8443",
        "127.0.0.1:8443",
    }
