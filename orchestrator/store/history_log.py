"""The rows of a trial as it trains: packed in its checkpoint, and as `history.jsonl`, which readers follow.

The checkpoint is what counts: it holds the rows up to its step, so a history that is damaged is written again from it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_core import metric_names
from gan_core.files import write_atomically

if TYPE_CHECKING:
    from gan_core.history import Row  # which needs torch: `status` answers without


class HistoryLog:
    """Use: `add` rows; `pack` them for a checkpoint; once it is saved, `write` them to the file.

    `packed`: the rows that the checkpoint holds. `told`: rows past it that were durable before, in a checkpoint that is
    damaged now. Trained again to the same values they keep their times, so that no copy elsewhere is doubled.
    """

    def __init__(self, file: Path, packed: bytes = b"", told: list[Row] | None = None):
        self.file = file
        self._packed = packed
        self._told = list(told or [])
        self._new: list[Row] = []
        self._rewrite()

    def add(self, rows: list[Row]) -> list[Row]:
        """The rows as they will stand in the history."""
        known = [self._as_told(row) for row in rows]
        self._new += known
        return known

    def _as_told(self, row: Row) -> Row:
        if not self._told:
            return row
        if _measured(self._told[0]) == _measured(row):
            return self._told.pop(0)
        self._told = []  # on a GPU the same steps may end in other last bits
        return row

    def rows(self) -> list[Row]:
        return parse(gzip.decompress(self._packed) if self._packed else b"") + self._new

    def pack(self) -> bytes:
        """All rows, compressed. What was packed before is not compressed again: the new rows are added to it."""
        return self._packed + gzip.compress(lines(self._new), compresslevel=1, mtime=0)

    def write(self) -> None:
        """Makes the file hold what the checkpoint holds. Raises OSError."""
        self._packed, new, self._new = self.pack(), self._new, []
        if self._ahead:
            self._rewrite()
        elif new:
            self._append(lines(new))

    def vouch(self) -> dict[str, Any]:
        """What a reader can tell damage by: {bytes, sha256} of the file as it was written."""
        return {"bytes": self._bytes, "sha256": self._hash.hexdigest()}

    def _append(self, text: bytes) -> None:
        with open(self.file, "r+b") as file:
            file.truncate(self._bytes)  # a write that failed half-way
            file.seek(self._bytes)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self._note(text)

    def _rewrite(self) -> None:
        text = lines(self.rows()) + lines(self._told)
        write_atomically(self.file, text)
        self._ahead = bool(self._told)
        self._bytes, self._hash = 0, hashlib.sha256()
        self._note(text)

    def _note(self, text: bytes) -> None:
        self._bytes += len(text)
        self._hash.update(text)


def lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()


def parse(text: bytes) -> list[Row]:
    """Rows of whole lines; a last line that a crash cut off is left out. Raises ValueError if a line is damaged."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]


def is_whole(text: bytes, vouched: dict[str, Any]) -> bool:
    """Whether the file still begins with what was written."""
    return hashlib.sha256(text[: vouched["bytes"]]).hexdigest() == vouched["sha256"]


def _measured(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith(metric_names.DEPENDS_ON_MACHINE)}
