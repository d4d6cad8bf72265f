"""Holds a sweep (`holds_sweep.py HOME NAME`) until its input ends or it is interrupted."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background begins with it ignored
    home, name = sys.argv[1:]
    try:
        with hold(SweepFolder(Path(home), name)):
            print("held", flush=True)
            sys.stdin.read()
    except KeyboardInterrupt:
        print("interrupted", flush=True)


if __name__ == "__main__":
    main()
