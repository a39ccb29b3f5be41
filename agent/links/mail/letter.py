"""The letter: one pack as a mail that says nothing about it, and what is ours among all other mails."""

# From: <our address>                                                   RFC 1847, multipart/encrypted
# To: <local+detail@domain>                                             detail = the recipient's kid in hex
# Subject: No More Running
# Auto-Submitted: auto-generated                                        RFC 3834: no out-of-office answers
# Message-ID: <32 random hex digits@domain of the sender>
# Date: ...
# MIME-Version: 1.0
# Content-Type: multipart/encrypted; protocol="application/nmr-control"; boundary="=_nmr"
#
#   application/nmr-control      "Version: 1"
#   application/octet-stream     base64, one pack
#
# The boundary is always the same: "_" is no letter of base64. Written by hand because the form is fixed, and read by
# hand because a mail of a megabyte would leave a hundred thousand small strings behind in the library's parser.

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator

PROTOCOL = "application/nmr-control"
BOUNDARY = "=_nmr"
PARTS = 2
"""RFC 1847 knows no more; the mail is not taken apart further."""
ASKED = ("CONTENT-TYPE", "TO", "DELIVERED-TO", "X-ORIGINAL-TO")
"""The headers that say whether a mail is ours."""

HEAD_BYTES = 64 << 10
"""Headers behind so many bytes do not count; what servers add to ours are some thousands."""

_RECIPIENTS = {name.lower() for name in ASKED[1:]}
_LINE = 76
_PARAMETER = re.compile(r';\s*([!#-:<-~]+?)\s*=\s*(?:"([^"]*)"|([^;\s"]+))')
_DETAIL = re.compile(r"\+([0-9a-f]{32})@")


class NoLetter(Exception):
    """A mail is not of the form above."""


def write_letter(pack: bytes, sender: str, to: str, *, random_hex: str, at_s: float) -> bytes:
    """Return the mail with CRLF line ends; `random_hex` is the sender's chance, `at_s` its time in seconds UTC."""
    from email.utils import formatdate

    coded = b64encode(pack)
    lines = (coded[start : start + _LINE] for start in range(0, len(coded), _LINE))
    head = (
        f"From: <{sender}>",
        f"To: <{to}>",
        "Subject: No More Running",
        "Auto-Submitted: auto-generated",
        f"Message-ID: <{random_hex}@{sender.rpartition('@')[2]}>",
        f"Date: {formatdate(at_s)}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/encrypted; protocol="{PROTOCOL}";',
        f' boundary="{BOUNDARY}"',
        "",
        f"--{BOUNDARY}",
        f"Content-Type: {PROTOCOL}",
        "",
        "Version: 1",
        "",
        f"--{BOUNDARY}",
        "Content-Type: application/octet-stream",
        "Content-Transfer-Encoding: base64",
        "",
    )
    return b"\r\n".join([*(line.encode("ascii") for line in head), *lines, b"", f"--{BOUNDARY}--".encode(), b""])


def read_letter(mail: bytes) -> bytes:
    """Return the pack of a mail; raises NoLetter."""
    head, _, body = _lined(mail).partition(b"\n\n")
    parts = _parts(body, _encrypted(head).get("boundary", ""))
    if len(parts) != PARTS or parts[0].partition(b"\n\n")[2].strip() != b"Version: 1":
        raise NoLetter
    part_head, _, coded = parts[1].partition(b"\n\n")
    if dict(_headers(part_head)).get("content-transfer-encoding", "").lower() != "base64":
        raise NoLetter
    try:
        return b64decode(coded.replace(b"\n", b"").strip(), validate=True)
    except Base64Error as error:
        raise NoLetter from error


def is_ours(head: bytes, detail: str | None) -> bool:
    """Whether the headers ASKED are those of a mail for us; with `detail` it must be addressed to that."""
    try:
        _encrypted(head := _lined(head))
    except NoLetter:
        return False
    return detail is None or detail in _details(head)


def _details(head: bytes) -> set[str]:
    """What stands behind the plus in the recipients' addresses."""
    values = (value for name, value in _headers(head) if name in _RECIPIENTS)
    return {detail for value in values for detail in _DETAIL.findall(value.lower())}


def _encrypted(head: bytes) -> dict[str, str]:
    """The parameters of our content type; raises NoLetter if it is another."""
    value = dict(_headers(head)).get("content-type", "")
    kind, _, _ = value.partition(";")
    found = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(value)}
    if kind.strip().lower() != "multipart/encrypted" or found.get("protocol", "").lower() != PROTOCOL:
        raise NoLetter
    return found


def _headers(head: bytes) -> Iterator[tuple[str, str]]:
    """The names, in lower case, and values of unfolded headers."""
    for line in re.sub(r"\n[ \t]+", " ", head[:HEAD_BYTES].decode("latin-1")).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip().lower(), value.strip()


def _parts(body: bytes, boundary: str) -> list[bytes]:
    """What stands between the boundaries, without the line end before each; what is outside them does not count."""
    if not boundary:
        raise NoLetter
    mark = b"\n--" + boundary.encode("latin-1")
    inside, end, _ = (b"\n" + body).partition(mark + b"--")
    if not end:
        raise NoLetter
    return [part.lstrip(b" \t").removeprefix(b"\n") for part in inside.split(mark, PARTS + 1)[1:]]


def _lined(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")
