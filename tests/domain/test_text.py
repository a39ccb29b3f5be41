"""Whatever a person pastes can be sent."""

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.text import clean
from agent.wire.strict_json import decode, encode

anything = st.text(st.characters(exclude_categories=()), max_size=30)


@given(anything, anything)
def test_every_text_passes_the_strict_reader_once_it_is_clean(text: str, note: str) -> None:
    value = {"text": clean(text), "note": clean(note, lines=True)}
    assert decode(encode(value)) == value


def test_what_is_clean_stays_as_it_is() -> None:
    assert clean("Grüße, 2 x Café 👍") == "Grüße, 2 x Café 👍"
    assert clean("two\nlines", lines=True) == "two\nlines"


def test_what_nobody_would_accept_is_replaced() -> None:
    assert clean("Cafe\u0301\tnow\r\nplease\ud800") == "Café now please "
    assert clean("one\r\ntwo", lines=True) == "one\ntwo"
