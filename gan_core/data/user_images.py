"""The user's own images: an .npz file of arrays, or a folder of image files."""

from __future__ import annotations

import math
import os
import warnings
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from gan_core.data.preprocessing import DataError, Loaded, Part, fit
from gan_core.error_text import first_line

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""The formats that are decoded, whatever a file is called. Others of Pillow are unsafe: EPS runs Ghostscript."""
MAX_CLASSES = 100_000
MAX_PIXELS = 50_000_000
"""Of one image, 150 MB decoded. A file of 100 kB can decode to gigabytes."""
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


def from_npz(path: Path) -> Loaded:
    """Arrays `images` [N, H, W], [N, H, W, C] or [N, C, H, W] uint8 and `labels` [N]; or each with train_ and test_."""
    try:
        _check_size(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name.endswith(("images", "labels", "names"))}
    except Exception as error:  # numpy raises a different class for each way that a file can be broken
        raise DataError("data.path", f"{path} is not an .npz file of plain arrays ({first_line(error)})") from None
    prefix = "train_" if "train_images" in arrays else ""
    if f"{prefix}images" not in arrays:
        raise DataError("data.path", f"{path} holds no array `images` (or `train_images`); found {sorted(arrays)}")
    if prefix and "labels" in arrays:
        raise DataError("data.path", f"{path}: beside `train_images` the labels are called `train_labels`")
    train = _npz_part(path, arrays, prefix)
    test = _npz_part(path, arrays, "test_") if "test_images" in arrays else None
    if test is not None and test.images.shape[1:] != train.images.shape[1:]:
        raise DataError("data.path", f"{path}: `test_images` are of another size or colour than `train_images`")
    return Loaded(train, test, _class_names(path, train, test, arrays.get("class_names")))


def _check_size(path: Path) -> None:
    """Raises ValueError if the arrays would not fit in memory: a small file can unpack to any size."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if unpacked > memory:
        raise ValueError(f"{unpacked / 1e9:.1f} GB unpacked, and this machine has {memory / 1e9:.1f} GB of memory")


def _class_names(path: Path, train: Part, test: Part | None, given: np.ndarray | None) -> tuple[str, ...]:
    """The given names, or the numbers of the classes; () without labels."""
    if train.labels is None:
        return ()
    count = int(train.labels.max()) + 1
    if given is not None and (given.ndim != 1 or len(given) < count):
        raise DataError("data.path", f"{path}: `class_names` must be a list of at least {count} names")
    names = tuple(map(str, range(count) if given is None else given))
    if test is not None and test.labels is not None and test.labels.max() >= len(names):
        raise DataError("data.path", f"{path}: `test_labels` holds a class that `train_labels` lacks")
    return names


def _npz_part(path: Path, arrays: dict[str, np.ndarray], prefix: str) -> Part:
    images, labels = arrays[f"{prefix}images"], arrays.get(f"{prefix}labels")
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
        raise DataError(
            "data.path",
            f"{path}: `{prefix}images` is {images.dtype}{list(images.shape)}; "
            "needed: uint8 [N, H, W] or [N, H, W, 1 or 3]",
        )
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.size == 0:
        raise DataError("data.path", f"{path}: `{prefix}images` holds no image")
    if labels is not None:
        if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or labels.min() < 0:
            raise DataError(
                "data.path", f"{path}: `{prefix}labels` must be {len(images)} whole numbers from 0, one an image"
            )
        if labels.max() >= MAX_CLASSES:
            raise DataError(
                "data.path", f"{path}: `{prefix}labels` holds {labels.max()}; number the classes 0, 1, 2, ..."
            )
        labels = labels.astype(np.int64)
    return Part(images, labels)


def from_folder(path: Path, size: int) -> Loaded:
    """The images in a folder; its subfolders, if there are any, are the classes. Grey only if every image is grey."""
    if not path.is_dir():
        raise DataError("data.path", f"{path} is not a folder")
    classes = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    files = [_image_files(folder) for folder in classes or [path]]
    for folder, own_files in zip(classes or [path], files, strict=True):
        if not own_files:
            raise DataError("data.path", f"{folder} holds no image ({' '.join(sorted(IMAGE_SUFFIXES))})")
    fitted = [_open(file, size) for own_files in files for file in own_files]
    mode = "L" if all(image.mode == "L" for image in fitted) else "RGB"
    images = np.stack([np.asarray(image.convert(mode)) for image in fitted])
    labels = np.repeat(np.arange(len(files)), [len(own_files) for own_files in files]) if classes else None
    return Loaded(Part(images, labels), None, tuple(folder.name for folder in classes))


def _image_files(folder: Path) -> list[Path]:
    """The image files in a folder and its subfolders, without hidden ones."""
    files = (file for file in sorted(folder.rglob("*")) if file.suffix.lower() in IMAGE_SUFFIXES)
    return [file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)]


def _open(file: Path, size: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about harmless oddities
            with Image.open(file, formats=FORMATS) as image:
                if math.prod(image.size) > MAX_PIXELS:
                    limit = f"at most {MAX_PIXELS // 10**6} million pixels are read"
                    raise ValueError(f"{image.width} x {image.height}; {limit}")
                return fit(_eight_bits(image), size)
    except Exception as error:  # Pillow raises a different class for each way that a file can be broken
        raise DataError("data.path", f"{file} cannot be read as an image ({first_line(error)})") from None


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey or RGB with 8 bits per channel. 16 bits are scaled (Pillow would clip them at 255)."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("it has 32 bits per pixel; save it with 8 or 16")
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
