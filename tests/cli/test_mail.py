"""`nmr mail`: nothing is kept before it works, what is kept is sealed, and a test says what to do."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.cli import mail_login, run
from agent.system.config.load import load, look_at_hub
from agent.system.mail_secret import NAME
from agent.system.oauth import microsoft
from agent.system.paths import Profile
from agent.system.wrapping_key import make_key, storage_of
from tests.servers.mail import TWO, MailServers, mail_servers
from tests.servers.programs import until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def servers() -> Iterator[MailServers]:
    with mail_servers() as made:
        yield made


class Desk:
    """A profile on whose command line the test types."""

    def __init__(
        self, folder: Path, servers: MailServers, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.profile, self.servers, self._capsys, self._patch = Profile.at(folder), servers, capsys, patch
        self.places = (
            "--imap", f"localhost:{servers.imap_port}", "--smtp", f"localhost:{servers.smtp_port}",
            "--ca-file", str(servers.ca),
        )  # fmt: skip

    def nmr(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        """Run a command; returns exit code and what it said."""
        self._patch.setattr("sys.stdin", io.StringIO(typed))
        code = run(["--profile", str(self.profile.folder), "mail", *words])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def login(self, *words: str, password: str = TWO["anna"]) -> tuple[int, str, str]:
        address = ("--address", self.servers.address("anna"), "--user", "anna")
        return self.nmr("login", *address, *self.places, "--password-stdin", *words, typed=f"{password}\n")

    def test(self, *words: str) -> tuple[int, Any]:
        code, out, _ = self.nmr("test", "--json", *words)
        return code, json.loads(out)


@pytest.fixture
def desk(
    tmp_path: Path, servers: MailServers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    return Desk(tmp_path, servers, capsys, monkeypatch)


def test_a_login_that_works_is_kept_and_the_test_finds_it(desk: Desk) -> None:
    code, out, _ = desk.login()
    assert code == 0
    assert "nmr mail test" in out
    mail = load(desk.profile).config.link.mail
    assert (mail.enabled, mail.address, mail.user) == (True, "anna@mail.test", "anna")
    assert mail.mailbox.mail == "anna@mail.test"
    kept = desk.profile.secrets_folder / NAME
    everything = b"".join(path.read_bytes() for path in desk.profile.folder.rglob("*") if path.is_file())  # type: ignore[union-attr]
    assert kept.exists()
    assert TWO["anna"].encode() not in everything
    assert TWO["anna"] not in out
    code, found = desk.test()
    assert (code, found["ok"], found["address"]) == (0, True, "anna@mail.test")
    assert [step["step"] for step in found["steps"]] == [
        "read-login", "folder", "send-login", "send", "arrive", "plus",
    ]  # fmt: skip


def test_a_wrong_password_is_not_kept(desk: Desk) -> None:
    code, _, err = desk.login(password="wrong")
    assert code == 77
    assert "nmr mail login" in err
    assert not desk.profile.config_file.exists()
    assert not (desk.profile.secrets_folder / NAME).exists()


def test_a_second_login_with_a_wrong_password_leaves_the_first(desk: Desk) -> None:
    assert desk.login()[0] == 0
    assert desk.login(password="wrong")[0] == 77
    assert desk.test()[0] == 0


def test_untried_keeps_what_nobody_can_reach_now_and_the_test_says_so(desk: Desk) -> None:
    code, *_ = desk.nmr(
        "login", "--address", "anna@mail.test", "--imap", "localhost:1", "--smtp", "localhost:1", "--password-stdin",
        "--untried", typed="something\n",
    )  # fmt: skip
    assert code == 0
    code, found = desk.test()
    assert (code, found["ok"], found["steps"][-1]["fault"]) == (69, False, "away")
    code, out, _ = desk.nmr("test")
    assert code == 69
    assert "FAILED" in out
    assert "→" in out


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("--address", "no address"), "address"),
        (("--address", "a@b\nBcc: c@d"), "address"),
        (("--address", "a@b.example", "--imap", "mail.b.example"), "imap"),
        ((), "address"),
    ],
)
def test_what_is_no_mailbox_is_refused_before_anybody_is_asked(desk: Desk, words: tuple[str, ...], field: str) -> None:
    code, _, err = desk.nmr("login", *words, "--password-stdin", typed="x\n")
    assert code == 2
    assert field in err
    assert not desk.profile.config_file.exists()


def test_an_empty_password_is_none(desk: Desk) -> None:
    assert desk.login(password="")[0] == 2


def test_another_mailbox_does_not_inherit_the_servers_of_the_last(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.login()[0] == 0
    asked: list[str] = []

    def nobody(host: str, port: int) -> bool:
        asked.append(f"{host}:{port}")
        return False

    monkeypatch.setattr(mail_login, "answers", nobody)
    code, _, err = desk.nmr("login", "--address", "bert@elsewhere.example", "--password-stdin", typed="x\n")
    assert code == 2
    assert "--imap" in err
    assert "imap.elsewhere.example:993" in asked


def test_what_policy_fixed_stays(desk: Desk) -> None:
    desk.profile.machine_folder.mkdir(parents=True)
    (desk.profile.machine_folder / "policy.toml").write_text('[link.mail]\naddress = "other@mail.test"\n')
    code, _, err = desk.login()
    assert code == 77
    assert "administrator" in err


def test_a_hub_has_a_mailbox_of_its_own_once_there_is_a_hub(desk: Desk) -> None:
    assert desk.login("--hub")[0] == 2
    desk.profile.create()
    desk.profile.hub_folder.mkdir(mode=0o700)
    make_key(desk.profile.hub_folder, keyring=False)
    assert desk.login("--hub")[0] == 0
    assert look_at_hub(desk.profile).config.hub.mail.mailbox.mail == "anna@mail.test"
    assert not load(desk.profile).config.link.mail.enabled
    assert desk.test("--hub")[0] == 0


def test_logging_out_switches_off_and_removes_the_password(desk: Desk) -> None:
    assert desk.login()[0] == 0
    assert desk.nmr("logout")[0] == 0
    assert not load(desk.profile).config.link.mail.enabled
    assert not (desk.profile.secrets_folder / NAME).exists()
    code, _, err = desk.nmr("test")
    assert code == 78
    assert "nmr mail login" in err
    assert desk.nmr("logout")[0] == 0


def test_the_key_that_seals_it_is_the_profile_s_own_and_enrolment_keeps_it(desk: Desk) -> None:
    from agent.station.enrolment.enrol import _key

    assert desk.login()[0] == 0
    folder = desk.profile.secrets_folder
    before = (folder / "wrap.key").read_bytes()
    _key(folder)
    assert (folder / "wrap.key").read_bytes() == before
    assert storage_of(folder) in ("weak storage", "keyring")


def test_a_person_signs_in_at_a_provider_and_the_mailbox_opens_by_tokens_from_then_on(
    desk: Desk, servers: MailServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("msal", reason="the extra [oauth] is not installed")
    monkeypatch.setattr(microsoft, "authority_of", lambda tenant: servers.tokens.authority)
    monkeypatch.setattr(microsoft, "sign_in", partial(microsoft.sign_in, discover=False))
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):  # our token server, instead of the authorities of the system
        monkeypatch.setenv(name, str(servers.ca))
    address = servers.address("anna")
    threading.Thread(target=until, args=(lambda: servers.tokens.allow(address), "the device"), daemon=True).start()
    words = ("--address", address, *desk.places, "--auth", "microsoft")
    code, _, err = desk.nmr("login", *words, "--client-id", "our-number")
    assert code == 0, err
    assert "TESTS123" in err
    assert load(desk.profile).config.link.mail.auth == "microsoft"
    assert desk.test()[0] == 0
    servers.tokens.revoke(address)
    code, found = desk.test()
    assert (code, found["steps"][-1]["fault"]) == (77, "refused")
    assert "nmr mail login" in found["steps"][-1]["detail"]


def test_a_sign_in_without_the_program_s_number_says_where_it_comes_from(desk: Desk) -> None:
    code, _, err = desk.nmr("login", "--address", "a@mail.test", *desk.places, "--auth", "microsoft")
    assert code == 2
    assert "docs/mail.md" in err


def test_a_bundle_for_support_holds_neither_password_nor_address(desk: Desk, tmp_path: Path) -> None:
    assert desk.login()[0] == 0
    file = tmp_path / "for-support.zip"
    assert run(["--profile", str(desk.profile.folder), "bundle", str(file), "--yes"]) == 0
    with zipfile.ZipFile(file) as parts:
        content = b"".join(map(parts.read, parts.namelist()))
    assert b"wrap.key" in content, "it lists files by name"
    assert TWO["anna"].encode() not in content
    assert b"anna@mail.test" not in content


@pytest.mark.parametrize("words", [("login", "--help"), ("test", "--help"), ("logout", "--help")])
def test_each_says_what_it_is_for(desk: Desk, words: tuple[str, ...]) -> None:
    assert desk.nmr(*words)[0] == 0
