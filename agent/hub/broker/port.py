"""The port a broker listens on: given by IT, or chosen once and kept."""

import socket
from pathlib import Path

from agent.hub.broker.files import write_private


def remembered_port(folder: Path, host: str) -> int:
    """The port chosen the first time; stations have it in their invitation, so it must stay."""
    file = folder / "port"
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        port = free_port(host)
        write_private(file, str(port))
        return port


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on at this moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def near(host: str) -> str:
    """The address at which we reach our own broker when it listens on `host`."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asks whether it is
