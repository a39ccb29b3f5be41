"""`python -m agent.system.os_keyring_child`: one question to the keyring of this account, then the end."""

import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

APPLICATION = "no-more-running"
"""What the keyring calls the application our keys belong to."""

SECRET_SERVICE, WINDOWS = "keyring.backends.SecretService", "keyring.backends.Windows"
SAFE = (SECRET_SERVICE, WINDOWS, "keyring.backends.libsecret", "keyring.backends.kwallet")
"""Those that bind what they keep to the login. Anything else, a plain file above all, is no better than our own."""

SESSION = "/org/freedesktop/secrets/collection/session"
"""The collection that is forgotten at the end of the session."""


class _Refused(Exception):
    """There is no answer, and which of the faults of `os_keyring` it is."""

    def __init__(self, fault: str, why: str) -> None:
        super().__init__(why)
        self.fault = fault


def main() -> int:
    """Answer the question on standard input; whatever goes wrong is an answer, too."""
    out, sys.stdout = sys.stdout, sys.stderr  # no library says anything in between
    question = json.load(sys.stdin)
    try:
        answer = {"key": _answer(question)}
    except _Refused as refused:
        answer = {"fault": refused.fault, "why": str(refused)}
    except Exception as error:  # noqa: BLE001 - a keyring may fail in any way; its words could hold anything
        locked = "Locked" in type(error).__name__
        answer = {"fault": "locked" if locked else "none", "why": type(error).__name__}
    json.dump(answer, out)
    return 0


def _answer(question: dict[str, str]) -> str:
    """Return the key that stands in the keyring under this name, after putting it there if one is given."""
    backend, name = _chosen(), question["name"]
    if key := question.get("key"):
        backend.set_password(APPLICATION, name, key)
    found = backend.get_password(APPLICATION, name)
    if found is None:
        raise _Refused("lacks", "it holds no such key")
    return found


def _chosen() -> "KeyringBackend":
    """Return the keyring this computer is set up for, if it is safe and open."""
    import keyring

    set_up: Any = keyring.get_keyring()
    for backend in getattr(set_up, "backends", [set_up]):  # several hang together in a chain
        module = type(backend).__module__
        if module in SAFE:
            if module == SECRET_SERVICE:
                _refuse_locked()
            if module == WINDOWS:
                backend.persist = "local machine"  # its ordinary choice goes with the user to other computers
            safe: KeyringBackend = backend
            return safe
    raise _Refused("none", f"{type(set_up).__module__} keeps nothing safe")


def _refuse_locked() -> None:
    """Look before asking: asking opens a dialog, and nobody answers that at the start of an agent."""
    import secretstorage

    with closing(secretstorage.dbus_init()) as bus:
        try:
            collection = secretstorage.get_collection_by_alias(bus, "default")
        except secretstorage.ItemNotFoundException as error:
            raise _Refused("none", "it has no collection") from error
        if collection.collection_path == SESSION:
            raise _Refused("none", "it forgets everything at the end of the session")
        if collection.is_locked():
            raise _Refused("locked", "it is locked")


if __name__ == "__main__":
    sys.exit(main())
