"""An image file of any kind is read as it is seen: upright, and without the pixels that transparency hides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from gan_core.data.image_file import ENLARGED, FIRST_FRAME, SCALED, TURNED, DecodedImage, ImageFileError, decode, put_on

QUADRANTS = {"top left": (255, 0, 0), "top right": (0, 255, 0), "bottom left": (0, 0, 255), "bottom right": (9, 9, 9)}
RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)
AS_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""EXIF orientation -> how a camera that is held so stores what it sees."""


def seen(width: int = 32, height: int = 32) -> Image.Image:
    """A picture whose four quarters differ."""
    image = Image.new("RGB", (width, height))
    for place, colour in QUADRANTS.items():
        left, top = (width // 2) * ("right" in place), (height // 2) * ("bottom" in place)
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image


def read(file: Path, background: str = "white") -> DecodedImage:
    return decode(file, 32, background)


def corners(image: Image.Image) -> list[Any]:
    return [image.getpixel(place) for place in ((4, 4), (27, 4), (4, 27), (27, 27))]


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", AS_STORED)
def test_an_image_is_turned_as_its_exif_data_say(tmp_path: Path, orientation: int, suffix: str) -> None:
    transpose, exif = AS_STORED[orientation], Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = seen(32, 48) if transpose is None else seen(32, 48).transpose(transpose)
    stored.save(tmp_path / f"a.{suffix}", exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    decoded = read(tmp_path / f"a.{suffix}")
    assert corners(decoded.image) == list(QUADRANTS.values())
    assert decoded.size == (32, 48)
    assert (TURNED in decoded.changes) == (orientation != 1)


def test_damaged_exif_data_do_not_make_an_image_unreadable(tmp_path: Path) -> None:
    seen().save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12", quality=100)
    assert read(tmp_path / "a.jpg").changes == []


def half_hidden(mode: str) -> Image.Image:
    """Red where one can look, green on the hidden right half."""
    image = Image.new("RGBA", (32, 32), (*RED, 255))
    image.paste((0, 255, 0, 0), (16, 0, 32, 32))
    return image.convert(mode)


@pytest.mark.parametrize(("background", "colour"), [("white", WHITE), ("black", BLACK), ("#0000ff", (0, 0, 255))])
def test_hidden_pixels_do_not_appear(tmp_path: Path, background: str, colour: tuple[int, int, int]) -> None:
    half_hidden("RGBA").save(tmp_path / "a.png")
    decoded = read(tmp_path / "a.png", background)
    assert corners(decoded.image) == [RED, colour, RED, colour]
    assert decoded.changes == [put_on(background)] and decoded.mode == "RGBA"


def test_a_half_transparent_pixel_is_mixed_with_the_background(tmp_path: Path) -> None:
    Image.new("RGBA", (32, 32), (0, 0, 0, 64)).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").image.getpixel((0, 0)) == (191, 191, 191)


def save_palette(file: Path) -> None:
    palette = half_hidden("RGB").quantize(4)
    palette.save(file, transparency=palette.getpixel((20, 0)))


def test_a_transparent_entry_of_a_palette_is_hidden(tmp_path: Path) -> None:
    for name in ("a.png", "a.gif"):
        save_palette(tmp_path / name)
        assert corners(read(tmp_path / name).image) == [RED, WHITE, RED, WHITE]


def test_a_transparent_colour_is_hidden(tmp_path: Path) -> None:
    half_hidden("RGB").save(tmp_path / "rgb.png", transparency=(0, 255, 0))
    assert corners(read(tmp_path / "rgb.png").image) == [RED, WHITE, RED, WHITE]
    ramp = np.full((32, 32), 257 * 50, np.uint16)
    ramp[:, 16:] = 257 * 70
    for name, image, hidden in (
        ("grey", Image.fromarray((ramp // 257).astype(np.uint8)), 70),
        ("sixteen", Image.fromarray(ramp), 257 * 70),
    ):
        image.save(tmp_path / f"{name}.png", transparency=hidden)
        decoded = read(tmp_path / f"{name}.png")
        assert (decoded.image.mode, corners(decoded.image)) == ("L", [50, 255, 50, 255])


def test_grey_stays_grey_unless_the_background_has_a_colour(tmp_path: Path) -> None:
    half_hidden("LA").save(tmp_path / "a.png")
    red = Image.new("RGB", (1, 1), RED).convert("L").getpixel((0, 0))
    assert corners(read(tmp_path / "a.png").image) == [red, 255, red, 255]
    assert corners(read(tmp_path / "a.png", "#808080").image) == [red, 128, red, 128]
    assert corners(read(tmp_path / "a.png", "#0000ff").image) == [(red, red, red), (0, 0, 255)] * 2


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_opaque_image_with_alpha_is_read_as_one_without(tmp_path: Path, mode: str) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (40, 50, 3)).astype(np.uint8)
    plain = Image.fromarray(noise) if mode == "RGBA" else Image.fromarray(noise[..., 0])
    plain.save(tmp_path / "plain.png")
    plain.convert(mode).save(tmp_path / "alpha.png")
    one, other = read(tmp_path / "plain.png"), read(tmp_path / "alpha.png")
    assert one.image.tobytes() == other.image.tobytes() and one.image.mode == other.image.mode
    assert other.changes == []


def test_what_was_changed_is_said(tmp_path: Path) -> None:
    seen(16, 16).save(tmp_path / "small.png")
    assert read(tmp_path / "small.png").changes == [ENLARGED]
    seen().convert("CMYK").save(tmp_path / "print.tif")
    assert read(tmp_path / "print.tif").changes == ["converted from CMYK"]
    Image.fromarray(np.zeros((32, 32), np.uint16)).save(tmp_path / "deep.png")
    assert read(tmp_path / "deep.png").changes == [SCALED]
    for name in ("film.gif", "film.webp", "pages.tif", "film.png"):
        seen().save(tmp_path / name, save_all=True, append_images=[Image.new("RGB", (32, 32))])
        decoded = read(tmp_path / name)
        assert decoded.changes == [FIRST_FRAME] and decoded.image.getpixel((4, 4)) != BLACK
    seen().save(tmp_path / "plain.png")
    assert read(tmp_path / "plain.png").changes == []


def test_a_file_that_is_no_image_needs_no_reason_and_a_cut_off_one_has_one(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(ImageFileError, match=r"^$"):
        read(tmp_path / "text.png")
    noise = np.random.RandomState(0).randint(0, 256, (40, 50, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:2000])
    with pytest.raises(ImageFileError, match="truncated"):
        read(tmp_path / "cut.png")
