"""The console script. Loading the command line takes a moment; Ctrl-C in that moment ends in one line, too."""

from __future__ import annotations

import sys

from orchestrator.signals import INTERRUPTED


def main() -> None:
    try:
        from orchestrator.cli import app
    except KeyboardInterrupt:
        print("interrupted; nothing was started", file=sys.stderr)
        sys.exit(INTERRUPTED)
    app.main()


if __name__ == "__main__":
    main()
