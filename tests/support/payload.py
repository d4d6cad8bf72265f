"""The payload of a hostile pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)
