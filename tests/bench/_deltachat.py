"""Delta Chat's core, by its JSON-RPC program, as somebody else's solution on the same mail servers."""

import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bench.report import Absent
from tests.servers.mail import MailServers

SELF = 1
"""The contact that stands for one's own account."""


class Core:
    """One account in a process of its own; JSON objects, one a line, go in and come out."""

    def __init__(self, program: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "DC_ACCOUNTS_PATH": str(folder)},
        )
        self._numbers = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        threading.Thread(target=self._read, daemon=True).start()
        self.account: int = self.ask("add_account")

    def ask(self, method: str, *params: object) -> Any:
        """Call a method and return its result; raises RuntimeError with what it complains of."""
        number = next(self._numbers)
        answer = self._waiting[number] = queue.SimpleQueue()
        question = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        said = answer.get(timeout=60)
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']}")
        return said["result"]

    def log_in(self, servers: MailServers, name: str) -> None:
        """Use a mailbox, and begin to listen."""
        login: dict[str, object] = {
            "addr": servers.address(name),
            "password": servers.passwords[name],
            "certificateChecks": "acceptInvalidCertificates",  # it cannot be told of another authority
        }
        for kind, port in (("imap", servers.imap_port), ("smtp", servers.smtp_port)):
            login |= {f"{kind}Server": "localhost", f"{kind}Port": port, f"{kind}Security": "ssl"}
        self.ask("add_or_update_transport", self.account, login)
        self.ask("start_io", self.account)

    def meet(self, other: "Core") -> int:
        """Learn another's key, so that messages are encrypted; the chat with it."""
        card = other.ask("make_vcard", other.account, [SELF])
        [contact] = self.ask("import_vcard_contents", self.account, card)
        chat: int = self.ask("create_chat_by_contact_id", self.account, contact)
        return chat

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            said = json.loads(line)
            self._waiting.pop(said["id"]).put(said)


class DeltaChat:
    """Two accounts who know each other; `arrived` holds (number, seconds of perf_counter)."""

    def __init__(self, sender: Core, receiver: Core) -> None:
        self.arrived: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()
        self._sender, self._receiver = sender, receiver
        self._chat = sender.meet(receiver)
        receiver.meet(sender)
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, number: int) -> None:
        """Hand one message to the sender's core, which sends it when it may."""
        self._sender.ask("misc_send_text_message", self._sender.account, self._chat, str(number))

    def _listen(self) -> None:
        while True:
            try:
                event = self._receiver.ask("get_next_event")["event"]
                if event["kind"] == "IncomingMsg":
                    now = time.perf_counter()
                    message = self._receiver.ask("get_message", self._receiver.account, event["msgId"])
                    self.arrived.put((int(message["text"]), now))
            except queue.Empty:
                continue  # nothing happened for a minute
            except (OSError, ValueError):
                return  # it has ended


@contextmanager
def deltachat(servers: MailServers, folder: Path) -> Iterator[DeltaChat]:
    """Two cores that run; raises Absent where the program is not installed."""
    beside = str(Path(sys.executable).parent)
    program = shutil.which("deltachat-rpc-server", path=os.pathsep.join((beside, os.environ.get("PATH", ""))))
    if program is None:
        raise Absent("deltachat-rpc-server is not installed")
    with ExitStack() as stack:
        cores = [Core(program, folder / name) for name in servers.passwords]
        for core, name in zip(cores, servers.passwords, strict=True):
            stack.callback(core.close)
            core.log_in(servers, name)
        yield DeltaChat(*cores)
