"""What reading one's own images came upon, in plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class BrokenFile(NamedTuple):
    """A file that is no readable image. reason: empty if there is nothing more to say."""

    file: str
    reason: str


@dataclass
class Findings:
    """path: of the folder or file.

    modes, sizes: Pillow's name of a file's mode, and (width, height) of an image as it is seen -> count of images.
    converted, skipped: what was done, or left out -> count of images or files. held_out: the folder or array that the
    test part comes from, empty if the split rule chose it.
    """

    path: str
    modes: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    converted: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    broken: list[BrokenFile] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    held_out: str = ""


def counted(counts: Mapping[str, int]) -> str:
    """`3 .txt, 1 hidden file`."""
    return ", ".join(f"{count:,} {text}" for text, count in counts.items())


def listed(texts: Sequence[str], max_items: int = 10) -> str:
    """The first `max_items` of the texts, and how many more there are."""
    more = f" and {len(texts) - max_items:,} more" if len(texts) > max_items else ""
    return ", ".join(texts[:max_items]) + more
