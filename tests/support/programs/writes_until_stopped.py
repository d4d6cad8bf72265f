"""A command that prints a line ten times a second until a signal ends it, and then saves.

`writes_until_stopped.py FILE`: what is saved there is how many lines it printed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from orchestrator import signals
from orchestrator.console.closed_output import watch_output


def main() -> None:
    watch_output()
    signals.exit_on_signals()
    lines = 0
    try:
        while True:
            lines += 1
            print("line", lines, flush=True)
            time.sleep(0.1)
    finally:
        Path(sys.argv[1]).write_text(str(lines))


if __name__ == "__main__":
    main()
