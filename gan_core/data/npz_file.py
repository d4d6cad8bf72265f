"""An .npz file of arrays. What is in it, and whether it fits in memory, is known before an array is read."""

from __future__ import annotations

import math
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.data.findings import Findings
from gan_core.data.memory_check import check_memory
from gan_core.data.preprocessing import DataError, Loaded, Part
from gan_core.error_text import first_line
from gan_core.regular_files import NotRegularFile, open_regular

MAX_CLASSES = 100_000
READ_NAMES = ("images", "labels", "names")
"""The ends of the names of arrays that may be read."""


class Header(NamedTuple):
    """The shape and type of an array, as its header in the file says."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def from_npz(path: Path, size: int, rgb: bool = False) -> Loaded:
    """Arrays `images` [N, H, W], [N, H, W, C] or [N, C, H, W] uint8 and `labels` [N]; or each with train_ and test_.

    size, rgb: those of the data set that is made of them, for the memory that it takes. Raises DataError.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            headers = _headers(archive)
            prefix = _prefix(path, headers)
            parts = [prefix, "test_"] if "test_images" in headers else [prefix]
            names = [f"{part}{kind}" for part in parts for kind in ("images", "labels")] + ["class_names"]
            wanted = [name for name in names if name in headers]
            if objects := [name for name in wanted if headers[name].dtype.hasobject]:
                raise ValueError(f"`{objects[0]}` holds Python objects")
            for part in parts:
                _check_images(path, f"{part}images", headers[f"{part}images"])
            _check_size(path, [headers[name] for name in wanted], [headers[f"{p}images"] for p in parts], size, rgb)
            arrays = {name: _read(archive, name) for name in wanted}
            unread = sorted(set(archive.namelist()) - {f"{name}.npy" for name in wanted})
    except (DataError, NotRegularFile, OSError):
        raise
    except Exception as error:  # zipfile and numpy raise a different class for each way that a file can be broken
        raise DataError("data.path", f"{path} is not an .npz file of plain arrays ({first_line(error)})") from None
    train = _part(path, arrays, prefix)
    test = _part(path, arrays, "test_") if len(parts) == 2 else None
    if test is not None and test.images.shape[1:] != train.images.shape[1:]:
        raise DataError("data.path", f"{path}: `test_images` are of another size or colour than `train_images`")
    classes = _class_names(path, train, test, arrays.get("class_names"))
    return Loaded(train, test, classes, _findings(path, train, test, unread))


def _headers(archive: zipfile.ZipFile) -> dict[str, Header]:
    """The headers of the arrays that may be read. Raises ValueError for one that claims more than it holds."""
    headers = {}
    for entry in archive.infolist():
        name = entry.filename.removesuffix(".npy")
        if name == entry.filename or not name.endswith(READ_NAMES):
            continue
        with archive.open(entry) as array:
            version = np.lib.format.read_magic(array)
            read_header = np.lib.format.read_array_header_1_0
            if version != (1, 0):
                read_header = np.lib.format.read_array_header_2_0
            shape, _, dtype = read_header(array)
            header = Header(shape, dtype)
            if not dtype.hasobject and header.bytes > entry.file_size - array.tell():
                raise ValueError(f"`{name}` says that it is {dtype}{list(shape)}, and holds less")
        headers[name] = header
    return headers


def _prefix(path: Path, headers: Mapping[str, Header]) -> str:
    prefix = "train_" if "train_images" in headers else ""
    if f"{prefix}images" not in headers:
        raise DataError(
            "data.path", f"{path} holds no array `images` (or `train_images`); its arrays are {sorted(headers)}"
        )
    if prefix and "labels" in headers:
        raise DataError("data.path", f"{path}: beside `train_images` the labels are called `train_labels`")
    return prefix


def _check_images(path: Path, name: str, header: Header) -> None:
    shape, dtype = header
    is_image = len(shape) == 3 or (len(shape) == 4 and (shape[3] in (1, 3) or shape[1] in (1, 3)))
    if dtype != np.uint8 or not is_image:
        message = f"{path}: `{name}` is {dtype}{list(shape)}; needed: uint8 [N, H, W] or [N, H, W, 1 or 3]"
        raise DataError("data.path", message)
    if math.prod(shape) == 0:
        raise DataError("data.path", f"{path}: `{name}` holds no image")


def _check_size(path: Path, read: list[Header], images: list[Header], size: int, rgb: bool) -> None:
    """Raises DataError if the arrays would not fit in memory. images: those of `read` that hold images."""
    channels = [3 if rgb or 3 in (header.shape[1:2] + header.shape[3:]) else 1 for header in images]
    used = sum(header.shape[0] * count * size * size for header, count in zip(images, channels, strict=True))
    labels = sum(header.shape[0] * np.dtype(np.int64).itemsize for header in images)
    check_memory(path, sum(header.bytes for header in read) + labels, used)


def _read(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as array:
        return np.lib.format.read_array(array, allow_pickle=False)


def _part(path: Path, arrays: Mapping[str, np.ndarray], prefix: str) -> Part:
    images, labels = arrays[f"{prefix}images"], arrays.get(f"{prefix}labels")
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
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


def _findings(path: Path, train: Part, test: Part | None, unread: list[str]) -> Findings:
    height, width = train.images.shape[1:3]
    count = len(train) + (len(test) if test else 0)
    return Findings(
        path=str(path),
        modes=Counter({"L" if train.channels == 1 else "RGB": count}),
        sizes=Counter({(width, height): count}),
        skipped=Counter({f"array {name} (not read)": 1 for name in unread}),
        held_out="test_images" if test else "",
    )
