"""Marks that differ in shape and not only in colour, in exactly the size they were asked for."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from agent.ui.window import pictures

if TYPE_CHECKING:
    from agent.ui.window.model.ladder import Mark

WHITE, BLUE, RED = "#ffffff", "#0000ff", "#ff0000"
MARKS: tuple[Mark, ...] = ("none", "hollow", "full", "done", "bad")


def opened(png: bytes) -> Image.Image:
    """The picture, checked and decoded by somebody else."""
    Image.open(BytesIO(png)).verify()
    return Image.open(BytesIO(png)).convert("RGB")


@pytest.mark.parametrize("size", [15, 16, 30, 45])
@pytest.mark.parametrize("kind", MARKS)
def test_a_mark_has_the_size_it_was_asked_for(kind: Mark, size: int) -> None:
    assert opened(pictures.mark(kind, size, WHITE, BLUE, WHITE)).size == (size, size)


def test_marks_can_be_told_apart_without_colour() -> None:
    grey = [opened(pictures.mark(kind, 15, WHITE, BLUE, WHITE)).convert("L").tobytes() for kind in MARKS]
    assert len(set(grey)) == len(MARKS)


def test_a_hollow_mark_is_hollow_and_a_full_one_full() -> None:
    assert opened(pictures.mark("hollow", 15, WHITE, BLUE, WHITE)).getpixel((7, 7)) == (255, 255, 255)
    assert opened(pictures.mark("full", 15, WHITE, BLUE, WHITE)).getpixel((7, 7)) == (0, 0, 255)


def test_a_picture_stands_on_its_background() -> None:
    for kind in MARKS:
        assert opened(pictures.mark(kind, 15, RED, BLUE, WHITE)).getpixel((0, 0)) == (255, 0, 0)


def test_a_box_has_round_corners_a_border_and_a_filling() -> None:
    picture = opened(pictures.box((40, 20), 6, WHITE, BLUE, RED, 2))
    assert picture.size == (40, 20)
    corners = [(0, 0), (39, 0), (0, 19), (39, 19)]
    assert {picture.getpixel(at) for at in corners} == {(255, 255, 255)}
    edges = [(20, 0), (20, 1), (20, 18), (20, 19), (0, 10), (1, 10), (38, 10), (39, 10)]
    assert {picture.getpixel(at) for at in edges} == {(255, 0, 0)}
    assert {picture.getpixel(at) for at in [(20, 10), (2, 10), (37, 10), (20, 2)]} == {(0, 0, 255)}


def test_a_box_is_the_same_from_all_sides() -> None:
    picture = opened(pictures.box((31, 31), 6, WHITE, BLUE, RED))
    for turned in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.TRANSPOSE):
        assert picture.transpose(turned).tobytes() == picture.tobytes()


@pytest.mark.parametrize("draw", [pictures.tick_box, pictures.choice])
def test_ticked_and_not_ticked_can_be_told_apart(draw: pictures.DrawTick) -> None:
    assert opened(draw(16, WHITE, WHITE, BLUE, None)).tobytes() != opened(draw(16, WHITE, WHITE, BLUE, RED)).tobytes()
