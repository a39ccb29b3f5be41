"""A profile's key in the Credential Manager, tried by Python for Windows; one line for each promise."""

import sys
from pathlib import Path

from agent.domain.bundle import Bundle
from agent.system.os_keyring import KeyringRefused, fetch, keep
from agent.system.psk_file import load_bundle, save_bundle
from agent.system.wrapping_key import load_key, make_key, storage_of


def promise(name: str, kept: object) -> None:
    """Tell whether it is kept."""
    sys.stdout.write(f"{'kept' if kept else 'BROKEN'} {name}\n")
    sys.stdout.flush()


def refusal(name: str) -> str:
    """The fault of a question for a key that is not there."""
    try:
        fetch(name)
    except KeyringRefused as refused:
        return f"{refused.fault}: {refused}"
    return "none at all"


def main(folder: Path) -> None:
    """Keep a key and what it seals; a second run of the same profile finds it there."""
    bundle = Bundle(gen=1, psk_id=bytes(8), psk=b"k" * 32, not_after=1, backup_id=bytes(8), backup=b"b" * 32)
    if load_key(folder) is None:
        try:
            keep("ab" * 16, bytes(range(32)))
        except KeyringRefused as refused:
            promise(f"a key is kept ({refused})", False)
        else:
            promise("a key is kept", fetch("ab" * 16) == bytes(range(32)))
        promise(f"a key nobody kept is not there ({refusal('cd' * 16)})", refusal("cd" * 16).startswith("lacks"))
        save_bundle(folder, "demo", "front", bundle, make_key(folder, keyring=True))
    promise("the keyring holds the profile's key", storage_of(folder) == "keyring")
    promise("the bundle opens", load_bundle(folder, "demo", "front") == bundle)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
