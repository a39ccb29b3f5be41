"""What holds a secret does not show it: whatever is logged, raised or looked at in a crash is its text."""

from pathlib import Path
from typing import Any

import pytest

from agent.hub.account import _OldKeys
from agent.hub.invites import Issued
from agent.hub.keys import HubKeys, load_keys
from agent.station.enrolment.pending import Pending
from agent.system.config.schema import Turn
from agent.system.credentials import Credentials
from agent.system.mail_secret import MailSecret
from agent.system.oauth.tokens import Grant, Kept
from agent.system.secrets import save_secrets
from agent.system.wrapping_key import SecretsUnreadable, make_key
from agent.wire.enrolment import Keys, Welcome

SECRETS: dict[Any, tuple[str, ...]] = {
    Credentials: ("sign_key", "receive_key", "password"),
    Grant: ("access_token", "refresh_token"),
    HubKeys: ("sign_key", "receive_key"),
    Issued: ("secret", "answer"),
    Kept: ("refresh", "secret"),
    Keys: ("psk", "backup"),
    MailSecret: ("value",),
    Pending: ("sign_key", "receive_key"),
    Turn: ("secret",),
    Welcome: ("password",),
    _OldKeys: ("psk", "backup"),
}


@pytest.mark.parametrize("kind", SECRETS, ids=lambda kind: kind.__name__)
def test_its_text_holds_no_secret_and_says_what_it_is(kind: Any) -> None:
    held = kind(**{name: f"canary-{name}" for name in kind.__struct_fields__})
    assert [name for name in SECRETS[kind] if f"canary-{name}" in repr(held)] == []
    assert repr(held).startswith(kind.__name__)


def test_damaged_keys_of_a_hub_are_told_without_a_piece_of_them(tmp_path: Path) -> None:
    save_secrets(tmp_path, b'{"site": "s1", "sign_key": 7}', make_key(tmp_path, keyring=False))
    with pytest.raises(SecretsUnreadable) as caught:
        load_keys(tmp_path, "s1", new=False)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
