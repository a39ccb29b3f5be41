"""A whole station at rest and at work: no byte of a key lies anywhere in its profile or its logs."""

import os
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import copytree

import pytest

from agent.demo.site import Site
from agent.domain.keys import from_b64u
from agent.system.credentials import load_credentials
from agent.system.os_keyring import ROOT
from agent.system.paths import Profile
from agent.system.psk_file import load_bundle
from agent.system.wrapping_key import load_key
from tests.servers.gnome_keyring import GnomeKeyring

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(sys.platform == "win32", reason="the keyring of the test is one of Linux"),
]


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """What programs of an account with an open keyring see; the test itself is one of them."""
    if missing := GnomeKeyring.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with GnomeKeyring(tmp_path / "account") as service:
        for name, value in service.env.items():
            monkeypatch.setenv(name, value)
        yield service.env


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    running = Site(tmp_path / "site")
    try:
        running.start_hub()
        yield running
    finally:
        running.stop()


def keys_of(profile: Profile, *, in_keyring: bool) -> dict[str, bytes]:
    """Every secret of a station by name; where its file is all there is, the wrapping key is in it."""
    key = load_key(profile.secrets_folder)
    found = load_credentials(profile.secrets_folder, key)
    assert found
    assert key
    bundle = load_bundle(profile.secrets_folder, found.site, found.station, key)
    kept = {
        "psk": bundle.psk,
        "backup": bundle.backup,
        "signing key": from_b64u(found.sign_key),
        "receiving key": from_b64u(found.receive_key),
        "password": found.password.encode(),
    }
    return {**kept, "wrapping key": key.raw} if in_keyring else kept


def spellings(secret: bytes) -> list[bytes]:
    """A secret as it would stand in a file, a log or JSON."""
    plain = [secret, secret.hex().encode(), repr(secret)[2:-1].encode(), str(list(secret)).encode()]
    return [*plain, b64encode(secret).rstrip(b"="), urlsafe_b64encode(secret).rstrip(b"=")]


def shown(folders: list[Path], keys: dict[str, bytes]) -> list[str]:
    """Where which key lies open."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    contents = [(path, path.read_bytes()) for path in files]
    return [
        f"{name} in {path.name}"
        for name, secret in keys.items()
        for path, held in contents
        if any(spelling in held for spelling in spellings(secret))
    ]


def start(profile: Profile, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Start an agent that cannot; what it says and its exit code."""
    command = [sys.executable, "-m", "agent", *profile.arguments(), "run"]
    return subprocess.run(
        command, env=dict(env), cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


def test_a_station_with_a_keyring_works_shows_no_key_and_its_copy_opens_nothing(
    site: Site, account: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.enrol("front", "anna", "front-desk", env=account)
    site.start_station("front", account)
    with site.talk("front") as line:
        assert line.request("status")["storage"] == "keyring"
        line.request("order.add", kind="order", fields={"title": "Table 4"})
    profile = site.profile("front")
    keys = keys_of(profile, in_keyring=True)
    assert shown([profile.data_folder, profile.log_folder, tmp_path / "site" / "front"], keys) == []
    site.kill("front")
    assert shown([profile.data_folder, profile.log_folder], keys) == []

    copy = Profile.at(tmp_path / "copy")
    copytree(tmp_path / "site" / "front", tmp_path / "copy", ignore=lambda _folder, names: {"control.sock"} & {*names})
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    with GnomeKeyring(tmp_path / "thief") as other:
        for env in ({**other.env}, {}):
            stopped = start(copy, {**_without_bus(), **env})
            assert stopped.returncode == 1
            assert "The keyring of this account" in stopped.stderr
            assert "nmr enrol INVITE" in stopped.stderr
            assert "Traceback" not in stopped.stderr


def test_a_station_without_a_keyring_says_so_and_shows_no_key_but_the_wrapping_one(site: Site, tmp_path: Path) -> None:
    site.enrol("front", "anna", "front-desk")
    site.start_station("front")
    with site.talk("front") as line:
        assert line.request("status")["storage"] == "weak storage"
    profile = site.profile("front")
    keys = keys_of(profile, in_keyring=False)
    assert shown([profile.data_folder, profile.log_folder, tmp_path / "site" / "front"], keys) == []
    key = load_key(profile.secrets_folder)
    assert key
    assert shown([profile.data_folder], {"W": key.raw}) == ["W in wrap.key"]


def _without_bus() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
