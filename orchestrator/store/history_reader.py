"""Reads `history.jsonl` incrementally: each call goes on where the last one ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

ROWS_PER_CHUNK = 200


class HistoryReader:
    """Reads rows up to the step of a record. `offset`: the number of bytes read so far.

    A resumed trial cuts off the rows that its checkpoint does not hold, and writes them again with other times. Usually
    no record covered those rows, so they were not read. After a fall back to an earlier checkpoint they may
    have been; `is_rewritten` tells that.
    """

    def __init__(self, file: Path):
        self.file, self.offset, self._last_line = file, 0, b""

    def is_rewritten(self) -> bool:
        """Whether the file no longer holds the line that was read last at its position."""
        if not self.offset:
            return False
        try:
            with open(self.file, "rb") as file:
                file.seek(self.offset - len(self._last_line))
                return file.read(len(self._last_line)) != self._last_line
        except FileNotFoundError:
            return True

    def rewind(self) -> None:
        """Starts again from the beginning of the file."""
        self.offset, self._last_line = 0, b""

    def unread_chunks(self, up_to: int) -> Iterator[list[dict[str, float]]]:
        """The rows not read yet, up to the step `up_to`. A chunk counts as read when the next one is requested.

        Up to step 0 there are none, as in `TrialFolder.history`.
        """
        rows: list[dict[str, float]] = []
        offset, last_line = self.offset, self._last_line
        for line in self._unread_lines() if up_to else ():
            row = json.loads(line)
            if row["step"] > up_to:
                break
            rows.append(row)
            offset, last_line = offset + len(line), line
            if len(rows) == ROWS_PER_CHUNK:
                yield rows
                rows, self.offset, self._last_line = [], offset, last_line
        if rows:
            yield rows
            self.offset, self._last_line = offset, last_line

    def _unread_lines(self) -> Iterator[bytes]:
        """Whole lines. The last line of the file may be half written, and is left for later."""
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
