"""Texts of people as every station accepts them."""

import re
from unicodedata import normalize

_control = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_control_but_newline = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str, *, lines: bool = False) -> str:
    """Return `text` in NFC, with a space for each control character; `lines` lets newlines stand.

    A frame with anything else in it is refused by whoever gets it, so nothing that is pasted may reach one.
    """
    text = normalize("NFC", text.replace("\r\n", "\n"))
    return (_control_but_newline if lines else _control).sub(" ", text)
