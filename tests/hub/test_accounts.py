"""What the hub keeps of a station is read again, also as older versions wrote it, and shows no key."""

import pytest
from msgspec import json

from agent.domain.bundle import LIFE_MS, Held
from agent.domain.errors import NmrError
from agent.domain.keys import to_b64u
from agent.hub.account import StationAccount, read_account
from agent.hub.accounts import make_account, make_bundle

NOW_MS = 1_750_000_000_000


def an_account() -> StationAccount:
    return make_account("anna", b"k" * 16, "p" * 32, make_bundle(1, NOW_MS, LIFE_MS))


def test_fresh_keys_are_whole_good_for_their_life_and_never_the_same() -> None:
    first, second = make_bundle(4, NOW_MS, 1000), make_bundle(4, NOW_MS, 1000)
    assert (first.whole, first.gen, first.not_after, first.life_ms) == (True, 4, NOW_MS + 1000, 1000)
    assert len({first.psk, first.backup, second.psk, second.backup}) == 4
    assert len({first.psk_id, first.backup_id, second.psk_id, second.backup_id}) == 4


def test_an_account_is_read_as_it_was_written() -> None:
    account = an_account()
    assert read_account(json.encode(account)) == account
    assert account.held == Held(account.current, None)
    assert account.kid == to_b64u(b"k" * 16)


def test_an_account_of_an_older_version_keeps_its_keys() -> None:
    account, keys = an_account(), an_account().current
    old = {
        "station": "anna", "bcrypt": account.bcrypt, "pbkdf2": account.pbkdf2, "client_id": account.client_id,
        "kid": account.kid,
        "psk": {
            "gen": 1, "psk_id": to_b64u(keys.psk_id), "psk": to_b64u(keys.psk), "not_after": keys.not_after,
            "backup_id": to_b64u(keys.backup_id), "backup": to_b64u(keys.backup),
        },
    }  # fmt: skip
    read = read_account(json.encode(old))
    assert (read.current, read.pending, read.client_id) == (keys, None, account.client_id)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"station":"anna"}', b"[1]", b"\xff"])
def test_what_is_no_account_is_told_and_shows_nothing(body: bytes) -> None:
    with pytest.raises(NmrError) as caught:
        read_account(body)
    assert caught.value.code == "account-unreadable"
    assert caught.value.__cause__ is None


def test_an_account_whose_key_is_cut_off_is_not_believed() -> None:
    body = json.decode(json.encode(an_account()))
    body["current"]["psk"] = "AAAA"
    with pytest.raises(NmrError):
        read_account(json.encode(body))


def test_an_account_shows_no_key() -> None:
    account = an_account()
    assert account.current.psk.hex() not in repr(account)
    assert repr(account.current.psk) not in repr(account)
