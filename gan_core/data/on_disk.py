"""A folder of images, converted once to arrays in files that are mapped into memory (`data.on_disk`).

The files lie beside the folder, in `.NAME.on_disk/KEY`: KEY is a hash of the names, sizes and times of the image files
and of the settings that they are read with, so a changed folder is converted anew. They are written to `KEY.partial`
and renamed when complete, so a killed conversion leaves nothing that is read, and the next one starts anew. A lock lets
one process convert; others wait for it. Pixels are those that are read into memory, and so is the fingerprint. What
reading came upon is kept with them, the broken files that were left out included.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.config.sections import DataConfig
from gan_core.data.findings import Findings
from gan_core.data.folder_layout import read_layout
from gan_core.data.image_space import ImageSpace
from gan_core.data.memory_check import gigabytes
from gan_core.data.preprocessing import DataError
from gan_core.files import sync_folder, write_atomically

FORMAT = 2
"""Increased when the files, or the pixels in them, are made in another way."""
CARD = "card.json"
REPORT_SECONDS = 5.0


class Converted(NamedTuple):
    """As in `datasets.Described`: images uint8 [N, C, size, size], labels int64 [N] or None, and those of the test.

    findings: what reading the folder came upon.
    """

    images: np.ndarray
    labels: np.ndarray | None
    test_images: np.ndarray
    test_labels: np.ndarray | None
    class_names: tuple[str, ...]
    fingerprint: str
    findings: Findings


def folder_of(data: DataConfig, path: Path) -> Path:
    """Where the images in `path` are converted to, as they are now. Raises DataError and OSError."""
    layout = read_layout(path, Findings(str(path)))
    parts = [layout.train] if layout.test is None else [layout.train, layout.test]
    files = [file for part in parts for of_class in part.files for file in of_class]
    settings = data.model_dump(mode="json", include={"image_size", "background", "classes", "rgb"})
    digest = hashlib.sha256(json.dumps([FORMAT, settings, layout.classes], sort_keys=True).encode())
    for file in files:
        status = file.stat()
        digest.update(os.fsencode(file.relative_to(path)) + f"\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    absolute = path.resolve()
    return absolute.parent / f".{absolute.name}.on_disk" / digest.hexdigest()[:16]


def convert_once(folder: Path, source: Path, make: Callable[[ImageSpace], Converted]) -> Converted:
    """The converted data set in `folder`; if there is none, `make` reads it from `source` into the space it is given.

    Raises DataError, and OSError if the folder cannot be written to.
    """
    if not (folder / CARD).exists():
        folder.parent.mkdir(exist_ok=True)
        with _lock(folder):
            if not (folder / CARD).exists():
                _convert(folder, source, make)
                _name_others(folder)
    return open_converted(folder)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Held by one process at a time, and let go by the system when that process dies."""
    with open(folder.with_suffix(".lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(folder: Path, source: Path, make: Callable[[ImageSpace], Converted]) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        converted = make(Files(partial, source))
        for name in ("labels", "test_labels"):
            labels = getattr(converted, name)
            if labels is not None:
                np.save(partial / f"{name}.npy", labels)
        for images in (converted.images, converted.test_images):
            if isinstance(images, np.memmap):
                images.flush()
        (partial / "as_read.npy").unlink(missing_ok=True)
        sums = {}
        for file in sorted(partial.glob("*.npy")):
            with open(file, "rb") as opened:
                os.fsync(opened.fileno())
                sums[file.name] = hashlib.file_digest(opened, "sha256").hexdigest()
        card = {
            "classes": converted.class_names,
            "fingerprint": converted.fingerprint,
            "findings": converted.findings.as_json(),
            "sha256": sums,
            "stamps": {name: _stamp(partial / name) for name in sums},
        }
        write_atomically(partial / CARD, json.dumps(card).encode())
        partial.rename(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _name_others(folder: Path) -> None:
    """Says what else lies beside a new conversion. Only the user knows whether other settings are still in use."""
    others = [card.parent for card in sorted(folder.parent.glob(f"*/{CARD}")) if card.parent != folder]
    if others:
        size = gigabytes(sum(file.stat().st_size for other in others for file in other.iterdir()))
        print(
            f"beside {folder} lie older conversions ({len(others)}, {size}): of the images as they were before, with "
            "other settings, or by an earlier version; delete what no sweep needs",
            file=sys.stderr,
        )


def open_converted(folder: Path) -> Converted:
    """Maps the images of a converted data set. Raises DataError if its files are not what they were.

    Each file is compared with its checksum unless its size and time are still those of the conversion.
    """
    try:
        card = json.loads((folder / CARD).read_text())
        for name, expected in card["sha256"].items():
            file = folder / name
            if _stamp(file) != card["stamps"][name]:
                with open(file, "rb") as opened:
                    if hashlib.file_digest(opened, "sha256").hexdigest() != expected:
                        raise ValueError(f"{name} has changed")
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("images", "test_images")}
        labels = {
            name: np.load(folder / f"{name}.npy") if f"{name}.npy" in card["sha256"] else None
            for name in ("labels", "test_labels")
        }
        return Converted(
            arrays["images"],
            labels["labels"],
            arrays["test_images"],
            labels["test_labels"],
            tuple(card["classes"]),
            card["fingerprint"],
            Findings.of_json(card["findings"]),
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        message = f"{folder} is damaged ({error}); delete it, and it is converted again"
        raise DataError("data.on_disk", message) from None


def _stamp(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]


class Files:
    """Images in files of `folder`, for the data in `source`; how far it is, on standard error."""

    def __init__(self, folder: Path, source: Path):
        self._folder, self._source = folder, source
        self._reported = time.monotonic()

    def check(self, path: Path, count: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if 2 * count > free:  # the images as they were read, and the data set
            text = f"needs {gigabytes(2 * count)} beside it while it is converted, and {gigabytes(free)} are free"
            raise DataError("data.path", f"{path}: data.on_disk {text}; make room, or use a smaller data.image_size")

    def empty(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        if 0 in shape:  # which cannot be mapped
            empty = np.empty(shape, np.uint8)
            np.save(self._folder / f"{name}.npy", empty)
            return empty
        return np.lib.format.open_memmap(self._folder / f"{name}.npy", "w+", np.uint8, shape)

    def progress(self, done: int, total: int) -> None:
        if time.monotonic() - self._reported > REPORT_SECONDS:
            self._reported = time.monotonic()
            print(f"{self._source}: {done:,} of {total:,} images are converted", file=sys.stderr)
