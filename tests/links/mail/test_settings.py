"""Addresses are what a mail server takes, and a password is nowhere to be read."""

import pytest

from agent.links.mail.settings import MailSettings, is_address, with_detail
from agent.wire.keys import Identity

ME = Identity.new("site", "anna")


@pytest.mark.parametrize("good", ["a@b.c", "first.last@mail.example", "x+y@[127.0.0.1]", "o'neil@b"])
def test_addresses_are_taken(good: str) -> None:
    assert is_address(good)


@pytest.mark.parametrize(
    "bad",
    ["", "a", "@b", "a@", "a b@c", "a@b\r\nTo: x", "<a@b>", "a@b>", "ä@b", "a@b@c", "a" * 65 + "@b", "a@" + "b" * 253],
)
def test_what_could_end_a_header_or_a_command_is_no_address(bad: str) -> None:
    assert not is_address(bad)


def test_the_key_stands_behind_the_plus_and_what_stood_there_goes() -> None:
    assert with_detail("anna@b", bytes(16)) == f"anna+{'00' * 16}@b"
    assert with_detail("anna+desk@b", bytes(16)) == f"anna+{'00' * 16}@b"


def test_neither_the_password_nor_a_key_is_in_what_settings_look_like() -> None:
    settings = MailSettings(me=ME, address="a@b", imap=("h", 993), smtp=("h", 465), password="canary")
    assert "canary" not in repr(settings)
    assert "Private" not in repr(settings)
    assert settings.login == "a@b"
    assert (settings.detail, MailSettings(ME, "a@b", ("h", 1), ("h", 2), plus=False).detail) == (ME.kid.hex(), None)
