"""By which names stations find this computer."""

import socket
from contextlib import suppress

from agent.system.config.schema import Hub

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - asks whether it is


def names_of(config: Hub) -> tuple[str, ...]:
    """Return the names for certificate and invites: those configured, else where it listens, else what it is called."""
    if config.names:
        return config.names
    if config.listen not in _EVERYWHERE:
        return (config.listen,)
    found = [name for name in (_own_address(), _own_name()) if name]
    return tuple(dict.fromkeys(found)) or ("localhost",)


def dialled(listen: str) -> str:
    """Return the address at which this computer reaches itself."""
    return {"0.0.0.0": "127.0.0.1", "::": "localhost"}.get(listen, listen)  # noqa: S104 - asks whether it is


def in_url(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _own_name() -> str:
    """The host name, if a certificate can carry it."""
    name = socket.gethostname().lower()
    return name if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else ""


def _own_address() -> str:
    """The address from which this computer would reach others; connecting a datagram socket sends nothing."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        address: str = probe.getsockname()[0]
        return address
    return ""
