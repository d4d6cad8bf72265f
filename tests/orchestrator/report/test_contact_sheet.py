"""Pictures side by side, each in its cell below its whole caption."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from orchestrator.report.contact_sheet import CELL, COLUMNS, GAP, LINE_HEIGHT, contact_sheet


def picture(colour: tuple[int, int, int] | int, size: tuple[int, int] = (274, 274)) -> bytes:
    buffer = io.BytesIO()
    Image.new("L" if isinstance(colour, int) else "RGB", size, colour).save(buffer, format="PNG")
    return buffer.getvalue()


def test_pictures_of_all_kinds_lie_row_by_row_below_their_captions() -> None:
    colours = [(200, 0, 0), (0, 200, 0), 90, (0, 0, 200), (200, 200, 0), (0, 200, 200), (200, 0, 200)]
    content = contact_sheet([(f"trial {number}\nstable", picture(colour)) for number, colour in enumerate(colours)])
    sheet = np.asarray(Image.open(io.BytesIO(content)))
    height = CELL + 2 * LINE_HEIGHT + 2 * GAP
    assert sheet.shape == (2 * height + GAP, COLUMNS * (CELL + GAP) + GAP, 3)
    for number, colour in enumerate(colours):
        row, column = divmod(number, COLUMNS)
        top, left = GAP + row * height, GAP + column * (CELL + GAP)
        middle = sheet[top + 2 * LINE_HEIGHT + CELL // 2, left + CELL // 2]
        assert middle.tolist() == [*(colour if isinstance(colour, tuple) else [colour] * 3)]
        assert sheet[top : top + 2 * LINE_HEIGHT, left : left + CELL].min() < 100  # the caption


def test_a_long_caption_is_wrapped_and_a_wide_picture_keeps_its_shape() -> None:
    long = "dcgan optimizer.discriminator.betas[0]=0.5 stabilizers.instance_noise=0.3 seed=0"
    sheet = np.asarray(Image.open(io.BytesIO(contact_sheet([(long, picture(0, (400, 100)))]))))
    lines = (sheet.shape[0] - 3 * GAP - CELL) // LINE_HEIGHT
    assert lines > 2
    top = GAP + lines * LINE_HEIGHT + 4
    assert (sheet[top : top + CELL // 4, GAP : GAP + CELL] == 0).all()
    assert (sheet[top + CELL // 4 + 1 :, GAP : GAP + CELL] == 255).all()
    assert sheet[GAP + (lines - 1) * LINE_HEIGHT : top - 4].min() < 100


def test_no_pictures_make_no_file() -> None:
    assert contact_sheet([]) == b""
