"""Attempts at a trial as an object store holds them: the names of their files, their order, which of them counts."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from orchestrator.object_store.s3 import Object

RECORD = "record.json"
CHECKPOINTS = ("checkpoint-previous.pt", "checkpoint.pt")
GENERATORS = ("generator.pt", "generator-best.pt")
PUSHED_LAST = (*CHECKPOINTS, "history.jsonl", RECORD)
"""What is pushed after everything else, in this order. The previous checkpoint is copied from the newest one's object
before that is overwritten."""
FILE_NAMES = ("config.json", "real.png", *GENERATORS, *PUSHED_LAST)
SAMPLE_NAME = re.compile(r"samples/step-\d{6,}\.png")
ATTEMPT_NAME = re.compile(r"\d{6}-[0-9a-f]{8}")

Attempts = dict[str, dict[str, Object]]
"""Name of the attempt -> the trial's files that it holds, by their names."""


class Superseded(RuntimeError):
    """Another attempt goes on with this trial."""


def is_trial_file(name: str) -> bool:
    """Whether a trial has a file of this name. Objects with other names are never written to disk."""
    return name in FILE_NAMES or bool(SAMPLE_NAME.fullmatch(name))


def object_prefix(folder: Path) -> str:
    """sweeps/<sweep>/trials/<key>: the prefix of a trial, by its folder in a home."""
    return "/".join(folder.parts[-4:])


def trial_files(folder: Path) -> list[str]:
    """The names of the files in a trial's folder that are pushed."""
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    return [name for name in names if is_trial_file(name)]


def in_push_order(names: Iterable[str]) -> list[str]:
    """The names in the order in which they have to be pushed."""
    return sorted(names, key=lambda name: (PUSHED_LAST.index(name) if name in PUSHED_LAST else -1, name))


def group_by_attempt(objects: dict[str, Object]) -> Attempts:
    """`objects`: by their names below a trial's prefix."""
    attempts: Attempts = {}
    for path, stored in objects.items():
        attempt, _, name = path.partition("/")
        if ATTEMPT_NAME.fullmatch(attempt) and is_trial_file(name):
            attempts.setdefault(attempt, {})[name] = stored
    return attempts


def newest_attempt(attempts: Attempts) -> str | None:
    """The last attempt that has a record. A later one without a record has not pushed everything yet."""
    return max((attempt for attempt, files in attempts.items() if RECORD in files), default=None)


def next_attempt(names: Iterable[str]) -> str:
    """A name that sorts after all others, and that no other worker takes."""
    last = max((int(name[:6]) for name in names if ATTEMPT_NAME.fullmatch(name)), default=0)
    return f"{last + 1:06d}-{secrets.token_hex(4)}"
