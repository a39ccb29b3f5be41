"""What the text of a setting may be: checks, and how each is described to people."""

import re
from collections.abc import Callable

from msgspec import Meta

from agent.domain.audience import parse_audience
from agent.domain.errors import BadInput
from agent.domain.mail import is_address as is_mail_address

LABEL_LENGTH = 40
NOTE_LENGTH = 500
LONGEST_HOST_NAME = 253
HIGHEST_PORT = 65535
LONGEST_PATH = 1024


def is_label(text: str) -> bool:
    """Whether it is one line that fits on a button."""
    return bool(text.strip()) and len(text) <= LABEL_LENGTH and text.isprintable()


def is_note(text: str) -> bool:
    """Whether it may go with a page."""
    return len(text) <= NOTE_LENGTH and text.replace("\n", " ").isprintable()


def is_audience(text: str) -> bool:
    """Whether it means somebody: role:NAME, person:NAME, station:NAME or all."""
    try:
        parse_audience(text)
    except BadInput:
        return False
    return True


def is_ip_address(text: str) -> bool:
    """Whether it is an IP address."""
    from ipaddress import ip_address

    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_network(text: str) -> bool:
    """Whether it is an IP address or a network."""
    from ipaddress import ip_network

    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Whether it is an IP address or may be a host name."""
    label = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    return is_ip_address(text) or (
        len(text) <= LONGEST_HOST_NAME and re.fullmatch(rf"{label}(\.{label})*", text) is not None
    )


def is_host_and_port(text: str) -> bool:
    """Whether it is `host:port`, an IPv6 address in brackets."""
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return False
    return is_host(host) and re.fullmatch(r"[1-9][0-9]{0,4}", port) is not None and int(port) <= HIGHEST_PORT


def is_host_and_port_or_empty(text: str) -> bool:
    """Whether it is `host:port`, or nothing."""
    return not text or is_host_and_port(text)


def is_stun(text: str) -> bool:
    """Whether it is the URI of a STUN server, or nothing."""
    return not text or _is_server(text, "stuns?", "")


def is_turn(text: str) -> bool:
    """Whether it is the URI of a TURN server."""
    return _is_server(text, "turns?", r"(\?transport=(udp|tcp))?")


def _is_server(text: str, scheme: str, end: str) -> bool:
    found = re.fullmatch(rf"{scheme}:([^?]+){end}", text)
    return found is not None and (is_host(found[1].strip("[]")) or is_host_and_port(found[1]))


def is_secret(text: str) -> bool:
    """Whether it may be a password that people type."""
    return len(text) <= NOTE_LENGTH and text.isprintable()


def is_program(text: str) -> bool:
    """Whether it may be a program or its path."""
    return bool(text.strip()) and text.isprintable()


def text_of(allowed: str, check: Callable[[str], bool], about: str | None = None) -> Meta:
    """Return what tells people and the checker about a text."""
    return Meta(description=about, extra={"allowed": allowed, "check": check})


def secret_of(allowed: str, check: Callable[[str], bool], about: str) -> Meta:
    """Return the same for a text whose value is shown to nobody."""
    return Meta(description=about, extra={"allowed": allowed, "check": check, "secret": True})


def label_of(about: str) -> Meta:
    """Return the same for a name that stands on buttons and in menus."""
    return text_of(f"a text of 1 to {LABEL_LENGTH} characters in one line", is_label, about)


def is_mail_address_or_empty(text: str) -> bool:
    """Whether it is `local@host`, or nothing."""
    return not text or is_mail_address(text)


def is_line_or_empty(text: str) -> bool:
    """Whether it is one line of any length that a name, a folder or a path may have."""
    return len(text) <= LONGEST_PATH and text.isprintable()


def is_word_or_empty(text: str) -> bool:
    """Whether it is what the name of a tenant or a program's number at a provider may be."""
    return re.fullmatch(r"[A-Za-z0-9._-]{0,128}", text) is not None
