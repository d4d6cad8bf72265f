"""The console script. Loading the command line takes a moment; Ctrl-C in that moment ends in one line, too."""

from __future__ import annotations

import gc
import os
import sys

from orchestrator.signals import INTERRUPTED

OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""More new objects than Python's 700 before it looks for unreachable cycles. Modules and plans live until the end, so
it would find none in them: a seventh of the time of `plan`, a tenth of an import of MLflow. mypy does the same
(`gc.set_threshold` in mypy/build.py)."""


def main() -> None:
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
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
