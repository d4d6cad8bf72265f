"""A command that has started a child and waits for a signal.

`leaves_on_signals.py BOUND [stuck]`: the way out takes at most BOUND seconds; `stuck`: a lock is in the way.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from orchestrator import shutdown_budgets, signals


def main() -> None:
    bound, *stuck = sys.argv[1:]
    shutdown_budgets.SHUTDOWN_LIMIT = float(bound)
    signals.exit_on_signals()
    child = subprocess.Popen(["sleep", "1000"])
    try:
        print(child.pid, flush=True)
        time.sleep(1000)
    finally:
        print("in order", flush=True)
        if stuck:
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        signals.kill_children()


if __name__ == "__main__":
    main()
