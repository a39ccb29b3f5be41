"""Accounts hold verifiers, never passwords, and nothing that could become a line of its own."""

import bcrypt
import pytest

from agent.hub.broker.base import Account, BrokerFailed, check, new_account

GOOD = new_account("a1", "p" * 32)


def test_an_account_checks_its_password_and_does_not_contain_it() -> None:
    account = new_account("a1", "a-password-of-192-bits")
    assert bcrypt.checkpw(b"a-password-of-192-bits", account.bcrypt.encode())
    assert not bcrypt.checkpw(b"another", account.bcrypt.encode())
    assert "a-password-of-192-bits" not in repr(account)


def test_two_accounts_with_one_password_look_different() -> None:
    assert new_account("a1", "same").bcrypt != new_account("a1", "same").bcrypt
    assert new_account("a1", "same").pbkdf2 != new_account("a1", "same").pbkdf2


@pytest.mark.parametrize("name", ["", "A1", "a/1", "a+", "#", "a.b", "$sys", "@keeper", "a b", "a:b", "a\nb", "a" * 33])
def test_a_name_that_is_a_topic_or_a_line_is_refused(name: str) -> None:
    with pytest.raises(BrokerFailed, match="station name"):
        new_account(name, "p")


@pytest.mark.parametrize(
    "account",
    [
        Account("a1", GOOD.bcrypt, GOOD.pbkdf2 + "\n"),
        Account("a1", GOOD.bcrypt + '", "permissions": {}', GOOD.pbkdf2),
        Account("a1", "plain", GOOD.pbkdf2),
        Account("a1", GOOD.bcrypt, "plain"),
    ],
)
def test_a_verifier_that_is_none_is_refused(account: Account) -> None:
    with pytest.raises(BrokerFailed, match="malformed"):
        check([account])


def test_a_station_has_one_account() -> None:
    with pytest.raises(BrokerFailed, match="twice"):
        check([GOOD, new_account("a1", "q")])


def test_good_accounts_pass() -> None:
    check([GOOD, new_account("hub", "p"), new_account("front-desk-2", "p")])
