"""A user's mistake: one clear line each, exit code 2, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass


class UserError(Exception):
    """The request is wrong; nothing was started. The message is what the user reads."""


@dataclass(frozen=True)
class Problem:
    """What is wrong (`message`, which says what would be right), and where: `source` is a file's line or an option."""

    source: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.message) if part)


class SpecError(UserError):
    """Everything that is wrong with a sweep file, at once."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


def nearest(name: str, known: list[str]) -> str:
    """', did you mean X?' for the known name closest to `name`, else the empty string."""
    import difflib

    same_leaf = [path for path in known if path.rsplit(".", 1)[-1] == name.rsplit(".", 1)[-1]]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6) or same_leaf
    if not close:
        leaves = {path.rsplit(".", 1)[-1]: path for path in known}
        found = difflib.get_close_matches(name.rsplit(".", 1)[-1], list(leaves), n=1, cutoff=0.6)
        close = [leaves[leaf] for leaf in found]
    return f", did you mean {close[0]}?" if close else ""
