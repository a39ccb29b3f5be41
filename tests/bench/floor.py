"""The floor of a page's way: the same guarantees by bare libraries in a straight line, receiver in its own process.

`python -m tests.bench.floor FOLDER STATION BUS` receives: opens, verifies, commits with FULL, acknowledges, and calls
Notify; each page's end is printed as `id nanoseconds`.
"""

import asyncio
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

from agent.demo.site import Site
from agent.system.credentials import load_credentials
from agent.wire.frame import read_body, take_apart, verify
from agent.wire.seal import open_sealed
from tests.bench.scene import identity, raw_client, topic

NOTIFICATIONS = "org.freedesktop.Notifications"


def open_store(path: Path) -> sqlite3.Connection:
    """A database that commits as ours does."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE IF NOT EXISTS page (id TEXT PRIMARY KEY, frame BLOB) WITHOUT ROWID")
    return db


def commit(db: sqlite3.Connection, id_: str, frame: bytes) -> None:
    """One durable row."""
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO page VALUES (?, ?)", (id_, frame))
    db.execute("COMMIT")


async def notify(bus: Any, body: str) -> None:
    """One Notify call, as bare as it gets."""
    from dbus_fast import Message, Variant

    await bus.call(
        Message(
            destination=NOTIFICATIONS,
            path="/org/freedesktop/Notifications",
            interface=NOTIFICATIONS,
            member="Notify",
            signature="susssasa{sv}i",
            body=["floor", 0, "", "front Is Paging You", body, [], {"urgency": Variant("y", 2)}, 0],
        )
    )


def receive(folder: Path, station: str, address: str, sender_key: bytes) -> None:
    """Receive until the input ends."""
    from dbus_fast.aio import MessageBus

    credentials = load_credentials(Site(folder).profile(station).secrets_folder)
    assert credentials is not None
    me, db, loop = identity(credentials), open_store(folder / f"{station}.db"), asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def connect() -> Any:
        return await MessageBus(address).connect()

    bus = asyncio.run_coroutine_threadsafe(connect(), loop).result(10)

    def on_message(client: Any, _: object, message: Any) -> None:
        frame = open_sealed(message.payload, me)
        parts = take_apart(frame)
        verify(parts, sender_key)
        envelope, params = read_body(parts.body)
        commit(db, envelope.id, frame)
        client.ack(message.mid, message.qos)
        asyncio.run_coroutine_threadsafe(notify(bus, params.note), loop).result(10)  # type: ignore[attr-defined]
        print(envelope.id, time.time_ns(), flush=True)

    client, ready = raw_client(credentials, manual_ack=True), threading.Event()
    client.on_message = on_message
    client.on_subscribe = lambda *_: ready.set()
    client.connect(*credentials.brokers[0])
    client.loop_start()
    client.subscribe(topic(credentials.site, station, "+"), 1)
    ready.wait(10)
    print("ready", flush=True)
    sys.stdin.read()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    receive(Path(sys.argv[1]), sys.argv[2], sys.argv[3], bytes.fromhex(sys.argv[4]))
