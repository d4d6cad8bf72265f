"""A run as another tool has logged it: the plain data that every reader returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.errors import UserError, did_you_mean

MAX_NAMED = 5
MAX_KNOWN = 20
"""Names that could be mapped, of which the right one is to be found."""
"""Names that a message lists."""


class Point(NamedTuple):
    """One value of a metric. position: in the source's own unit of steps. value: may be NaN or infinite. time_ms: since
    1970; None if the source does not tell.
    """

    position: float
    value: float
    time_ms: int | None = None


Series = dict[str, list[Point]]
"""Name of a metric in the source -> its points, as they were logged: they need not be sorted."""


@dataclass(frozen=True)
class SourceRun:
    """One run, under the names that its source uses.

    settings: name -> value, which may be a text. series: only of metrics with numbers. evaluator: what measured its
    quality, where the format itself says so.
    """

    name: str
    settings: dict[str, Any]
    series: Series
    evaluator: str = ""


@dataclass(frozen=True)
class SourceLog:
    """What a reader has found. names: all that could be mapped. title: the source in words, such as its file.

    cautions: what somebody who reads the report has to know of these logs.
    """

    title: str
    runs: list[SourceRun]
    names: list[str]
    cautions: list[str] = field(default_factory=list)


def named(names: Iterable[str], most: int = MAX_NAMED) -> str:
    """`a, b, c and 2 more`."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def no_such_name(where: str, name: str, known: Sequence[str], path: str) -> str:
    """`no run has 'lr', did you mean learning_rate?` path: of the key in the mapping file. where: `no run has`."""
    alike = [each for each in known if each.lower().endswith(name.lower())]  # FID, eval/fid
    meant = f", did you mean {alike[0]}?" if len(alike) == 1 else did_you_mean(name, list(known))
    hint = (meant or f"; there is {named(known, MAX_KNOWN)}") if known else ""
    numbered = "; if nothing says it, write `without_seeds: true` in place of `seed:`" if path == "seed" else ""
    return f"{where} {name!r}{hint}{numbered}"


def folder_of(path: Path, what: str) -> Path:
    """The folder, if it is one. what: should be in it. Raises UserError."""
    if not path.is_dir():
        state = "is a file" if path.exists() else "does not exist"
        raise UserError(f"{path} {state}; give the folder of {what}")
    return path
