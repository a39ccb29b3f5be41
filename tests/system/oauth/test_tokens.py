"""Tokens are renewed in time, once for all threads, and sealed; who must sign in again is told apart from bad luck."""

import logging
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from msgspec import json

from agent.hub.broker.tls import SiteTls
from agent.system.mail_secret import MailSecret, load_mail_secret
from agent.system.oauth import microsoft
from agent.system.oauth.tokens import EARLY_S, Kept, Place, ProviderAway, SignInRefused, Tokens
from agent.system.wrapping_key import WrappingKey, make_key
from tests.servers.mail_tokens import TokenServer

LOGIN = "anna@mail.test"


@dataclass
class Stage:
    """A token server, and a mailbox whose sign-in is done."""

    server: TokenServer
    folder: Path
    ca_pem: str
    mono: float = 1000.0

    def __post_init__(self) -> None:
        self.key: WrappingKey = make_key(self.folder, keyring=False)
        self.place = replace(microsoft.place_of("our-number", self.server.authority), ca_pem=self.ca_pem)
        self.first = self.server.grant(LOGIN)

    def tokens(self, refresh: str = "", place: Place | None = None) -> Tokens:
        value = json.encode(Kept(refresh or self.first)).decode()
        secret = MailSecret(login=LOGIN, kind="microsoft", value=value)
        return Tokens(self.folder, secret, self.key, place or self.place, lambda: self.mono)

    def asked(self) -> int:
        """How often the server was asked for tokens."""
        return sum(path.endswith("/token") for path, _ in self.server.requests)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> SiteTls:
    made = SiteTls(tmp_path_factory.mktemp("tls"))
    made.ensure("tests", ["localhost", "127.0.0.1"])
    return made


@pytest.fixture
def stage(tmp_path: Path, tls: SiteTls) -> Iterator[Stage]:
    server = TokenServer(tls.hub_cert, tls.hub_key)
    server.start()
    try:
        yield Stage(server, tmp_path, tls.ca_pem.decode())
    finally:
        server.stop()


def test_a_token_is_used_until_shortly_before_its_end_and_then_renewed(stage: Stage) -> None:
    tokens = stage.tokens()
    first = tokens.token()
    assert stage.server.active(LOGIN, first)
    stage.mono += stage.server.seconds - EARLY_S - 1
    assert tokens.token() == first
    stage.mono += 2
    assert tokens.token() != first
    assert stage.asked() == 2


def test_many_threads_ask_once(stage: Stage) -> None:
    tokens = stage.tokens()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: tokens.token(), range(32)))) == 1
    assert stage.asked() == 1


def test_a_new_refresh_token_is_sealed_at_once_and_serves_the_next_run(stage: Stage) -> None:
    stage.tokens().token()
    kept = load_mail_secret(stage.folder, LOGIN, "microsoft", stage.key)
    refresh = json.decode(kept.value, type=Kept).refresh
    assert refresh != stage.first
    assert stage.server.active(LOGIN, stage.tokens(refresh).token())


def test_who_was_shown_out_must_sign_in_again_and_hears_how(stage: Stage) -> None:
    stage.server.revoke(LOGIN)
    with pytest.raises(SignInRefused, match="nmr mail login") as caught:
        stage.tokens().token()
    assert caught.value.exit_code == 77


def test_a_provider_that_is_not_well_or_not_there_is_asked_later(stage: Stage) -> None:
    tokens = stage.tokens()
    stage.server.broken = True
    with pytest.raises(ProviderAway):
        tokens.token()
    stage.server.broken = False
    assert tokens.token()
    stage.server.stop()
    with pytest.raises(ProviderAway):
        stage.tokens().token()


def test_only_a_provider_with_the_right_certificate_is_told_anything(stage: Stage) -> None:
    with pytest.raises(ProviderAway, match="CERTIFICATE"):
        stage.tokens(place=replace(stage.place, ca_pem=None)).token()
    with pytest.raises(ProviderAway):
        stage.tokens(place=replace(stage.place, token_url=f"http://localhost:{stage.server.port}/token")).token()
    assert stage.asked() == 0


def test_no_text_of_it_shows_a_token(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = stage.tokens()
    secret = tokens.token()
    stage.server.revoke(LOGIN)
    stage.mono += stage.server.seconds
    with pytest.raises(SignInRefused) as caught:
        tokens.token()
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(vars(tokens))
    assert stage.first not in shown
    assert secret not in shown.replace(repr(tokens._access), "")
