"""What opens the mailbox lies sealed, opens for its own login only, and is shown in no text."""

import traceback
from pathlib import Path

import pytest

from agent.system.mail_secret import (
    NAME,
    MailSecret,
    MailSecretUnusable,
    forget_mail_secret,
    load_mail_secret,
    save_mail_secret,
)
from agent.system.wrapping_key import SecretsUnreadable, WrappingKey, make_key

CANARY = "correct-horse-battery-canary"
SECRET = MailSecret(login="shop@example.com", kind="password", value=CANARY)


@pytest.fixture
def key(tmp_path: Path) -> WrappingKey:
    return make_key(tmp_path, keyring=False)


def test_it_comes_back_as_it_was_kept_and_lies_there_for_nobody_else(tmp_path: Path, key: WrappingKey) -> None:
    save_mail_secret(tmp_path, SECRET, key)
    assert load_mail_secret(tmp_path, "shop@example.com", "password") == SECRET
    path = tmp_path / NAME
    assert CANARY.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    forget_mail_secret(tmp_path)
    forget_mail_secret(tmp_path)
    with pytest.raises(MailSecretUnusable) as caught:
        load_mail_secret(tmp_path, "shop@example.com", "password")
    assert caught.value.code == "mail-secret-missing"


@pytest.mark.parametrize(("login", "kind"), [("other@example.com", "password"), ("shop@example.com", "microsoft")])
def test_another_login_does_not_get_it(tmp_path: Path, key: WrappingKey, login: str, kind: str) -> None:
    save_mail_secret(tmp_path, SECRET, key)
    with pytest.raises(MailSecretUnusable, match="nmr mail login"):
        load_mail_secret(tmp_path, login, kind)


def test_every_changed_byte_is_found_and_told_without_a_piece_of_the_secret(tmp_path: Path, key: WrappingKey) -> None:
    save_mail_secret(tmp_path, SECRET, key)
    path = tmp_path / NAME
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x40]) + good[at + 1 :])
        with pytest.raises((MailSecretUnusable, SecretsUnreadable)) as caught:
            load_mail_secret(tmp_path, "shop@example.com", "password", key)
        assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_another_profile_s_key_does_not_open_it(tmp_path: Path, key: WrappingKey) -> None:
    save_mail_secret(tmp_path, SECRET, key)
    with pytest.raises(MailSecretUnusable):
        load_mail_secret(tmp_path, "shop@example.com", "password", WrappingKey(key.backend, b"x" * 32))


def test_what_is_no_secret_of_ours_is_told_without_showing_it(tmp_path: Path, key: WrappingKey) -> None:
    from agent.domain.keys import pae

    (tmp_path / NAME).write_bytes(key.seal(f'{{"login": 7, "value": "{CANARY}"}}'.encode(), pae("mail-secret")))
    (tmp_path / NAME).chmod(0o600)
    with pytest.raises(MailSecretUnusable) as caught:
        load_mail_secret(tmp_path, "shop@example.com", "password")
    assert CANARY not in "".join(traceback.format_exception(caught.value))
