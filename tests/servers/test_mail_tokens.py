"""The token server of the tests is what msal, Dovecot and the submission server believe."""

import smtplib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from tests.servers.mail import MailServers, mail_servers

pytestmark = pytest.mark.servers
SCOPES = ["https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/SMTP.Send"]
BERT = "bert@mail.test"


@pytest.fixture(scope="module")
def servers() -> Iterator[MailServers]:
    with mail_servers() as servers:
        yield servers


def application(servers: MailServers) -> Any:
    msal, requests = pytest.importorskip("msal"), pytest.importorskip("requests")
    # msal's own `verify` gives way to a bundle the surroundings name; a session that is deaf to these does not.
    session = requests.Session()
    session.trust_env, session.verify = False, str(servers.ca)
    return msal.PublicClientApplication(
        "a-client-id",
        authority=servers.tokens.authority,
        instance_discovery=False,
        http_client=session,
    )


def read_with(servers: MailServers, token: str) -> None:
    imap = IMAPClient("localhost", servers.imap_port, ssl=True, ssl_context=servers.tls(), timeout=10)
    try:
        imap.oauth2_login(BERT, token)
        imap.select_folder("INBOX")
    finally:
        imap.shutdown()


def submit_with(servers: MailServers, token: str) -> None:
    def answer(challenge: bytes | None = None) -> str:
        return f"user={BERT}\1auth=Bearer {token}\1\1" if challenge is None else ""

    smtp = smtplib.SMTP_SSL("localhost", servers.smtp_port, context=servers.tls(), timeout=10)
    try:
        smtp.ehlo()
        smtp.auth("XOAUTH2", answer)
        smtp.sendmail(BERT, [BERT], b"Subject: x\r\n\r\nhello\r\n")
    finally:
        smtp.close()


def test_msal_gets_a_token_once_the_person_has_signed_in_and_refreshes_it(servers: MailServers) -> None:
    app = application(servers)
    flow = app.initiate_device_flow(scopes=SCOPES)
    assert flow["user_code"]
    pending = app.acquire_token_by_device_flow(flow, exit_condition=lambda _flow: True)
    assert pending["error"] == "authorization_pending"
    assert servers.tokens.allow(BERT) == 1
    time.sleep(flow["interval"])  # asking sooner would be against the protocol
    got = app.acquire_token_by_device_flow(flow)
    read_with(servers, got["access_token"])
    submit_with(servers, got["access_token"])
    [account] = app.get_accounts()
    again = app.acquire_token_silent(SCOPES, account, force_refresh=True)
    assert again["access_token"] != got["access_token"]
    read_with(servers, again["access_token"])


def test_a_person_who_says_no_ends_the_asking(servers: MailServers) -> None:
    app = application(servers)
    flow = app.initiate_device_flow(scopes=SCOPES)
    servers.tokens.deny()
    assert app.acquire_token_by_device_flow(flow)["error"] == "authorization_declined"


def test_a_revoked_token_opens_nothing_and_cannot_be_refreshed(servers: MailServers) -> None:
    app = application(servers)
    flow = app.initiate_device_flow(scopes=SCOPES)
    servers.tokens.allow(BERT)
    token = app.acquire_token_by_device_flow(flow)["access_token"]
    servers.tokens.revoke(BERT)
    with pytest.raises(LoginError, match="AUTHENTICATIONFAILED"):
        read_with(servers, token)
    with pytest.raises(smtplib.SMTPAuthenticationError):
        submit_with(servers, token)
    [account] = app.get_accounts()
    said = app.acquire_token_silent_with_error(SCOPES, account, force_refresh=True)
    assert said["error"] == "invalid_grant"


def test_a_token_opens_only_its_own_mailbox_and_only_for_its_time(servers: MailServers) -> None:
    for token in (servers.tokens.issue("anna@mail.test"), servers.tokens.issue(BERT, -1), "made-up"):
        with pytest.raises(LoginError, match="AUTHENTICATIONFAILED"):
            read_with(servers, token)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            submit_with(servers, token)


def test_without_the_token_server_a_login_fails_for_a_while_only(servers: MailServers) -> None:
    token = servers.tokens.issue(BERT)
    servers.tokens.stop()
    with pytest.raises(LoginError, match="UNAVAILABLE"):
        read_with(servers, token)
    servers.tokens.start()
    read_with(servers, token)
