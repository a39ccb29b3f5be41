"""What each failure of a proof or a renewal means: the notice people see, and the line of the log."""

from typing import NamedTuple


class Failure(NamedTuple):
    """A key of the texts, and what the log says of it."""

    notice: str
    log: str


HELLO = {
    "timeout": Failure("notice.hmac-timeout", "PSK Authentication Failure: HMAC From Broker Timeout"),
    "invalid": Failure("notice.psk-invalid", "PSK Authentication Failure: Invalid HMAC Received"),
    "replaced": Failure("notice.psk-replaced", "PSK Authentication Failure: PSK Was Replaced"),
    "restored": Failure("notice.hub-restored", "PSK Authentication Failure: Broker Knows Only An Older PSK"),
    "unknown": Failure("notice.psk-unknown", "PSK Authentication Failure: PSK Not Known To Broker"),
}
"""By the code of a handshake that failed. "expired" and "again" are no failures: they begin something new."""

RENEWAL = {
    "timeout-greeted": Failure("notice.hmac-timeout", "PSK Refresh Failure: Backup HMAC From Broker Timeout"),
    "timeout-offered": Failure("notice.new-psk-timeout", "PSK Refresh Failure: New PSK HMAC From Broker Timeout"),
    "invalid-backup": Failure("notice.backup-invalid", "PSK Refresh Failure: Invalid Backup HMAC Received"),
    "invalid-new": Failure("notice.new-psk-invalid", "PSK Refresh Failure: Invalid New PSK HMAC Received"),
    "not-saved": Failure("notice.new-psk-not-saved", "PSK Refresh Failure: New PSK Could Not Be Saved"),
    "replaced": Failure("notice.psk-replaced", "PSK Refresh Failure: PSK Was Replaced"),
    "restored": Failure("notice.hub-restored", "PSK Refresh Failure: Broker Knows Only An Older PSK"),
    "unknown": Failure("notice.psk-unknown", "PSK Refresh Failure: PSK Not Known To Broker"),
}
"""By the code of a round of renewal that failed."""

FAULTS = ("missing", "unreadable", "damaged", "foreign", "locked", "backup-missing")
"""What may be wrong with the keys on disk; each has its notice, `notice.psk-` and its name."""


def of_hello(code: str) -> Failure:
    """What a handshake's code means; one that a newer hub made up is a refusal."""
    return HELLO.get(code) or Failure("notice.psk-refused", f"PSK Authentication Failure: {code}")


def of_renewal(code: str) -> Failure:
    """What a round's code means."""
    if code in ("timeout-requested", "timeout-ready"):
        code = "timeout-greeted"
    return RENEWAL.get(code) or Failure("notice.psk-refused", f"PSK Refresh Failure: {code}")


def of_fault(fault: str) -> str:
    """The notice of what is wrong with the keys on disk."""
    return f"notice.psk-{fault if fault in FAULTS else 'unreadable'}"
