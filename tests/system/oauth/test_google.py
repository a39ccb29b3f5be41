"""Signing in at Google: the browser brings the answer to a port of this computer, and only the right answer counts."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import pytest
from msgspec import json

from agent.domain.errors import BadInput
from agent.domain.keys import to_b64u
from agent.hub.broker.tls import SiteTls
from agent.system.oauth import google
from agent.system.oauth.tokens import Kept, Place, SignInRefused
from tests.servers.mail_tokens import TokenServer

LOGIN = "anna@mail.test"


class CodeServer(TokenServer):
    """The same with codes of a browser: what it is given must belong to what the browser was sent away with."""

    challenge = ""

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        from hashlib import sha256

        if form.get("grant_type") != "authorization_code":
            return super().answer(path, form)
        right = to_b64u(sha256(form["code_verifier"].encode()).digest()) == self.challenge
        if not right or form["code"] != "the-code" or form["client_secret"] != "our-secret":
            return 400, {"error": "invalid_grant"}
        return self._tokens(LOGIN, form)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CodeServer]:
    tls = SiteTls(tmp_path / "tls")
    tls.ensure("tests", ["localhost", "127.0.0.1"])
    made = CodeServer(tls.hub_cert, tls.hub_key)
    made.place = Place(f"https://localhost:{made.port}/token", "our-number", google.SCOPE, tls.ca_pem.decode())  # type: ignore[attr-defined]
    made.start()
    try:
        yield made
    finally:
        made.stop()


def browser(server: CodeServer, *answers: dict[str, str]) -> Callable[[str], None]:
    """A browser that comes back with these answers, one after the other; {state} is the one it was sent away with."""

    def browse(url: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        server.challenge = asked["code_challenge"]
        assert (asked["code_challenge_method"], asked["access_type"], asked["login_hint"]) == ("S256", "offline", LOGIN)

        def come_back() -> None:
            for answer in answers:
                said = {name: value.format(state=asked["state"]) for name, value in answer.items()}
                try:
                    urlopen(f"{asked['redirect_uri']}?{urlencode(said)}", timeout=5).close()  # noqa: S310 - http
                except OSError:
                    continue

        threading.Thread(target=come_back, daemon=True).start()

    return browse


def sign_in(server: CodeServer, *answers: dict[str, str], patience: float = 20.0, secret: str = "our-secret") -> str:
    place = server.place  # type: ignore[attr-defined]
    shown: list[str] = []
    return google.sign_in(place, LOGIN, secret, shown.append, browser(server, *answers), patience=patience)


def test_the_code_becomes_a_refresh_token_that_is_kept_with_the_program_s_secret(server: CodeServer) -> None:
    kept = json.decode(sign_in(server, {"state": "{state}", "code": "the-code"}), type=Kept)
    assert kept.refresh
    assert kept.secret == "our-secret"


def test_an_answer_that_nobody_asked_for_is_not_heard(server: CodeServer) -> None:
    with pytest.raises(SignInRefused, match="Nobody signed in"):
        sign_in(server, {"state": "guessed", "code": "the-code"}, {"code": "the-code"}, patience=1.0)
    kept = sign_in(server, {"state": "guessed", "code": "evil"}, {"state": "{state}", "code": "the-code"})
    assert json.decode(kept, type=Kept).refresh


def test_who_says_no_is_taken_at_their_word(server: CodeServer) -> None:
    with pytest.raises(SignInRefused, match="access_denied"):
        sign_in(server, {"state": "{state}", "error": "access_denied"})


def test_a_code_for_another_browser_is_worth_nothing(server: CodeServer) -> None:
    with pytest.raises(SignInRefused, match="invalid_grant"):
        sign_in(server, {"state": "{state}", "code": "another-code"})


def test_without_the_program_s_secret_app_passwords_are_offered(server: CodeServer) -> None:
    with pytest.raises(BadInput, match="app password"):
        sign_in(server, secret="")
