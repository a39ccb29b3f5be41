"""Promises of agent/ui/notify/plain.py."""

import sys
import unicodedata
from xml.etree import ElementTree as ET

import pytest

from agent.ui.notify.plain import BODY, TITLE, escaped, lines, one_line
from tests.ui.notify.nasty import CORPUS, unseen


def test_the_corpus_is_large_enough_and_nasty_in_every_way() -> None:
    assert len(set(CORPUS)) >= 60


def test_of_all_unicode_exactly_the_unseen_letters_are_taken_away() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    every = [letter for letter in every if unicodedata.category(letter) != "Cn" and not letter.isspace()]
    left = set(lines("".join(every), longest=len(every)))
    assert left == {letter for letter in every if not unseen(letter)}


@pytest.mark.parametrize("text", CORPUS)
def test_a_title_is_one_line_without_anything_unseen(text: str) -> None:
    title = one_line(text)
    assert not any(unseen(letter) for letter in title)
    assert title == " ".join(title.split(" ")).strip()
    assert len(title) <= TITLE


@pytest.mark.parametrize("text", CORPUS)
def test_a_body_keeps_its_lines_and_nothing_else_that_steers(text: str) -> None:
    body = lines(text)
    assert not any(unseen(letter) for letter in body if letter != "\n")
    assert "\n\n\n" not in body
    assert len(body) <= BODY


@pytest.mark.parametrize("text", CORPUS)
def test_what_is_escaped_is_read_back_as_the_same_text_and_nothing_else(text: str) -> None:
    body = lines(text)
    parsed = ET.fromstring(f"<x>{escaped(body)}</x>")  # noqa: S314 - our own text, escaped
    assert len(parsed) == 0
    assert (parsed.text or "") == body


def test_breaks_of_any_kind_become_one_kind_in_a_body_and_a_space_in_a_title() -> None:
    text = "a\r\nb\rc\nd\u2028e\u2029f\x85g\vh\fi"
    assert lines(text) == "a\nb\nc\nd\ne\nf\ng\nh\ni"
    assert one_line(text) == "a b c d e f g h i"


def test_a_text_that_is_too_long_says_so_and_its_escapes_stay_whole() -> None:
    body = lines("&" * 5000)
    assert (len(body), body[-1]) == (BODY, "…")
    assert escaped(body) == "&amp;" * (BODY - 1) + "…"


def test_ordinary_texts_in_any_language_are_left_alone() -> None:
    for text in ("Grüße, Zoë – №1 …", "出前が来た", "Заказ 5", "🍕 ❤️", "e\u0301", "हिन्दी", "טקסט", "5 € ± ½"):
        assert one_line(text) == lines(text) == text
