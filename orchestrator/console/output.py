"""What every command prints with: the console, a line of text, JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console


def make_console() -> Console:
    """Standard output; 200 columns wide in a file or a pipe, so that no table is cut off in a log.

    Names come from files: nothing in them that looks like rich's markup or like the name of an emoji is replaced.
    """
    return Console(width=None if sys.stdout.isatty() else 200, markup=False, emoji=False)


def say(console: Console, text: str, *, word_wrap: bool = False) -> None:
    """Print a message as it is, without rich's colours and markup.

    A long line is not broken, so that a command in it can be copied; `word_wrap` breaks it between words instead.
    """
    console.print(text, highlight=False, markup=False, soft_wrap=not word_wrap)


def print_json(value: Any) -> None:
    """Print a value for programs (`--json`)."""
    print(json.dumps(value, indent=1))
