"""A site that is thrown away, for trying agent.p2p_api: users with profiles, and a signaling server on this computer.

    python -m agent.demo.p2p_site alice bob -- python example.py

runs a program with those users, without hub and enrolment.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.names import HUB, to_name
from agent.hub.broker.tls import SiteTls
from agent.hub.entries import genesis_value, make_entry, member_value
from agent.hub.signaling.alone import hosts_of
from agent.hub.signaling.desk import Desk, make_alone
from agent.hub.signaling.exchange import Exchange, Limits
from agent.hub.signaling.login import Gate
from agent.hub.web import WebServer, open_port
from agent.p2p_api.stations import PROFILES, SIGNALING
from agent.routing import rows
from agent.system.credentials import Credentials, save_credentials
from agent.system.database import open_database
from agent.system.ids import new_id
from agent.system.paths import Profile
from agent.system.wrapping_key import make_key
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry

SITE, HOST = "demo", "127.0.0.1"


class P2pSite:
    """A ledger that grows, and below `folder` a profile for each user as enrolment and an agent would leave it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hub = Identity.new(SITE, HUB)
        self._frames: list[bytes] = []
        self.ledger = Ledger(SITE)
        self.keys: dict[str, Identity] = {}
        self.tls = SiteTls(folder / "tls")
        self.tls.ensure(SITE, [HOST])
        self.desk: Desk | None = None
        self.port = 0
        self.append("genesis", HUB, genesis_value(self._hub))

    @property
    def url(self) -> str:
        """The signaling server's."""
        return f"wss://{HOST}:{self.port}/signal"

    @property
    def profiles(self) -> list[Path]:
        """The folders of all users."""
        return [self.profile(station) for station in self.keys]

    def profile(self, station: str) -> Path:
        """The folder of one."""
        return self._folder / station

    def environment(self) -> dict[str, str]:
        """What a program must be told."""
        return {PROFILES: os.pathsep.join(map(str, self.profiles)), SIGNALING: self.url}

    def append(self, op: str, subject: str, value: dict[str, object]) -> None:
        """Publish an entry, and let every user's agent know."""
        frame = make_entry(self.ledger, self._hub, op, subject, value, id_=new_id(), at=round(time.time() * 1000))
        self.ledger = read_entry(self.ledger, frame)
        self._frames.append(frame)
        for station in self.keys:
            self._keep(station)
        if self.desk is not None:
            self.desk.ledger_changed()

    def enrol(self, user: str) -> str:
        """Make a user a member, with keys in a profile; returns the station's name."""
        station = to_name(user)
        me = self.keys[station] = Identity.new(SITE, station)
        self.write(station, me)
        keys = to_b64u(me.sign), to_b64u(me.receive)
        self.append("member.add", station, member_value(station, ["staff"], *keys))
        return station

    def revoke(self, station: str) -> None:
        """Take a user off the list."""
        self.append("member.revoke", station, {})

    def write(self, station: str, me: Identity) -> None:
        """Write a profile, in the folder named after `station`, with these keys and their owner's name."""
        profile = Profile.at(self.profile(station))
        profile.create()
        sign, receive = me.private_keys()
        kept = Credentials(
            site=SITE, station=me.station, person=me.station, sign_key=to_b64u(sign), receive_key=to_b64u(receive),
            url=f"https://{HOST}", brokers=(), password="", client_id="", ca_pem=self.tls.ca_pem.decode(),
            genesis=self._frames[0].decode(),
        )  # fmt: skip
        save_credentials(profile.secrets_folder, kept, make_key(profile.secrets_folder, keyring=False))
        self._keep(station)

    def _keep(self, station: str) -> None:
        store = open_database(Profile.at(self.profile(station)).data_file, rows.MIGRATIONS).connection
        for seq, frame in enumerate(self._frames, 1):
            if seq > 1:
                rows.keep(store, "ledger", f"{seq:012d}", frame)
        store.close()


@asynccontextmanager
async def p2p_site(folder: Path, *users: str, port: int = 0) -> AsyncIterator[P2pSite]:
    """A site whose signaling server listens, over TLS, while the context is open."""
    site = P2pSite(folder)
    for user in users:
        site.enrol(user)
    async with signaling(site, port):
        yield site


@asynccontextmanager
async def signaling(site: P2pSite, port: int = 0) -> AsyncIterator[None]:
    """The site's signaling server."""
    limits = Limits()
    with open_port(HOST, port, site.profile("signaling.port")) as listening:
        site.port = listening.getsockname()[1]
        gate = Gate(lambda: site.ledger, hosts_of([HOST], site.port))
        site.desk = Desk(Exchange(gate, os.urandom, limits), time.monotonic)
        async with WebServer(make_alone(site.desk), listening, site.tls, sockets=limits.sockets):
            yield


async def run(users: Sequence[str], program: Sequence[str]) -> int:
    """Run a program with these users; returns its exit code."""
    with TemporaryDirectory(prefix="nmr-p2p-") as folder:
        async with p2p_site(Path(folder), *users) as site:
            child = await asyncio.create_subprocess_exec(*program, env={**os.environ, **site.environment()})
            return await child.wait()


def main(arguments: Sequence[str]) -> int:
    """Run what stands behind the dashes with the users before them."""
    if "--" not in arguments[1:-1]:
        print("python -m agent.demo.p2p_site USER … -- PROGRAM …", file=sys.stderr)
        return 2
    split = arguments.index("--")
    return asyncio.run(run(arguments[:split], arguments[split + 1 :]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
