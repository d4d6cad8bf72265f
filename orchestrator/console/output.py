"""The console that commands write to."""

from __future__ import annotations

import sys

from rich.console import Console


def make_console() -> Console:
    """Standard output; wide where nobody looks at it, so that no table is cut off in a log.

    Names come from files: nothing that looks like rich's markup or an emoji's name is taken for one.
    """
    return Console(width=None if sys.stdout.isatty() else 200, markup=False, emoji=False)
