"""JSON and text files that are written whole or not at all, some with a checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_core.files import write_atomically
from orchestrator.errors import UserError


class DamagedFile(UserError):
    """A file does not hold what was written to it."""


def write_text(path: Path, text: str) -> None:
    """Replaces the file atomically. Raises OSError."""
    write_atomically(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Replaces the file atomically. Raises OSError, and ValueError for NaN or infinity."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json_or_none(path: Path) -> Any:
    """The file's content, or None if the file does not exist or is not whole."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write_with_checksum(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a mapping with a `checksum` over all its other entries. Raises as `write_json`."""
    write_json(path, {**value, "checksum": _checksum(value)})


def read_with_checksum(path: Path) -> dict[str, Any] | None:
    """Reads what `write_with_checksum` wrote; None if there is no such file. Raises DamagedFile.

    A file without a checksum, from a version that wrote none, is taken as it is.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise DamagedFile(f"{path} is damaged: it is not whole JSON") from None
    if not isinstance(content, dict) or content.pop("checksum", None) not in (None, _checksum(content)):
        raise DamagedFile(f"{path} is damaged: its checksum does not match")
    return content


def _checksum(value: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, which reading and writing does not change."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
