"""Which files of a folder are its images, in which classes, and which of them are held out."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gan_core.data.findings import Findings, counted, listed
from gan_core.data.preprocessing import DataError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
OTHER_IMAGE_SUFFIXES = {
    ".heic",
    ".heif",
    ".avif",
    ".jp2",
    ".jxl",
    ".svg",
    ".psd",
    ".dng",
    ".cr2",
    ".nef",
    ".pgm",
    ".ppm",
}
"""Suffixes of image formats that are not read."""
TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "testing", "val", "valid", "validation")
"""In the order in which one is chosen to be the held-out part."""
SYSTEM_FOLDERS = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
"""Folders that systems leave behind. Some hold small copies of the images."""


@dataclass(frozen=True)
class FolderPart:
    """files: of each class of the layout, or one list of all. labelled: whether they are sorted into the classes."""

    files: list[list[Path]]
    labelled: bool

    def __len__(self) -> int:
        return sum(map(len, self.files))


@dataclass(frozen=True)
class FolderLayout:
    """classes: () without classes. test: None if the folder has no part of its own for tests."""

    classes: tuple[str, ...]
    train: FolderPart
    test: FolderPart | None


def read_layout(path: Path, findings: Findings) -> FolderLayout:
    """What is in a folder. Adds what is left out, and what looks odd, to `findings`. Raises DataError, OSError."""
    if not path.is_dir():
        raise DataError("data.path", f"{path} is not a folder")
    folders = _subfolders(path, path, findings)
    by_name = {folder.name.lower(): folder for folder in folders}
    train = next((by_name[name] for name in TRAIN_NAMES if name in by_name), None)
    tests = _by_use([by_name[name] for name in TEST_NAMES if name in by_name], train)
    others = [folder for folder in folders if folder != train and folder not in tests]
    if train and tests:
        empty = [folder for folder in others if not _images(folder, Findings(str(folder)))]
        findings.skipped.update(f"{folder.name}/ (no images)" for folder in empty)
        others = [folder for folder in others if folder not in empty]
    if train is None or not tests or others:
        if train or tests:
            findings.cautions.append(_not_split(train, tests, others))
        classes, part = _part(path, folders, findings)
        return FolderLayout(classes, part, None)
    _count_files_beside(path, findings)
    classes, train_part = _part(train, _subfolders(train, path, findings), findings)
    for unused in tests[1:]:
        findings.skipped[f"{unused.name}/, because {tests[0].name}/ is the held-out part"] += 1
    findings.cautions.extend(_same_folder([train, tests[0]]))
    findings.held_out = f"{tests[0].name}/"
    return FolderLayout(classes, train_part, _test_part(tests[0], path, classes, findings))


def _by_use(tests: list[Path], train: Path | None) -> list[Path]:
    """The folders that may be the held-out part, the best first: with images, and with classes if `train` has them."""

    if train is None or len(tests) < 2:
        return tests
    discarded = Findings(str(train))
    has_classes = bool(_subfolders(train, train, discarded))

    def lacks(folder: Path) -> tuple[bool, bool]:
        return not _images(folder, discarded), has_classes and not _subfolders(folder, folder, discarded)

    return sorted(tests, key=lacks)


def _not_split(train: Path | None, tests: list[Path], others: list[Path]) -> str:
    names = ", ".join(f"{folder.name}/" for folder in [*([train] if train else []), *tests])
    needed = (
        f"nothing beside them, and {others[0].name}/ is there"
        if train and tests
        else "train/ and one of test/, val/, valid/"
    )
    return f"{names}: read as classes and not as parts of the data; a split needs {needed}"


def _part(folder: Path, classes: list[Path], findings: Findings) -> tuple[tuple[str, ...], FolderPart]:
    """The classes in a folder, or all of its images if it has no subfolders."""
    if not classes:
        return (), FolderPart([_some_images(folder, findings)], labelled=False)
    _count_files_beside(folder, findings)
    findings.cautions.extend(_same_folder(classes))
    files = [_some_images(own, findings) for own in classes]
    if (
        len(classes) == 1
        and (deeper := {file.relative_to(classes[0]).parts[0] for file in files[0]})
        and all((classes[0] / name).is_dir() for name in deeper)
    ):
        findings.cautions.append(
            f"{classes[0].name}/ is the only class, with all images of its subfolders ({listed(sorted(deeper))}); if "
            f"those are the classes, give data.path: {classes[0]}"
        )
    return tuple(own.name for own in classes), FolderPart(files, labelled=True)


def _test_part(folder: Path, root: Path, classes: tuple[str, ...], findings: Findings) -> FolderPart:
    """The held-out images, with the classes of the training part. Raises DataError if they have others."""
    subfolders = {own.name: own for own in _subfolders(folder, root, findings)} if classes else {}
    if not subfolders:
        return FolderPart([_some_images(folder, findings)], labelled=False)
    others = set(subfolders) - set(classes)
    if unknown := sorted(name for name in others if _images(subfolders[name], Findings(name))):
        raise DataError(
            "data.path",
            f"{folder} has a class that the training part lacks: {listed(unknown)} (it has {listed(classes)})",
        )
    _count_files_beside(folder, findings)
    files = [_images(subfolders[name], findings) if name in subfolders else [] for name in classes]
    if not any(files):
        raise DataError("data.path", _no_image(folder))
    return FolderPart(files, labelled=True)


def _subfolders(folder: Path, root: Path, findings: Findings) -> list[Path]:
    """The folders in `folder` that can hold images. A link up to a folder above would repeat every image."""
    subfolders, above = [], [root.resolve(), *root.resolve().parents, folder.resolve()]
    skipped = Counter[str]()
    for entry in sorted(folder.iterdir()):
        if not entry.is_dir() or entry.name.startswith("."):
            continue
        if entry.name in SYSTEM_FOLDERS:
            skipped[f"{entry.name}/ (no data)"] += 1
        elif entry.is_symlink() and entry.resolve() in above:
            skipped[f"{entry.name}/ (a link to a folder that it lies in)"] += 1
        else:
            subfolders.append(entry)
    if subfolders:  # otherwise `_images` counts them, in the same folder
        findings.skipped.update(skipped)
    return subfolders


def _same_folder(folders: list[Path]) -> list[str]:
    """Cautions about links through which the same images are in two of the folders."""
    cautions = []
    targets: dict[Path, list[Path]] = {}
    for folder in folders:
        targets.setdefault(folder.resolve(), []).append(folder)
    for target, same in targets.items():
        above = [other for parent in target.parents for other in targets.get(parent, ())]
        for first, second in [*((same[0], other) for other in same[1:]), *((other, same[0]) for other in above)]:
            names = sorted([first.name, second.name])
            cautions.append(f"{names[0]}/ and {names[1]}/ hold the same images: one is a link into the other")
    return cautions


def _some_images(folder: Path, findings: Findings) -> list[Path]:
    """The images in a folder. Raises DataError if there are none."""
    before = findings.skipped.copy()
    files = _images(folder, findings)
    if not files:
        raise DataError("data.path", _no_image(folder, findings.skipped - before))
    return files


def _no_image(folder: Path, others: Counter[str] | None = None) -> str:
    instead = f", but {counted(others)}" if others else ""
    return f"{folder} holds no image that can be read ({' '.join(sorted(IMAGE_SUFFIXES))}){instead}"


def _images(folder: Path, findings: Findings) -> list[Path]:
    """The image files in a folder and its subfolders, sorted. Hidden files and folders are left out, as in a shell."""
    files = []
    for parent, folders, names in os.walk(folder, onerror=_raise):
        for name in list(folders):
            is_link = os.path.islink(os.path.join(parent, name))
            if is_link and not name.startswith("."):
                findings.skipped["link to a folder inside a class"] += 1
            elif name in SYSTEM_FOLDERS:
                findings.skipped[f"{name}/ (no data)"] += 1
            if is_link or name.startswith(".") or name in SYSTEM_FOLDERS:
                folders.remove(name)
        for name in names:
            file = Path(parent, name)
            if _is_image(file):
                files.append(file)
            else:
                _count_other(file, findings)
    return sorted(files)


def _raise(error: OSError) -> None:
    raise error


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".")


def _count_other(file: Path, findings: Findings) -> None:
    """Counts a file that is not read. Hidden files are counted only if they have an image's suffix."""
    suffix = file.suffix.lower()
    if file.name.startswith("."):
        if suffix in IMAGE_SUFFIXES:
            findings.skipped["hidden file"] += 1
    elif suffix in OTHER_IMAGE_SUFFIXES:
        findings.skipped[f"{suffix} (not read; convert it to .png or .jpg)"] += 1
    else:
        findings.skipped[suffix or "file without a suffix"] += 1


def _count_files_beside(folder: Path, findings: Findings) -> None:
    """Counts the files of a folder whose images lie in its subfolders."""
    for file in folder.iterdir():
        if not file.is_dir():
            if _is_image(file):
                findings.skipped["image beside the folders of the classes"] += 1
            else:
                _count_other(file, findings)
