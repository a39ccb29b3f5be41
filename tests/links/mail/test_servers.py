"""Servers are found by a table and by the usual names, and a wrong guess costs nothing but a question."""

from agent.links.mail.servers import KNOWN, guess
from agent.system.config.values import is_host_and_port


def nowhere(host: str, port: int) -> bool:
    raise AssertionError(f"{host}:{port} was asked")


def test_large_providers_stand_in_a_table_and_nobody_is_asked() -> None:
    assert guess("GMail.com", "password", nowhere) == ("imap.gmail.com:993", "smtp.gmail.com:465")
    assert guess("web.de", "password", nowhere) == ("imap.web.de:993", "smtp.web.de:465")
    for domain in KNOWN:
        assert all(map(is_host_and_port, guess(domain, "password", nowhere)))


def test_a_provider_s_sign_in_says_where_its_mailboxes_are() -> None:
    assert guess("shop.example", "google", nowhere) == ("imap.gmail.com:993", "smtp.gmail.com:465")
    assert guess("shop.example", "microsoft", nowhere) == ("outlook.office365.com:993", "")


def test_elsewhere_the_usual_names_are_tried_until_one_answers() -> None:
    asked: list[tuple[str, int]] = []

    def reach(host: str, port: int) -> bool:
        asked.append((host, port))
        return host == "mail.shop.example"

    assert guess("shop.example", "password", reach) == ("mail.shop.example:993", "mail.shop.example:465")
    assert asked[:2] == [("imap.shop.example", 993), ("mail.shop.example", 993)]
    assert guess("shop.example", "password", lambda *_: False) == ("", "")
