"""A trial's history read once, from where the last look ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

ROWS = 200
"""In one chunk."""


class HistoryReader:
    """Reads rows that a record vouches for, and knows how far it has read.

    A resumed trial cuts off what its checkpoint does not hold and writes those rows again, with other times. Usually
    these are rows that no record vouched for, so never read; after a fall back to an earlier checkpoint they are not,
    which `rewritten` tells.
    """

    def __init__(self, file: Path):
        self.file, self.offset, self._last = file, 0, b""

    def rewritten(self) -> bool:
        """Whether the line read last no longer stands where it stood."""
        if not self.offset:
            return False
        try:
            with open(self.file, "rb") as file:
                file.seek(self.offset - len(self._last))
                return file.read(len(self._last)) != self._last
        except FileNotFoundError:
            return True

    def rewind(self) -> None:
        self.offset, self._last = 0, b""

    def chunks(self, up_to: int) -> Iterator[list[dict[str, float]]]:
        """The rows not read yet, up to a step; a chunk counts as read when the next one is asked for.

        Up to step 0 there are none, as in `TrialFolder.history`.
        """
        rows: list[dict[str, float]] = []
        ahead, last = self.offset, self._last
        for line in self._lines() if up_to else ():
            row = json.loads(line)
            if row["step"] > up_to:
                break
            rows.append(row)
            ahead, last = ahead + len(line), line
            if len(rows) == ROWS:
                yield rows
                rows, self.offset, self._last = [], ahead, last
        if rows:
            yield rows
            self.offset, self._last = ahead, last

    def _lines(self) -> Iterator[bytes]:
        """Whole lines from the offset on: the last one may be half written."""
        try:
            with open(self.file, "rb") as file:
                file.seek(self.offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    yield line
        except FileNotFoundError:
            return

    def text(self) -> str:
        """Everything read so far."""
        if not self.offset:
            return ""
        with open(self.file, "rb") as file:
            return file.read(self.offset).decode()
