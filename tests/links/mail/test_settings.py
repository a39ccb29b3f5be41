"""Behind the plus stands the recipient's key, and a password is nowhere to be read."""

from agent.links.mail.settings import MailSettings, with_detail
from agent.wire.keys import Identity

ME = Identity.new("site", "anna")


def test_the_key_stands_behind_the_plus_and_what_stood_there_goes() -> None:
    assert with_detail("anna@b", bytes(16)) == f"anna+{'00' * 16}@b"
    assert with_detail("anna+desk@b", bytes(16)) == f"anna+{'00' * 16}@b"


def test_neither_the_password_nor_a_key_is_in_what_settings_look_like() -> None:
    settings = MailSettings(me=ME, address="a@b", imap=("h", 993), smtp=("h", 465), password="canary")
    assert "canary" not in repr(settings)
    assert "Private" not in repr(settings)
    assert settings.login == "a@b"
    assert (settings.detail, MailSettings(ME, "a@b", ("h", 1), ("h", 2), plus=False).detail) == (ME.kid.hex(), None)
