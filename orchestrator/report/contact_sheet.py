"""Pictures with their captions, side by side in one picture."""

from __future__ import annotations

import io
import textwrap

from PIL import Image, ImageDraw, ImageFont

COLUMNS = 6
CELL = 180
"""Pixels of a cell's width, and at most of a picture's sides."""
GAP = 8
FONT_SIZE, LINE_HEIGHT = 11, 14
LETTERS = CELL // 6
"""Letters of a caption that fit into one line."""


def contact_sheet(pictures: list[tuple[str, bytes]]) -> bytes:
    """`pictures`: caption and content of picture files. Returns a PNG file, or nothing where there are no pictures."""
    if not pictures:
        return b""
    captions = ["\n".join(_wrapped(caption)) for caption, _ in pictures]
    caption_height = LINE_HEIGHT * max(caption.count("\n") + 1 for caption in captions)
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    width, height = CELL + GAP, CELL + caption_height + 2 * GAP
    sheet = Image.new("RGB", (columns * width + GAP, rows * height + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for number, (caption, (_, content)) in enumerate(zip(captions, pictures, strict=True)):
        row, column = divmod(number, columns)
        left, top = GAP + column * width, GAP + row * height
        draw.multiline_text((left, top), caption, "black", font, spacing=LINE_HEIGHT - FONT_SIZE)
        with Image.open(io.BytesIO(content)) as picture:
            scale = CELL / max(picture.size)
            size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
            sheet.paste(picture.convert("RGB").resize(size, Image.Resampling.BOX), (left, top + caption_height + 4))
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


def _wrapped(caption: str) -> list[str]:
    return [part for line in caption.splitlines() for part in textwrap.wrap(line, LETTERS)]
