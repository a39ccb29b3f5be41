"""A visit to a port of the site: whether it answers, whose certificate it shows and what time it is there."""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

PATIENCE_S = 5.0
LONGEST_HEAD = 8192
"""More than this the hub does not say before its Date, bytes."""

Fault = Literal["", "name", "refused", "silent", "unreachable", "untrusted", "expired", "early", "other-name", "no-tls"]

# OpenSSL's numbers for why a certificate is not believed.
_EARLY, _EXPIRED = 9, 10
_NAMES = (62, 64)


@dataclass(frozen=True, slots=True)
class Visit:
    """What was seen. `fault` is "" where the certificate is the site's own; times are ms UTC, durations ms."""

    host: str
    port: int
    fault: Fault = ""
    detail: str = ""
    tcp_ms: float | None = None
    not_after_ms: int | None = None
    hub_ahead_ms: int | None = None
    """By how much the clock there is ahead of ours; the hub tells full seconds, so half of one is no news."""


def visit(
    host: str,
    port: int,
    ca_pem: str,
    *,
    http: bool = True,
    patience: float = PATIENCE_S,
    wall: Callable[[], float] = time.time,
) -> Visit:
    """Connect, shake hands, with `http` ask for the time, and leave; blocking.

    Where the certificate is not believed its dates and the time are asked without believing them: that says why.
    """
    began = time.monotonic()
    try:
        socket.create_connection((host, port), patience).close()
    except OSError as error:
        return Visit(host, port, _unreachable(error), str(error))
    tcp_ms = (time.monotonic() - began) * 1000
    fault: Fault = ""
    detail = ""
    try:
        not_after, ahead = _handshake(host, port, _believing(ca_pem), http=http, patience=patience, wall=wall)
    except ssl.SSLCertVerificationError as error:
        fault, detail = _disbelieved(error), error.verify_message
        not_after, ahead = None, None
        with contextlib.suppress(OSError, ValueError):
            not_after, ahead = _handshake(host, port, _credulous(), http=http, patience=patience, wall=wall)
    except (OSError, ValueError) as error:
        return Visit(host, port, "silent" if isinstance(error, TimeoutError) else "no-tls", str(error), tcp_ms)
    return Visit(host, port, fault, detail, tcp_ms, not_after, ahead)


def last_day(pem: str) -> int | None:
    """When a certificate ends, ms UTC; None if it is none."""
    from cryptography import x509

    try:
        return round(x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.timestamp() * 1000)
    except ValueError:
        return None


def _handshake(
    host: str, port: int, tls: ssl.SSLContext, *, http: bool, patience: float, wall: Callable[[], float]
) -> tuple[int, int | None]:
    """When the certificate there ends, and how far its clock is ahead; raises OSError, ValueError."""
    with (
        socket.create_connection((host, port), patience) as plain,
        tls.wrap_socket(plain, server_hostname=host) as opened,
    ):
        not_after = _ends(opened.getpeercert(binary_form=True) or b"")
        return not_after, _clock_ahead(opened, host, wall) if http else None


def _ends(der: bytes) -> int:
    from cryptography import x509

    return round(x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp() * 1000)


def _clock_ahead(opened: ssl.SSLSocket, host: str, wall: Callable[[], float]) -> int | None:
    """Ask for nothing and read the Date of the answer."""
    from email.utils import parsedate_to_datetime

    asked = wall()
    opened.sendall(f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("ascii", "replace"))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < LONGEST_HEAD and (part := opened.recv(4096)):
        head += part
    between = (asked + wall()) / 2
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "date":
            told = parsedate_to_datetime(value.strip()).timestamp() + 0.5  # it is cut to full seconds
            return round((told - between) * 1000)
    return None


def _believing(ca_pem: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=ca_pem)
    return context


def _credulous() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _disbelieved(error: ssl.SSLCertVerificationError) -> Fault:
    if error.verify_code == _EXPIRED:
        return "expired"
    if error.verify_code == _EARLY:
        return "early"
    return "other-name" if error.verify_code in _NAMES else "untrusted"


def _unreachable(error: OSError) -> Fault:
    match error:
        case socket.gaierror():
            return "name"
        case ConnectionRefusedError():
            return "refused"
        case TimeoutError():
            return "silent"
    return "unreachable"
