"""A user's mistake: one clear line each, exit code 2, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_PATH = 200
"""Characters of a path that a line shows: whatever is longer is no path that anybody meant."""


class UserError(Exception):
    """The request is wrong; nothing was started. The message is what the user reads."""

    def __str__(self) -> str:
        return "\n".join(map(printable, super().__str__().split("\n")))


@dataclass(frozen=True)
class Problem:
    """What is wrong (`message`, which says what would be right), and where: `source` is a file's line or an option."""

    source: str
    path: str
    message: str

    def __str__(self) -> str:
        path = self.path if len(self.path) <= LONGEST_PATH else f"{self.path[: LONGEST_PATH - 3]}..."
        line = ": ".join(part for part in (self.source, path, self.message) if part)
        return printable(line)


class SpecError(UserError):
    """Everything that is wrong with a sweep file, at once."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


def printable(line: str) -> str:
    """The line with control characters written out: a file or a server must not steer the terminal."""
    return line if line.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def nearest(name: str, known: list[str]) -> str:
    """', did you mean X?' for the known name closest to `name`, else the empty string."""
    from difflib import SequenceMatcher

    if len(name) > LONGEST_PATH:  # comparing takes the product of the lengths
        return ""

    def likeness(path: str) -> tuple[float, float]:
        whole = SequenceMatcher(None, name, path).ratio()
        leaf = SequenceMatcher(None, name.rsplit(".", 1)[-1], path.rsplit(".", 1)[-1]).ratio()
        return max(whole, leaf), whole

    best = max(known, key=likeness)
    return f", did you mean {best}?" if likeness(best)[0] > 0.6 else ""


def shown(value: object) -> str:
    """`repr`, cut where a line would become too long to read."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
