"""Every text can be read on what it stands on, in both themes."""

import pytest

from agent.ui.window.palette import DARK, LIGHT, Palette, contrast

READABLE = 4.5
"""WCAG 2, level AA, for text of any size."""
VISIBLE = 3.0
"""The same for marks and focus rings."""
THEMES = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])


@pytest.mark.parametrize(("one", "other", "expected"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48)])
def test_contrast_is_measured_as_the_standard_says(one: str, other: str, expected: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(expected, abs=0.01)


@THEMES
@pytest.mark.parametrize("text", ["text", "muted", "good", "warn", "bad"])
@pytest.mark.parametrize("ground", ["back", "side", "surface", "chosen"])
def test_words_can_be_read(palette: Palette, text: str, ground: str) -> None:
    assert contrast(getattr(palette, text), getattr(palette, ground)) >= READABLE


@THEMES
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("on_accent", "accent"),
        ("on_accent", "accent_down"),
        ("on_bad", "bad"),
        ("text", "raised"),
        ("text", "raised_over"),
        ("text", "bad_back"),
        ("text", "warn_back"),
    ],
)
def test_words_on_colour_can_be_read(palette: Palette, text: str, ground: str) -> None:
    assert contrast(getattr(palette, text), getattr(palette, ground)) >= READABLE


@THEMES
@pytest.mark.parametrize("ground", ["back", "side", "surface", "chosen"])
def test_the_focus_ring_can_be_seen(palette: Palette, ground: str) -> None:
    assert contrast(palette.accent, getattr(palette, ground)) >= VISIBLE
