"""Whether a data set fits in memory, asked before it is read: a small file can unpack to any size."""

from __future__ import annotations

from pathlib import Path

from gan_core.data.preprocessing import DataError
from gan_core.memory import available_memory


def check_memory(path: Path, as_read: int, as_used: int) -> None:
    """Raises DataError if the images would not fit in the memory that is available.

    as_read: bytes of the arrays as they lie in the file. as_used: bytes of the data set that training sees. While it is
    made, both are there. Afterwards Ray has a second copy of it, which all workers of a node share.
    """
    needed, available = as_used + max(as_read, as_used), available_memory()
    if needed > available:
        raise DataError(
            "data.path",
            f"{path}: its images need {gigabytes(needed)} of memory with the copies that are made of them, and "
            f"{gigabytes(available)} are available; use fewer or smaller images, a machine with more memory, or "
            "data.on_disk: true for a folder of images",
        )


def gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:,.1f} MB"
