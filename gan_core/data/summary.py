"""What a data set of one's own images is: what is used, what was changed, and what was left out."""

from __future__ import annotations

import math
from collections import Counter
from typing import TypedDict

import numpy as np

from gan_core.data.datasets import ImageArrays
from gan_core.data.findings import counted, listed

MAX_CLASS_IMBALANCE = 10
"""The largest class has this many times the images of the smallest."""
MODE_NAMES = {"1": "black and white", "L": "grey", "LA": "grey with alpha", "P": "palette", "I;16": "grey of 16 bits"}


class ClassCount(TypedDict):
    name: str
    images: int
    test_images: int


class BrokenCount(TypedDict):
    file: str
    reason: str


class DataSummary(TypedDict):
    """In plain values, as `--json` prints it.

    held_out: the folder or array of the test part, empty if the split rule chose it. classes: [] without labels.
    smallest, largest: width and height of a file's image. modes, converted, skipped: text -> count.
    """

    path: str
    images: int
    test_images: int
    held_out: str
    classes: list[ClassCount]
    channels: int
    image_size: int
    smallest: list[int]
    largest: list[int]
    modes: dict[str, int]
    converted: dict[str, int]
    skipped: dict[str, int]
    broken: list[BrokenCount]
    cautions: list[str]


def summarize(images: ImageArrays) -> DataSummary | None:
    """None for a data set that is known by name."""
    findings = images.findings
    if findings is None:
        return None
    sizes = sorted(findings.sizes, key=math.prod)
    classes = _classes(images)
    return {
        "path": findings.path,
        "images": len(images),
        "test_images": len(images.test_images),
        "held_out": findings.held_out,
        "classes": classes,
        "channels": images.channels,
        "image_size": images.image_size,
        "smallest": list(sizes[0]),
        "largest": list(sizes[-1]),
        "modes": _by_count(findings.modes),
        "converted": _by_count(findings.converted),
        "skipped": _by_count(findings.skipped),
        "broken": [{"file": file, "reason": reason} for file, reason in findings.broken],
        "cautions": [*findings.cautions, *_cautions(classes, images.test_labels is not None)],
    }


def _classes(images: ImageArrays) -> list[ClassCount]:
    if images.labels is None:
        return []
    count = len(images.class_names)
    train = np.bincount(images.labels, minlength=count)
    test = np.bincount(images.test_labels, minlength=count) if images.test_labels is not None else np.zeros(count, int)
    return [
        {"name": name, "images": int(images_of), "test_images": int(tests_of)}
        for name, images_of, tests_of in zip(images.class_names, train, test, strict=True)
    ]


def _cautions(classes: list[ClassCount], has_test_labels: bool) -> list[str]:
    if not classes:
        return []
    cautions = []
    smallest, largest = (choose(classes, key=lambda counts: counts["images"]) for choose in (min, max))
    if largest["images"] >= MAX_CLASS_IMBALANCE * max(1, smallest["images"]):
        cautions.append(
            f"the classes are very unequal: {largest['images']:,} images of {largest['name']} to train on, and "
            f"{smallest['images']:,} of {smallest['name']}; a generator may leave rare classes out"
        )
    if not has_test_labels:
        cautions.append("the test images are not sorted into classes, so nothing tests the classifier")
    elif untested := [counts["name"] for counts in classes if not counts["test_images"]]:
        cautions.append(f"no test image of {listed(untested)}: nothing says how well such images are recognised")
    return cautions


def summary_lines(summary: DataSummary, max_classes: int = 12, max_broken: int = 5) -> list[str]:
    """The summary without its cautions, as text: what is used, then what was changed, left out, and broken."""
    source = f"from {summary['held_out']}" if summary["held_out"] else "held out at random"
    classes, tests = summary["classes"], summary["test_images"]
    lines = [f"{summary['path']}: {summary['images']:,} images to train on, {tests:,} to test ({source})"]
    if classes:
        texts = [f"{counts['name']} {counts['images']:,} + {counts['test_images']:,}" for counts in classes]
        number = "1 class" if len(classes) == 1 else f"{len(classes):,} classes"
        lines.append(f"{number}, images to train on + to test: {listed(texts, max_classes)}")
    else:
        lines.append("no classes")
    side, colour = summary["image_size"], "grey" if summary["channels"] == 1 else "RGB"
    modes = counted({MODE_NAMES.get(mode, mode): count for mode, count in summary["modes"].items()})
    lines.append(f"{_sizes(summary)}, {modes}; used as {side} x {side}, {colour}")
    if summary["converted"]:
        lines.append(f"converted: {counted(summary['converted'])}")
    if summary["skipped"]:
        lines.append(f"skipped: {counted(summary['skipped'])}")
    if broken := summary["broken"]:
        texts = [f"{file['file']} ({file['reason']})" if file["reason"] else file["file"] for file in broken]
        lines.append(f"broken, not readable as images: {len(broken):,}: {listed(texts, max_broken)}")
    return lines


def _sizes(summary: DataSummary) -> str:
    smallest, largest = (f"{size[0]:,} x {size[1]:,}" for size in (summary["smallest"], summary["largest"]))
    return f"{smallest} pixels" if smallest == largest else f"{smallest} to {largest} pixels"


def _by_count(counter: Counter[str]) -> dict[str, int]:
    return dict(counter.most_common())
