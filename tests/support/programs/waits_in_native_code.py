"""Waits in C code that a signal does not interrupt, and prints when that begins. argv[1]: the limit of its end, in s."""

from __future__ import annotations

import ctypes
import sys

from orchestrator import shutdown_budgets, signals


def main() -> None:
    shutdown_budgets.SHUTDOWN_LIMIT = float(sys.argv[1])
    signals.exit_on_signals()
    mutex, lock = ctypes.create_string_buffer(64), ctypes.CDLL(None).pthread_mutex_lock
    lock(mutex)
    with signals.bounded_in_native_code():
        print("waits", flush=True)
        lock(mutex)  # for ever


if __name__ == "__main__":
    main()
