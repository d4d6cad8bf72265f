"""Pictures in the page have a bounded size."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from orchestrator.report.template_filters import MAX_WEBP_SIDE, png_uri, webp_uri


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), 90).save(buffer, "PNG")
    return buffer.getvalue()


def shown_size(uri: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))) as picture:
        return picture.size


@pytest.mark.parametrize("uri", [png_uri, webp_uri])
@pytest.mark.parametrize(("size", "shown"), [((530, 530), (530, 530)), ((2066, 1034), (1042, 522))])
def test_grids_of_256_pixels_are_shrunk_and_smaller_ones_are_not(uri, size, shown) -> None:
    assert shown_size(uri(png(*size))) == shown


def test_a_grid_of_a_thousand_classes_shows_as_many_rows_as_webp_can() -> None:
    assert shown_size(webp_uri(png(274, 34_002))) == (274, MAX_WEBP_SIDE)
