"""The console script. Loading the command line takes a moment; Ctrl-C in that moment ends in one line, too."""

from __future__ import annotations

import os
import sys

from orchestrator.signals import INTERRUPTED


def main() -> None:
    # Of numpy and scipy, which are not loaded yet. Our matrices are small, and every core trains already: two threads
    # that wait for each other in loops took more than 50 s of two busy cores for a map of 128 runs, one takes 2 s
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from orchestrator.cli import app
    except KeyboardInterrupt:
        print("interrupted; nothing was started", file=sys.stderr)
        sys.exit(INTERRUPTED)
    app.main()


if __name__ == "__main__":
    main()
