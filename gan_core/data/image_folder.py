"""A folder of image files -> a data set as it was read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.data.findings import BrokenFile, Findings
from gan_core.data.folder_layout import FolderPart, read_layout
from gan_core.data.image_file import ImageFileError, decode
from gan_core.data.image_space import IN_MEMORY, ImageSpace
from gan_core.data.preprocessing import DataError, Loaded, Part

MAX_LISTED = 20
"""Broken files that a message names; `orchestrate datasets check` names all."""

GREY_AS_RGB = "grey made RGB because others have colour"


class _Entry(NamedTuple):
    """An image file with the index of its part and of its class."""

    file: Path
    part: int
    label: int


def from_folder(
    path: Path, size: int, background: str = "white", skip_broken: bool = False, space: ImageSpace = IN_MEMORY
) -> Loaded:
    """The images in a folder; its subfolders, if there are any, are the classes. Grey only if every image is grey.

    With train/ and test/ (or val/, valid/), each of them is such a folder. background: what shows where an image is
    transparent. skip_broken: go on without the files that are no readable images. space: where the images are put.
    Raises DataError.
    """
    findings = Findings(str(path))
    try:
        layout = read_layout(path, findings)
    except OSError as error:
        raise DataError("data.path", f"{error.filename} cannot be read ({error.strerror})") from None
    parts = [layout.train] if layout.test is None else [layout.train, layout.test]
    entries = [
        _Entry(file, index, label)
        for index, part in enumerate(parts)
        for label, files in enumerate(part.files)
        for file in files
    ]
    bytes_as_rgb = len(entries) * size * size * 3
    space.check(path, bytes_as_rgb)
    images, read = _read(entries, path, size, background, findings, space)
    if not skip_broken:
        check_none_is_broken(path, findings)
    _check_no_class_is_lost(path, parts, layout.classes, entries, read, findings)
    train, *test = (_part(images, part, index, read) for index, part in enumerate(parts))
    return Loaded(train, test[0] if test else None, layout.classes, findings)


def check_none_is_broken(path: Path, findings: Findings) -> None:
    """Raises DataError, with the names of the broken files that reading `path` came upon."""
    if findings.broken:
        count = findings.modes.total() + len(findings.broken)
        raise DataError("data.path", _broken_text(path, findings.broken, count))


def _read(
    entries: list[_Entry], path: Path, size: int, background: str, findings: Findings, space: ImageSpace
) -> tuple[np.ndarray, list[_Entry]]:
    """The images [N, size, size, 3], or [N, size, size] if all are grey, and the entries that could be read."""
    images = space.empty("as_read", (len(entries), size, size, 3))
    read, modes = list[_Entry](), set[str]()
    for number, entry in enumerate(entries):
        space.progress(number, len(entries))
        try:
            decoded = decode(entry.file, size, background)
        except ImageFileError as error:
            findings.broken.append(BrokenFile(str(entry.file.relative_to(path)), str(error)))
            continue
        images[len(read)] = np.asarray(decoded.image.convert("RGB"))
        read.append(entry)
        modes.add(decoded.image.mode)
        findings.modes[decoded.mode] += 1
        findings.sizes[decoded.size] += 1
        findings.converted.update(decoded.changes)
        if decoded.image.mode == "L":
            findings.converted[GREY_AS_RGB] += 1
    if modes <= {"L"}:
        del findings.converted[GREY_AS_RGB]
        return images[: len(read), ..., 0], read
    return images[: len(read)], read


def _part(images: np.ndarray, part: FolderPart, index: int, read: list[_Entry]) -> Part:
    rows = np.array([row for row, entry in enumerate(read) if entry.part == index], np.int64)
    labels = np.array([entry.label for entry in read if entry.part == index], np.int64)
    return Part(images, labels if part.labelled else None, rows)


def _check_no_class_is_lost(
    path: Path,
    parts: list[FolderPart],
    classes: tuple[str, ...],
    entries: list[_Entry],
    read: list[_Entry],
    findings: Findings,
) -> None:
    """Raises DataError if the training part or one of its classes, or the whole test part, has only broken images."""
    left = {(entry.part, entry.label) for entry in read}
    for index, part in enumerate(parts):
        wanted = {(entry.part, entry.label) for entry in entries if entry.part == index}
        lost = sorted(wanted - left)
        if lost and (index == 0 or not wanted & left):
            name = f"class {classes[lost[0][1]]}" if part.labelled and index == 0 else findings.held_out or str(path)
            raise DataError(
                "data.path", f"nothing is left of {name}: {_broken_text(path, findings.broken, len(entries))}"
            )


def _broken_text(path: Path, broken: list[BrokenFile], count: int) -> str:
    """One line that names the broken files."""
    advice = "repair or remove {0}, or go on without {0} with data.skip_broken: true".format
    if len(broken) == 1:
        reason = f", {broken[0].reason}" if broken[0].reason else ""
        return f"{path / broken[0].file}: not a readable image{reason} (data.path); {advice('it')}"
    texts = [f"{file.file} ({file.reason})" if file.reason else file.file for file in broken[:MAX_LISTED]]
    rest = len(broken) - MAX_LISTED
    more = f" and {rest:,} more (orchestrate datasets check names all)" if rest > 0 else ""
    files = ", ".join(texts)
    return (
        f"{len(broken):,} of {count:,} files in {path} are not readable images (data.path): {files}{more}; "
        f"{advice('them')}"
    )
