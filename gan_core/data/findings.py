"""What reading one's own images came upon, in plain values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple


class BrokenFile(NamedTuple):
    """A file that is no readable image. reason: empty if there is nothing more to say."""

    file: str
    reason: str


@dataclass(frozen=True)
class Findings:
    """modes, sizes: of the files, as Pillow names modes, and (width, height) of each image as it is seen -> count.

    converted, skipped: what was done or left out -> count of images or files. held_out: where the test part comes from.
    """

    modes: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    converted: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    broken: list[BrokenFile] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    held_out: str = ""
