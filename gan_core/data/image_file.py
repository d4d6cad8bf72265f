"""One image file -> a small image of 8 bits: upright, without transparency, grey or RGB."""

from __future__ import annotations

import errno
import math
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageColor, UnidentifiedImageError

from gan_core.data.preprocessing import DataError, fit
from gan_core.error_text import first_line
from gan_core.memory import available_memory
from gan_core.regular_files import open_regular

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""The formats that are decoded, whatever a file is called. Others of Pillow are unsafe: EPS runs Ghostscript."""
MAX_PIXELS = 50_000_000
"""The most pixels of one image, 150 MB decoded. A file of 100 kB can decode to gigabytes."""
FEW_PIXELS = 1_000_000
BYTES_PER_PIXEL = 16
"""What decoding takes at most: four channels as read, turned, on a background, and as RGB."""
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what turns the image upright (EXIF 2.3, section 4.6.4)."""
TURNED = "turned upright by their EXIF data"
ENLARGED = "enlarged"
SCALED = "scaled from 16 bits to 8"
FIRST_FRAME = "with several frames or pages (the first is read)"


NOT_THERE = (errno.ENOENT, errno.ELOOP)
"""The error numbers of a link that leads nowhere."""


class ImageFileError(ValueError):
    """The file is no readable image. The message says why, and is empty if Pillow says no more than that."""


class DecodedImage(NamedTuple):
    """`image`: L or RGB, [size, size]. The rest is of the file: Pillow's mode, width and height upright, changes."""

    image: Image.Image
    mode: str
    size: tuple[int, int]
    changes: list[str]


def decode(file: Path, size: int, background: str) -> DecodedImage:
    """The image at `size` by the size rule; where it is transparent, `background` shows.

    Raises ImageFileError for what is wrong with the file, DataError for what may work at another time: without
    permission, memory or a disk that answers, nobody knows whether the file is broken.
    """
    try:
        with warnings.catch_warnings(), open_regular(file) as content:
            warnings.simplefilter("ignore")  # Pillow warns about harmless oddities
            with Image.open(content, formats=FORMATS) as image:
                return _decode(image, size, background)
    except UnidentifiedImageError:
        raise ImageFileError("") from None
    except MemoryError:
        raise DataError("data.path", f"{file} does not fit in the memory that is available") from None
    except OSError as error:
        if error.errno and error.errno not in NOT_THERE:  # Pillow's own have none
            raise DataError("data.path", f"{file} cannot be read ({error.strerror})") from None
        raise ImageFileError((error.strerror or first_line(error)).lower()) from None
    except Exception as error:  # Pillow raises a different class for each way that a file can be broken
        raise ImageFileError(first_line(error)) from None


def _decode(image: Image.Image, size: int, background: str) -> DecodedImage:
    _check_pixels(image)
    mode, changes = image.mode, list[str]()
    is_turned = image.format == "TIFF" and _orientation(image) in UPRIGHT  # Pillow turns these while it loads them
    image.load()
    upright: Image.Image = image
    if (orientation := UPRIGHT.get(_orientation(image))) is not None:  # the first of them is 0
        upright, is_turned = image.transpose(orientation), True
    if is_turned:
        changes.append(TURNED)
    plain = _without_transparency(upright, background, changes)
    if min(plain.size) < size:
        changes.append(ENLARGED)
    fitted = fit(plain, size)
    if _has_more_frames(image):
        changes.append(FIRST_FRAME)
    return DecodedImage(fitted, mode, upright.size, changes)


def _check_pixels(image: Image.Image) -> None:
    pixels = math.prod(image.size)
    if pixels > MAX_PIXELS:
        raise ValueError(f"{image.width} x {image.height}; at most {MAX_PIXELS // 10**6} million pixels are read")
    if pixels > FEW_PIXELS and pixels * BYTES_PER_PIXEL > available_memory():
        raise MemoryError


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 if there is none. Damaged EXIF data do not make an image unreadable."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow raises a different class for each way that they can be damaged
        return 1


def _has_more_frames(image: Image.Image) -> bool:
    """Whether more follows the first frame. Not asked before the pixels are read: Pillow moves on in the file."""
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # what follows is damaged
        return False


def _without_transparency(image: Image.Image, background: str, changes: list[str]) -> Image.Image:
    """L or RGB with 8 bits a channel, on the background; adds what was changed to `changes`."""
    if image.mode in ("I", "F"):
        raise ValueError("it has 32 bits per pixel; save it with 8 or 16")
    if image.mode.startswith("I;16"):
        changes.append(SCALED)
        return _from_sixteen_bits(image, background, changes)
    grey = image.mode in ("1", "L", "LA")
    if _may_be_transparent(image):
        rgba = image.convert("RGBA")
        if rgba.getchannel("A").getextrema()[0] != 255:
            changes.append(put_on(background))
            return _on_background(rgba, background, grey)
    elif image.mode not in ("1", "L", "P", "RGB"):
        changes.append(f"converted from {image.mode}")
    return image.convert("L" if grey else "RGB")


def put_on(background: str) -> str:
    return f"transparent put on {background}"


def _may_be_transparent(image: Image.Image) -> bool:
    has_palette_with_alpha = image.palette is not None and image.palette.mode.endswith("A")
    return image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info or has_palette_with_alpha


def _on_background(rgba: Image.Image, background: str, grey: bool) -> Image.Image:
    """Grey stays grey on a grey background."""
    colour = ImageColor.getrgb(background)[:3]
    opaque = Image.new("RGBA", rgba.size, (*colour, 255))
    opaque.alpha_composite(rgba)
    return opaque.getchannel("R") if grey and len(set(colour)) == 1 else opaque.convert("RGB")


def _from_sixteen_bits(image: Image.Image, background: str, changes: list[str]) -> Image.Image:
    """Scaled, where Pillow would clip at 255. One of the greys can stand for transparent."""
    greys = np.asarray(image)
    scaled = Image.fromarray((greys / 257).round().astype(np.uint8))
    alpha = greys != image.info.get("transparency", -1)
    if alpha.all():
        return scaled
    changes.append(put_on(background))
    rgba = Image.merge("RGBA", (*[scaled] * 3, Image.fromarray(alpha.astype(np.uint8) * 255)))
    return _on_background(rgba, background, grey=True)
