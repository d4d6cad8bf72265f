"""Errors that the user reads: one clear line each, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

MAX_PATH_LENGTH = 200
"""Characters of a path that a message shows: a longer one is a mistake, not a path that somebody meant."""


class _ReadableError(Exception):
    def __str__(self) -> str:
        return "\n".join(map(escape_control_characters, super().__str__().split("\n")))


class UserError(_ReadableError):
    """The request is wrong, and nothing was started. The user reads the message as it is. Exit code 2."""


def cannot_be_written(folder: Path, error: OSError) -> UserError:
    """For a folder of the home that cannot be written: it may be another user's, or its disk be full."""
    return UserError(f"{folder} cannot be written ({error.strerror}); choose another --home")


class ServiceError(_ReadableError):
    """The request is right, but what the command needs did not start. The same command may succeed. Exit code 1."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a sweep file or an option.

    source: file and line, or the option. path: dotted path of the setting. message: what is wrong and what would be
    right.
    """

    source: str
    path: str
    message: str

    def __str__(self) -> str:
        path = self.path if len(self.path) <= MAX_PATH_LENGTH else f"{self.path[: MAX_PATH_LENGTH - 3]}..."
        if self.source.endswith(self.path):  # `--set trial.steps` names the setting already
            path = ""
        line = ": ".join(part for part in (self.source, path, self.message) if part)
        return escape_control_characters(line)


class SpecError(UserError):
    """All mistakes in a sweep file at once."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


def escape_control_characters(line: str) -> str:
    """The line with control characters written as escapes, so that text from a file cannot control the terminal."""
    return line if line.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def did_you_mean(name: str, known: list[str]) -> str:
    """', did you mean X?' for the known name most similar to `name`, or the empty string if none is similar."""
    if len(name) > MAX_PATH_LENGTH:  # the time of a comparison grows with the product of both lengths
        return ""

    def similarity(path: str) -> tuple[float, float]:
        whole = SequenceMatcher(None, name, path).ratio()
        last_part = SequenceMatcher(None, name.rsplit(".", 1)[-1], path.rsplit(".", 1)[-1]).ratio()
        return max(whole, last_part), whole

    best = max(known, key=similarity)
    return f", did you mean {best}?" if similarity(best)[0] > 0.6 else ""


def short_repr(value: object) -> str:
    """`repr(value)`, cut to 60 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
