"""How the templates of the page and of report.md write numbers, times and pictures."""

from __future__ import annotations

import base64
import io
import time

import markupsafe
from PIL import Image

from orchestrator.formatting import format_ratio
from orchestrator.statistics.intervals import Change, InterquartileMean

NO_VALUE = "–"
MAX_WIDTH = 1042
"""Of a grid in the page, in pixels: 8 images of 128 with the lines between them. Larger ones are shrunk to it."""
MAX_WEBP_SIDE = 16383
"""The format's limit. A grid by class can be higher: then the page has its first rows."""


def number(value: float | None) -> str:
    """Three significant digits; whole numbers from 1,000 on."""
    if value is None:
        return NO_VALUE
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def mean_with_interval(mean: InterquartileMean | None) -> str:
    """`5.04 (4.9 to 5.25)`; without the interval if there are too few values for one."""
    if mean is None:
        return NO_VALUE
    if mean.low is None or mean.high is None:
        return number(mean.mean)
    return f"{number(mean.mean)} ({number(mean.low)} to {number(mean.high)})"


def ratio(change: Change) -> str:
    """A ratio with its interval, which one seed does not have: `x0.83 (0.7 to 0.98)`."""
    certainty = f" ({format_ratio(change.low)} to {format_ratio(change.high)})" if change.pairs > 1 else ""
    return f"x{format_ratio(change.mean)}{certainty}"


def local_time(milliseconds: int) -> str:
    """`milliseconds`: since 1970."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(milliseconds / 1000))


def png_uri(png: bytes) -> str:
    with Image.open(io.BytesIO(png)) as picture:
        if picture.width <= MAX_WIDTH:
            return _data_uri(png, "png")
        buffer = io.BytesIO()
        _shrunk(picture).save(buffer, "PNG")
    return _data_uri(buffer.getvalue(), "png")


def webp_uri(png: bytes) -> str:
    """The picture, or its first rows, as WebP, which takes less than half of the bytes. All browsers show it."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        shrunk = _shrunk(picture)
        shown = shrunk.crop((0, 0, shrunk.width, min(shrunk.height, MAX_WEBP_SIDE)))
        shown.save(buffer, "WEBP", quality=70, method=1)  # half the time of the default, 2% more bytes
    return _data_uri(buffer.getvalue(), "webp")


def _shrunk(picture: Image.Image) -> Image.Image:
    """At most MAX_WIDTH wide."""
    if picture.width <= MAX_WIDTH:
        return picture
    return picture.resize((MAX_WIDTH, round(picture.height * MAX_WIDTH / picture.width)), Image.Resampling.LANCZOS)


def _data_uri(picture: bytes, image_format: str) -> str:
    return f"data:image/{image_format};base64,{base64.b64encode(picture).decode()}"


def script_json(json_text: str) -> markupsafe.Markup:
    """JSON inside a script element: `<` is escaped, so that no name in it can end the element."""
    return markupsafe.Markup(json_text.replace("<", "\\u003c"))
