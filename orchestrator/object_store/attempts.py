"""Attempts at a trial, as an object store holds them: names, order, which one counts."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from orchestrator.object_store.s3 import Object

RECORD = "record.json"


CHECKPOINTS = ("checkpoint-previous.pt", "checkpoint.pt")


GENERATORS = ("generator.pt", "generator-best.pt")


IN_ORDER = (*CHECKPOINTS, "history.jsonl", RECORD)
"""What is pushed last, in this order; the previous checkpoint is copied from the place of the newest."""


FILES = ("config.json", "real.png", *GENERATORS, *IN_ORDER)


PICTURE = re.compile(r"samples/step-\d{6,}\.png")


ATTEMPT = re.compile(r"\d{6}-[0-9a-f]{8}")


class Superseded(RuntimeError):
    """Another attempt goes on with this trial."""


def is_ours(name: str) -> bool:
    """Whether a trial has a file of this name: nothing else is written where an object's name says."""
    return name in FILES or bool(PICTURE.fullmatch(name))


def object_prefix(folder: Path) -> str:
    """sweeps/<sweep>/trials/<key>: the prefix of a trial's folder in a home."""
    return "/".join(folder.parts[-4:])


def files_of(folder: Path) -> list[str]:
    """The names of a trial's files that are shipped."""
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    return [name for name in names if is_ours(name)]


def in_order(names: Iterable[str]) -> list[str]:
    """As they have to be pushed."""
    return sorted(names, key=lambda name: (IN_ORDER.index(name) if name in IN_ORDER else -1, name))


Attempts = dict[str, dict[str, Object]]
"""attempt -> the trial's files that it holds."""


def by_attempt(objects: dict[str, Object]) -> Attempts:
    """`objects`: by their names below a trial's prefix."""
    found: Attempts = {}
    for path, one in objects.items():
        attempt, _, name = path.partition("/")
        if ATTEMPT.fullmatch(attempt) and is_ours(name):
            found.setdefault(attempt, {})[name] = one
    return found


def newest(attempts: Attempts) -> str | None:
    """The last one with a record: what comes after it is half-made."""
    return max((attempt for attempt, files in attempts.items() if RECORD in files), default=None)


def next_attempt(names: Iterable[str]) -> str:
    """A name that stands after all others, and that nobody else takes."""
    last = max((int(name[:6]) for name in names if ATTEMPT.fullmatch(name)), default=0)
    return f"{last + 1:06d}-{secrets.token_hex(4)}"
