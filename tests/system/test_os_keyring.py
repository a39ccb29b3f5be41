"""Where the account has a keyring, it alone holds the key of the profile, and it never keeps anybody waiting."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.system import os_keyring
from agent.system.os_keyring import KeyringRefused, fetch, keep
from agent.system.psk_file import KeyUnusable, load_bundle, save_bundle
from agent.system.secrets import load_secrets, save_secrets
from agent.system.wrapping_key import SecretsUnreadable, WrappingKey, load_key, make_key, storage_of
from tests.servers.gnome_keyring import GnomeKeyring
from tests.system.test_psk_file import OURS, bundle

NAME, KEY = "00" * 16, bytes(range(32))
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Credential Manager has tests of its own")


def use(service: GnomeKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log this process in where that keyring is."""
    for name, value in service.env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GnomeKeyring]:
    """An account with an open keyring, in whose session the test runs."""
    if missing := GnomeKeyring.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with GnomeKeyring(tmp_path / "account") as service:
        use(service, monkeypatch)
        yield service


@pytest.fixture
def other(tmp_path: Path) -> Iterator[GnomeKeyring]:
    """Another account, or another computer."""
    with GnomeKeyring(tmp_path / "other account") as service:
        yield service


def wrapped(folder: Path) -> WrappingKey:
    """A profile's secrets under a key that the keyring holds."""
    key = make_key(folder, keyring=True)
    save_bundle(folder, *OURS, bundle(1), key)
    save_secrets(folder, b"credentials", key)
    return key


def refused(name: str = NAME) -> KeyringRefused:
    with pytest.raises(KeyringRefused) as told:
        fetch(name)
    return told.value


def told_of(folder: Path) -> tuple[str, str]:
    """What a start says that finds its secrets shut: the code of the credentials, the fault of the bundle."""
    with pytest.raises(SecretsUnreadable) as shut:
        load_secrets(folder)
    with pytest.raises(KeyUnusable) as unusable:
        load_bundle(folder, *OURS)
    return shut.value.code, unusable.value.fault


def test_a_key_comes_back_from_the_keyring_as_it_was_kept(account: GnomeKeyring) -> None:
    keep(NAME, KEY)
    assert fetch(NAME) == KEY
    assert refused("11" * 16).fault == "lacks"


def test_the_secrets_of_a_profile_open_with_the_keyring_of_its_account(account: GnomeKeyring, tmp_path: Path) -> None:
    key = wrapped(tmp_path / "secrets")
    assert storage_of(tmp_path / "secrets") == "keyring"
    assert load_key(tmp_path / "secrets") == key
    assert load_secrets(tmp_path / "secrets") == b"credentials"
    assert load_bundle(tmp_path / "secrets", *OURS) == bundle(1)
    assert not any(key.raw in path.read_bytes() for path in (tmp_path / "secrets").iterdir())


def test_the_key_is_there_after_the_next_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing := GnomeKeyring.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    for login in range(2):
        with GnomeKeyring(tmp_path / "account") as account:
            use(account, monkeypatch)
            if login == 0:
                wrapped(tmp_path / "secrets")
            assert load_secrets(tmp_path / "secrets") == b"credentials"


def test_a_copied_profile_opens_nothing_at_another_account(
    account: GnomeKeyring, other: GnomeKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped(tmp_path / "secrets")
    use(other, monkeypatch)
    assert told_of(tmp_path / "secrets") == ("keyring-lacks", "foreign")
    with pytest.raises(SecretsUnreadable, match="does not hold the key of this station") as told:
        load_key(tmp_path / "secrets")
    assert told.value.lost
    assert "Log in as the person who enrolled it" in told.value.message
    assert "nmr enrol INVITE" in told.value.message


def test_a_copied_profile_opens_nothing_where_there_is_no_keyring(
    account: GnomeKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped(tmp_path / "secrets")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    assert told_of(tmp_path / "secrets") == ("keyring-none", "locked")


def test_a_locked_keyring_is_told_at_once_and_opens_no_dialog(account: GnomeKeyring, tmp_path: Path) -> None:
    wrapped(tmp_path / "secrets")
    account.lock()
    began = time.monotonic()
    with pytest.raises(SecretsUnreadable, match="is locked") as told:
        load_key(tmp_path / "secrets")
    assert time.monotonic() - began < os_keyring.WITHIN_S
    assert (told.value.lost, "Unlock it" in told.value.message) == (False, True)
    assert told_of(tmp_path / "secrets") == ("keyring-locked", "locked")


def test_a_keyring_that_says_nothing_is_given_up_in_time(
    account: GnomeKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped(tmp_path / "secrets")
    monkeypatch.setattr(os_keyring, "WITHIN_S", 1.0)
    account.frozen(True)
    began = time.monotonic()
    with pytest.raises(SecretsUnreadable, match="did not answer within 1 second") as told:
        load_key(tmp_path / "secrets")
    assert (told.value.code, time.monotonic() - began < 8) == ("keyring-locked", True)
    assert make_key(tmp_path / "new", keyring=True).backend == 1


@pytest.mark.parametrize("state", ["locked", "gone"])
def test_without_a_keyring_that_works_the_key_rests_in_a_file(
    account: GnomeKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    if state == "locked":
        account.lock()
    else:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'nobody'}")
    wrapped(tmp_path / "secrets")
    assert storage_of(tmp_path / "secrets") == "weak storage"
    assert load_bundle(tmp_path / "secrets", *OURS) == bundle(1)


BACKENDS = """
from keyring.backend import KeyringBackend
class PlaintextKeyring(KeyringBackend):
    priority = 9
    kept = {}
    def set_password(self, *given): self.kept[given[:2]] = given[2]
    def get_password(self, *given): return self.kept.get(given)
"""


@pytest.mark.parametrize(
    "backend", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring", "plain.PlaintextKeyring", "no.Such"]
)
def test_what_only_calls_itself_a_keyring_is_refused(
    account: GnomeKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    (tmp_path / "plain.py").write_text(BACKENDS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    with pytest.raises(KeyringRefused) as told:
        keep(NAME, KEY)
    assert told.value.fault == "none"


def test_among_several_keyrings_the_safe_one_is_chosen(account: GnomeKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    keep(NAME, KEY)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.chainer.ChainerBackend")
    assert fetch(NAME) == KEY


def test_the_key_is_in_no_argument_and_no_environment(
    account: GnomeKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    run = subprocess.run

    def looked_at(words: list[str], **how: object) -> object:
        seen.append(repr(words) + repr(how["env"]))
        return run(words, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", looked_at)
    key = wrapped(tmp_path / "secrets")
    assert load_key(tmp_path / "secrets") == key
    assert len(seen) == 2
    assert not any(key.raw.hex() in text for text in seen)


def test_the_asking_process_never_loads_the_library() -> None:
    code = "import sys, agent.system.wrapping_key, agent.system.psk_file; sys.exit('keyring' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=os_keyring.ROOT).returncode == 0
