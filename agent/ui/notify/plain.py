"""Plain text for notices: nothing invisible, nothing that turns the line around, nothing read as markup."""

import re

TITLE = 200
"""Longest title, in characters."""
BODY = 1000
"""Longest body; a note has at most 500 (domain), the rest is for names and our own words."""

_BREAK = re.compile("\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_BREAKS = re.compile(r"\n{3,}")
_UNSEEN = re.compile(
    "["
    "\x00-\x09\x0b-\x1f\x7f-\x9f"  # control characters but \n
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers, Arabic letter mark
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"  # zero width; embed, override, isolate (bidi); fillers
    "\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff"  # no characters (XML forbids some), annotation marks
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # controls of hieroglyphs, shorthand, music
    "\U000e0000-\U000e0fff"  # tags and variation selectors, a hiding place for text
    "\ud800-\udfff"  # half a surrogate pair cannot be written as UTF-8
    "]"
)


def one_line(text: str, longest: int = TITLE) -> str:
    """`text` fit for a title or a button: one line, no runs of spaces, nothing unseen, at most `longest` long."""
    return _cut(" ".join(_seen(text).split()), longest)


def lines(text: str, longest: int = BODY) -> str:
    """`text` fit for a body: its line breaks stay (two in a row at most), everything unseen goes."""
    return _cut(_BREAKS.sub("\n\n", _seen(text)).strip(), longest)


def escaped(text: str) -> str:
    """`text` such that a notification daemon shows it as it is instead of reading it as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _seen(text: str) -> str:
    return _UNSEEN.sub("", _BREAK.sub("\n", text).replace("\t", " "))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
