"""Writes the rows of a trial while it trains: packed for its checkpoint, and as `history.jsonl`, which readers follow.

The checkpoint is the truth: it holds the rows up to its step, so a damaged history is written again from it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_core import metric_names
from gan_core.files import write_atomically

if TYPE_CHECKING:
    from gan_core.history import Row  # which needs torch: `status` answers without


@dataclass(frozen=True)
class HistoryDigest:
    """Length of `history.jsonl` in bytes, and SHA-256 of this many bytes, by which a reader detects damage."""

    size: int
    sha256: str

    def matches(self, content: bytes) -> bool:
        """Whether the file still begins with what was written. A running trial may have written more."""
        return hashlib.sha256(content[: self.size]).hexdigest() == self.sha256

    def to_json(self) -> dict[str, Any]:
        return {"bytes": self.size, "sha256": self.sha256}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> HistoryDigest:
        return cls(value["bytes"], value["sha256"])


class HistoryLog:
    """Use: `add` rows; `pack` them for a checkpoint; once it is saved, `write` them to the file.

    `packed`: the rows that the checkpoint holds. `earlier_rows`: rows after it that a checkpoint held which is damaged
    now. When these steps are trained again to the same values, the rows keep their earlier times, so that MLflow does
    not get them twice.
    """

    def __init__(self, file: Path, packed: bytes = b"", earlier_rows: list[Row] | None = None):
        self.file = file
        self._packed = packed
        self._earlier_rows = list(earlier_rows or [])
        self._new_rows: list[Row] = []
        self._rewrite()

    def add(self, rows: list[Row]) -> list[Row]:
        """Appends rows and returns them as the history will hold them."""
        added = [self._with_earlier_time(row) for row in rows]
        self._new_rows += added
        return added

    def _with_earlier_time(self, row: Row) -> Row:
        if not self._earlier_rows:
            return row
        if _without_times(self._earlier_rows[0]) == _without_times(row):
            return self._earlier_rows.pop(0)
        self._earlier_rows = []  # on a GPU the same steps may differ in the last bits
        return row

    def rows(self) -> list[Row]:
        """All rows so far, those of the checkpoint first."""
        return parse_rows(gzip.decompress(self._packed) if self._packed else b"") + self._new_rows

    def pack(self) -> bytes:
        """All rows, compressed. The new rows are added as a gzip member of their own to what was packed before."""
        return self._packed + gzip.compress(encode_rows(self._new_rows), compresslevel=1, mtime=0)

    def write(self) -> None:
        """Makes the file hold what the checkpoint holds. Raises OSError."""
        self._packed, new_rows, self._new_rows = self.pack(), self._new_rows, []
        if self._file_is_ahead:
            self._rewrite()
        elif new_rows:
            self._append(encode_rows(new_rows))

    def digest(self) -> HistoryDigest:
        """The digest of the file as it was last written."""
        return HistoryDigest(self._size, self._sha256.hexdigest())

    def _append(self, content: bytes) -> None:
        with open(self.file, "r+b") as file:
            file.truncate(self._size)  # an earlier write may have failed half-way
            file.seek(self._size)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._count(content)

    def _rewrite(self) -> None:
        content = encode_rows(self.rows()) + encode_rows(self._earlier_rows)
        write_atomically(self.file, content)
        self._file_is_ahead = bool(self._earlier_rows)
        self._size, self._sha256 = 0, hashlib.sha256()
        self._count(content)

    def _count(self, content: bytes) -> None:
        self._size += len(content)
        self._sha256.update(content)


def encode_rows(rows: list[Row]) -> bytes:
    """Rows as lines of JSON."""
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()


def parse_rows(content: bytes) -> list[Row]:
    """The rows of whole lines. A last line that a crash cut off is left out. Raises ValueError for a damaged line."""
    return [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]


def _without_times(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith(metric_names.TIME_DEPENDENT)}
