"""What reading one's own images came upon, in plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


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

    def as_json(self) -> dict[str, Any]:
        """In values of JSON."""
        return vars(self) | {"sizes": [[*size, count] for size, count in self.sizes.items()]}

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> Findings:
        """Of what `as_json` gave. Raises LookupError, TypeError or ValueError for anything else."""
        counters = {name: Counter(values[name]) for name in ("modes", "converted", "skipped")}
        sizes = Counter({(width, height): count for width, height, count in values["sizes"]})
        broken = [BrokenFile(*file) for file in values["broken"]]
        return cls(**values | counters | {"sizes": sizes, "broken": broken})


def counted(counts: Mapping[str, int]) -> str:
    """`3 .txt, 1 hidden file`."""
    return ", ".join(f"{count:,} {text}" for text, count in counts.items())


def listed(texts: Sequence[str], max_items: int = 10) -> str:
    """The first `max_items` of the texts, and how many more there are."""
    more = f" and {len(texts) - max_items:,} more" if len(texts) > max_items else ""
    return ", ".join(texts[:max_items]) + more
