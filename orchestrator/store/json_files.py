"""JSON and text files, written whole or not at all, some with a checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_core.files import write_atomically
from orchestrator.errors import UserError

if TYPE_CHECKING:
    pass


class Damaged(UserError):
    """A file is not what was written."""


def write_text(path: Path, text: str) -> None:
    write_atomically(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The file's content, or None if there is no such file, or one that is cut off."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write_checked(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a mapping with a checksum over the rest of it."""
    write_json(path, {**value, "checksum": _checksum(value)})


def read_checked(path: Path) -> dict[str, Any] | None:
    """What `write_checked` wrote, or None if there is no such file. Raises Damaged.

    Files from before there were checksums have none and are taken as they are.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise Damaged(f"{path} is damaged: it is not whole JSON") from None
    if not isinstance(found, dict) or found.pop("checksum", None) not in (None, _checksum(found)):
        raise Damaged(f"{path} is damaged: its checksum does not match")
    return found


def _checksum(value: Mapping[str, Any]) -> str:
    """Over the canonical JSON: what reading and writing again leaves as it is."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
