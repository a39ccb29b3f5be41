"""What the link is made with is what the settings and the secrets folder say, and what is missing is named."""

from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from agent.domain.errors import BadConfiguration
from agent.links.base import LinkDown, LinkRefused
from agent.links.mail.configured import configured, place_of
from agent.system.config.schema_links import MailLink
from agent.system.mail_secret import MailSecret, MailSecretUnusable, save_mail_secret
from agent.system.oauth.tokens import Kept, Place, ProviderAway, SignInRefused
from agent.system.wrapping_key import make_key
from agent.wire.keys import Identity

ME = Identity.new("s1", "desk")
SETTINGS = MailLink(
    enabled=True, address="shop@example.com", imap="mail.example.com:993", smtp="[::1]:465", folder="Calls", plus=False
)


def keep(folder: Path, kind: str = "password", value: str = "open sesame") -> None:
    save_mail_secret(
        folder,
        MailSecret(login="shop@example.com", kind=kind, value=value),  # type: ignore[arg-type]
        make_key(folder, keyring=False),
    )


def test_a_mailbox_with_a_password(tmp_path: Path) -> None:
    keep(tmp_path)
    (tmp_path / "ca.pem").write_bytes(b"a certificate")
    made, token = configured(replace(SETTINGS, ca_file=str(tmp_path / "ca.pem")), tmp_path, ME)
    assert (made.imap, made.smtp) == (("mail.example.com", 993), ("::1", 465))
    assert (made.login, made.password, made.folder, made.plus) == ("shop@example.com", "open sesame", "Calls", False)
    assert made.ca_pem == b"a certificate"
    assert token is None
    assert "open sesame" not in repr(made)
    assert configured(replace(SETTINGS, folder=""), tmp_path, ME)[0].folder == "INBOX"


@pytest.mark.parametrize("key", ["address", "imap", "smtp"])
def test_what_is_missing_is_named(tmp_path: Path, key: str) -> None:
    keep(tmp_path)
    with pytest.raises(BadConfiguration, match=key) as caught:
        configured(replace(SETTINGS, **{key: ""}), tmp_path, ME)
    assert caught.value.field == key


def test_a_sign_in_needs_the_program_s_number(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="client_id"):
        configured(replace(SETTINGS, auth="microsoft"), tmp_path, ME)


def test_without_a_password_or_with_another_login_s_there_is_no_link(tmp_path: Path) -> None:
    with pytest.raises(MailSecretUnusable):
        configured(SETTINGS, tmp_path, ME)
    keep(tmp_path)
    with pytest.raises(MailSecretUnusable):
        configured(replace(SETTINGS, user="other"), tmp_path, ME)


def test_certificates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    keep(tmp_path)
    with pytest.raises(BadConfiguration, match=r"gone\.pem"):
        configured(replace(SETTINGS, ca_file=str(tmp_path / "gone.pem")), tmp_path, ME)


def test_each_provider_has_its_place() -> None:
    assert place_of(SETTINGS) is None
    place = place_of(replace(SETTINGS, auth="microsoft", client_id="n", tenant="shop.example"))
    assert place is not None
    assert "shop.example" in place.token_url
    place = place_of(replace(SETTINGS, auth="google", client_id="n"))
    assert place is not None
    assert place.token_url.startswith("https://oauth2.googleapis.com/")


@pytest.mark.parametrize(("raised", "as_link"), [(SignInRefused("no"), LinkRefused), (ProviderAway("later"), LinkDown)])
def test_what_a_provider_says_is_said_as_links_say_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, as_link: type[Exception]
) -> None:
    keep(tmp_path, "microsoft", json.encode(Kept("refresh")).decode())
    made, token = configured(replace(SETTINGS, auth="microsoft", client_id="n"), tmp_path, ME)
    assert made.password == ""
    assert token is not None

    def ask(place: Place, kept: Kept) -> None:
        raise raised

    monkeypatch.setattr("agent.system.oauth.tokens.refreshed", ask)
    with pytest.raises(as_link):
        token()
