"""Signing in at Microsoft with the real msal, at a token server that answers as theirs does."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import json

from agent.domain.errors import BadInput, NmrError
from agent.hub.broker.tls import SiteTls
from agent.system.oauth import microsoft
from agent.system.oauth.tokens import Kept, ProviderAway, SignInRefused
from tests.servers.mail_tokens import TokenServer
from tests.servers.programs import until

LOGIN = "anna@mail.test"

pytest.importorskip("msal", reason="the extra [oauth] is not installed")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # msal's library prefers these to what it is told
        monkeypatch.delenv(name, raising=False)
    tls = SiteTls(tmp_path / "tls")
    tls.ensure("tests", ["localhost", "127.0.0.1"])
    (tmp_path / "ca.pem").write_bytes(tls.ca_pem)
    made = TokenServer(tls.hub_cert, tls.hub_key)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def person(decide: object) -> None:
    """Decides as soon as the device waits for it."""
    assert callable(decide)
    threading.Thread(target=lambda: until(lambda: bool(decide()), "the device that waits"), daemon=True).start()


def sign_in(server: TokenServer, folder: Path, client_id: str = "our-number") -> tuple[str, list[str]]:
    shown: list[str] = []
    ca = str(folder / "ca.pem")
    kept = microsoft.sign_in(client_id, server.authority, shown.append, ca_file=ca, discover=False)
    return kept, shown


def test_a_person_types_the_code_and_a_refresh_token_is_kept(server: TokenServer, tmp_path: Path) -> None:
    person(lambda: server.allow(LOGIN))
    kept, shown = sign_in(server, tmp_path)
    assert "TESTS123" in shown[0]
    assert json.decode(kept, type=Kept).refresh
    scopes = {scope for path, form in server.requests if path.endswith("devicecode") for scope in form["scope"].split()}
    assert {*microsoft.SCOPES, "offline_access"} <= scopes


def test_who_says_no_is_taken_at_their_word(server: TokenServer, tmp_path: Path) -> None:
    person(server.deny)
    with pytest.raises(SignInRefused, match="declined"):
        sign_in(server, tmp_path)


def test_a_program_that_nobody_registered_is_told_where_that_is_done(server: TokenServer, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"docs/mail\.md"):
        sign_in(server, tmp_path, "")


def test_without_a_network_it_says_so(server: TokenServer, tmp_path: Path) -> None:
    server.stop()
    with pytest.raises(ProviderAway):
        sign_in(server, tmp_path)


def test_without_the_library_it_says_what_to_install(
    server: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "msal", None)
    with pytest.raises(NmrError, match=r"no-more-running\[oauth\]"):
        sign_in(server, tmp_path)


def test_each_organisation_signs_in_at_its_own_place() -> None:
    assert microsoft.authority_of("").endswith("/organizations")
    assert microsoft.authority_of("shop.example").endswith("/shop.example")
    place = microsoft.place_of("n", microsoft.authority_of("shop.example"))
    assert place.token_url == "https://login.microsoftonline.com/shop.example/oauth2/v2.0/token"
