"""Texts that want to be more than text: markup, entities, turned lines, hidden letters, things that open or load."""

import unicodedata

from agent.ui.notify.plain import BODY, TITLE

MARKUP = (
    "<b>bold</b>",
    "<B>BOLD</B>",
    "<i>17</i> & <u>18</u>",
    '<a href="https://evil.example/">click me</a>',
    "<a href='javascript:alert(1)'>x</a>",
    '<a href="file:///etc/passwd">menu</a>',
    '<img src="file:///dev/zero" alt="x"/>',
    '<img src="file:///etc/passwd">',
    "<img src='http://evil.example/pixel.png' alt='seen'>",
    '<img src="data:image/png;base64,AAAA"/>',
    '<image src="cid:1"/>',
    "<script>alert(1)</script>",
    '<span foreground="#000001" size="1">unseen</span>',
    '<span font_desc="Sans 200">LOUD</span>',
    "<big><big><big>big</big></big></big>",
    "<b>never closed",
    "closed before</b>",
    "</body></html>",
    "<",
    ">",
    "<<>>",
    "a < b > c",
    "5 <6 and 7> 3",
    "<!-- comment -->",
    "<![CDATA[ <b>x</b> ]]>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
    '"><action content="Accept" arguments="accepted"/>',
    "'/><toast launch='x'>",
    '<toast><audio src="ms-winsoundevent:Notification.Looping.Alarm"/></toast>',
    "<sub>H2O</sub><s>gone</s><tt>mono</tt>",
)
ENTITIES = (
    "&",
    "&&",
    "&amp;",
    "&amp;amp;",
    "&lt;b&gt;",
    "&#60;b&#62;",
    "&#x3c;img&#x3e;",
    "&#0;",
    "&#xD800;",
    "&nbsp;",
    "&unknown;",
    "&e;",
    "Fish & Chips",
    "&&lt;&<",
)
TURNED = (
    "\u202egnip si neB",
    "Ben \u202e(nehctik)\u202c is paging",
    "\u202a\u202b\u202d\u202e\u202c",
    "\u2066left\u2069 \u2067right\u2069 \u2068first\u2069",
    "\u200e\u200f\u061cmarks",
    "invoice\u202efdp.exe",
    "שלום \u202eabc",
    "مرحبا 123",
)
HIDDEN = (
    "B\u200be\u200bn",
    "Ad\u200dmin\u200c",
    "\ufeffBen",
    "Be\u00adn",
    "word\u2060joiner",
    "\u3164",
    "\u115f\u1160\uffa0",
    "tags\U000e0041\U000e0042\U000e007f",
    "\U000e0100selector",
    "joined\u034f here",
    "\u180e\u2061\u2062\u2063\u2064",
    "inter\ufff9line\ufffaar\ufffbnote",
    "no\ufffecharacter\uffff\ufdd0",
)
CONTROLS = (
    "nul\x00here",
    "bell\x07 backspace\x08",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "delete\x7f and c1\x80\x9b\x9f",
    "half\ud800pair",
    "\udcffescaped byte",
    "first\nsecond",
    "first\r\nsecond\rthird",
    "\n\n\n\n\n\n\n\nfar below",
    "line\u2028separator\u2029paragraph\x85next",
    "tab\tand\vvertical\fform",
    "   spaces   ",
    "",
    "\n",
)
PLACES = (
    "file:///etc/passwd",
    "https://evil.example/?a=1&b=<2>",
    "--hint=string:image-path:file:///etc/passwd",
    "-h string:image-path:/etc/passwd",
    "--help",
    "-",
    "$(reboot)",
    "`id`; rm -rf /",
    "%s%n%x {0} {title}",
    "'; DROP TABLE pages; --",
    "\\n\\x00\\u202e",
    r"\074b\076octal\074/b\076 \\074 C:\new",
    "🍕 Ben’s “pizza” – №1 …",
    "e\u0301 and é",
    "x" * 5000,
    "<" * 3000,
)
CORPUS = MARKUP + ENTITIES + TURNED + HIDDEN + CONTROLS + PLACES

_FILLERS = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
# signs that stand before Arabic, Syriac and Kaithi numbers count as formatting (Cf) and are drawn all the same
_DRAWN = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_NO_CHARACTERS = {chr(code) for code in range(0xFDD0, 0xFDF0)} | {"\ufffe", "\uffff"}


def unseen(letter: str) -> bool:
    """Whether a person sees nothing of `letter`, by the tables of Unicode; line breaks count as seen."""
    if letter in _FILLERS or letter in _NO_CHARACTERS or "\U000e0000" <= letter <= "\U000e0fff":
        return True
    return unicodedata.category(letter) in {"Cc", "Cs", "Cf"} and letter not in _DRAWN


def visible(text: str) -> str:
    """What a person may see of `text`, worked out letter by letter; there is only one kind of line break left."""
    for line_break in ("\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"):
        text = text.replace(line_break, "\n")
    return "".join(letter for letter in text.replace("\t", " ") if letter == "\n" or not unseen(letter))


def as_body(text: str) -> str:
    """What a body made of `text` says before it is escaped."""
    text = visible(text).strip()
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text if len(text) <= BODY else f"{text[: BODY - 1]}…"


def as_title(text: str) -> str:
    """What a title made of `text` says."""
    text = " ".join(visible(text).split())
    return text if len(text) <= TITLE else f"{text[: TITLE - 1]}…"
