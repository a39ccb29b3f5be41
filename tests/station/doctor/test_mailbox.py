"""The doctor logs in at the mailbox, sends nothing, and says how bad it is that it cannot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.links.mail import trial
from agent.station.doctor import mailbox
from agent.system.mail_secret import MailSecret, save_mail_secret
from agent.system.paths import Profile
from agent.system.wrapping_key import make_key
from tests.servers.mail import TWO, MailServers, mail_servers
from tests.station.doctor.scene import examined, said

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def servers() -> Iterator[MailServers]:
    with mail_servers() as made:
        yield made


def station(folder: Path, servers: MailServers, *, password: str = TWO["anna"], more: str = "") -> Profile:
    """A profile with a mailbox."""
    profile = Profile.at(folder)
    profile.create()
    profile.config_file.write_text(
        f'[link.mail]\nenabled = true\naddress = "{servers.address("anna")}"\nuser = "anna"\n'
        f'imap = "localhost:{servers.imap_port}"\nsmtp = "localhost:{servers.smtp_port}"\n'
        f'ca_file = "{servers.ca}"\n{more}'
    )
    secret = MailSecret(login="anna", kind="password", value=password)
    save_mail_secret(profile.secrets_folder, secret, make_key(profile.secrets_folder, keyring=False))
    return profile


def test_without_a_mailbox_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    assert said(Profile.at(tmp_path), "mail") == [("off", "off")]


def test_a_mailbox_that_lets_us_in_is_good_and_stays_as_it_is(tmp_path: Path, servers: MailServers) -> None:
    before = servers.mailbox("anna").count()
    (found,) = examined(station(tmp_path, servers), "mail")
    assert (str(found.level), found.what) == ("ok", "ok")
    assert found.values["address"] == "anna@mail.test"
    assert servers.mailbox("anna").count() == before


@pytest.mark.parametrize(("mqtt", "level"), [("true", "warning"), ("false", "failure")])
def test_a_wrong_password_is_as_bad_as_the_link_is_needed(
    tmp_path: Path, servers: MailServers, mqtt: str, level: str
) -> None:
    profile = station(tmp_path, servers, password="wrong", more=f"[link.mqtt]\nenabled = {mqtt}\n")
    assert said(profile, "mail") == [(level, "login-refused")]


def test_what_else_may_be_wrong_has_its_own_words(
    tmp_path: Path, servers: MailServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said(station(tmp_path / "a", servers, more='folder = "Nowhere"\n'), "mail") == [("warning", "folder")]
    profile = station(tmp_path / "b", servers)
    text = profile.config_file.read_text()
    profile.config_file.write_text(text.replace(f"localhost:{servers.smtp_port}", "localhost:1"))
    (found,) = examined(profile, "mail")
    assert (found.what, found.values["host"]) == ("away", "localhost:1")
    secret = profile.secrets_folder / "mail.bin"
    secret.write_bytes(secret.read_bytes()[:-1])
    (found,) = examined(profile, "mail")
    assert found.what == "not-set-up"
    assert "nmr mail login" in str(found.values["detail"])
    secret.unlink()
    assert said(profile, "mail") == [("warning", "no-secret")]
    monkeypatch.setattr(mailbox, "ANSWER_S", 0.001)
    assert said(station(tmp_path / "c", servers), "mail") == [("warning", "away")]


def test_no_finding_shows_the_password(tmp_path: Path, servers: MailServers) -> None:
    for password in (TWO["anna"], "wrong canary"):
        (found,) = examined(station(tmp_path / str(len(password)), servers, password=password), "mail")
        assert password not in repr(found) + repr(trial.CURES)
