"""A letter says nothing of what is in it, survives what mail servers do to it, and no other mail is taken for one."""

import email
import tracemalloc
from contextlib import suppress
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.links.mail.letter import NoLetter, is_ours, read_letter, write_letter

KID = "0123456789abcdef0123456789abcdef"
HEADERS = {
    "From", "To", "Subject", "Auto-Submitted", "Message-ID", "Date", "MIME-Version", "Content-Type",
}  # fmt: skip


def written(pack: bytes = b"a pack" * 50, to: str = f"bert+{KID}@mail.test") -> bytes:
    return write_letter(pack, "anna@mail.test", to, random_hex="f" * 32, at_s=1_800_000_000.25)


def head_of(mail: bytes) -> bytes:
    return mail.partition(b"\r\n\r\n")[0]


def parsed(mail: bytes) -> Message:
    return email.message_from_bytes(mail)


@given(st.binary(max_size=5000))
def test_the_pack_comes_out_as_it_went_in(pack: bytes) -> None:
    assert read_letter(written(pack)) == pack


def test_any_mail_program_can_take_it_apart() -> None:
    mail = parsed(written(b"pack"))
    assert mail.get_content_type() == "multipart/encrypted"
    assert mail.get_param("protocol") == "application/nmr-control"
    control, content = mail.get_payload(0), mail.get_payload(1)
    assert isinstance(control, Message)
    assert isinstance(content, Message)
    assert (control.get_content_type(), str(control.get_payload()).strip()) == ("application/nmr-control", "Version: 1")
    assert (content.get_content_type(), content.get_payload(decode=True)) == ("application/octet-stream", b"pack")
    assert not mail.defects


def test_it_has_eight_headers_and_they_are_always_the_same() -> None:
    mail = parsed(written())
    assert set(mail.keys()) == HEADERS
    assert mail["Subject"] == "No More Running"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == f"<{'f' * 32}@mail.test>"
    assert mail["Date"] == "Fri, 15 Jan 2027 08:00:00 -0000"
    assert mail["To"] == f"<bert+{KID}@mail.test>"


def test_every_line_is_short_and_ends_as_mail_lines_do() -> None:
    mail = written(b"x" * 100_000)
    assert mail.count(b"\n") == mail.count(b"\r\n") == mail.count(b"\r")
    assert max(map(len, mail.split(b"\r\n"))) <= 100
    assert mail.isascii()


@pytest.mark.parametrize(
    "changed",
    [
        lambda mail: mail.replace(b"\r\n", b"\n"),
        lambda mail: b"Received: from a by b\r\n\tfor <c>; date\r\nX-Spam: no\r\n" + mail,
        lambda mail: mail.replace(b"protocol=", b"\r\n\tPROTOCOL=").replace(b"multipart/enc", b"Multipart/ENC"),
        lambda mail: mail.replace(b"=_nmr", b"other").replace(b'"other"', b"other"),
        lambda mail: mail.replace(b"--=_nmr\r\n", b"preamble\r\n--=_nmr \r\n", 1) + b"epilogue\r\n",
        lambda mail: mail.replace(b"base64\r\n\r\n", b"BASE64\r\nContent-Disposition: attachment\r\n\r\n"),
    ],
    ids=["line ends", "headers", "folding and case", "another boundary", "text around the parts", "part headers"],
)  # fmt: skip
def test_what_mail_servers_do_to_it_does_no_harm(changed: object) -> None:
    assert callable(changed)
    mail = changed(written())
    assert mail != written()
    assert read_letter(mail) == b"a pack" * 50
    assert is_ours(mail.replace(b"\r\n", b"\n").partition(b"\n\n")[0], KID)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"Subject: hello\r\n\r\nhello",
        written().replace(b"nmr-control", b"pgp-encrypted"),
        written().replace(b"Version: 1", b"Version: 2"),
        written().replace(b"base64", b"7bit"),
        written().replace(b"--=_nmr--", b""),
        written().replace(b'boundary="=_nmr"', b'boundary=""'),
        written().replace(b"YSBw", b"Y!Bw", 1),
        written().replace(b"\r\n--=_nmr\r\n", b"\r\n", 1),
    ],
)
def test_anything_else_is_no_letter(broken: bytes) -> None:
    with pytest.raises(NoLetter):
        read_letter(broken)


@given(st.binary(max_size=300), st.integers(0, 600), st.integers(0, 60))
def test_a_damaged_letter_is_refused_or_read_and_never_more_than_that(noise: bytes, at: int, gone: int) -> None:
    mail = written()
    with suppress(NoLetter):
        read_letter(mail[:at] + noise + mail[at + gone :])


def test_ours_is_only_what_has_our_type_and_is_addressed_to_us() -> None:
    head = head_of(written())
    assert is_ours(head, KID)
    assert is_ours(head, None)
    assert not is_ours(head, KID[::-1])
    assert not is_ours(head.replace(b"nmr-control", b"pgp-encrypted"), None)
    assert not is_ours(head.replace(b"multipart/encrypted", b"multipart/signed"), None)
    assert not is_ours(b"", None)


@pytest.mark.parametrize("name", [b"To", b"Delivered-To", b"X-Original-To"])
def test_the_detail_is_found_wherever_a_server_keeps_it_in_whatever_case(name: bytes) -> None:
    bare = head_of(written(to="bert@mail.test"))
    assert not is_ours(bare, KID)
    assert is_ours(bare + b"\r\n" + name + b": Bert <BERT+" + KID.upper().encode() + b"@Mail.Test>", KID)
    assert not is_ours(bare + b"\r\nSubject: +" + KID.encode() + b"@", KID)


BOMBS = {
    "parts": b'Content-Type: multipart/encrypted; protocol="application/nmr-control"; boundary=a\n\n'
    + b"\n--a" * 500_000
    + b"\n--a--",
    "headers": b"a:\n" * 700_000 + head_of(written()) + b"\n\n",
    "headers of a part": written().replace(b"Content-Type: application/octet", b"a:\n" * 700_000 + b"Content-Type: x"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_mail_with_a_million_parts_or_headers_is_not_taken_apart(kind: str) -> None:
    mail = BOMBS[kind]
    tracemalloc.start()
    try:
        with pytest.raises(NoLetter):
            read_letter(mail)
        assert tracemalloc.get_traced_memory()[1] < 6 * len(mail)
    finally:
        tracemalloc.stop()
