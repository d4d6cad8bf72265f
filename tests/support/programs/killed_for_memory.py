"""Joins the control group of the folder argv[1], and starts a process that takes argv[2] bytes, which is too much.

Prints the number of kills for memory before, the exit code of the process, and the number of kills after it.
"""

from __future__ import annotations

import sys
from multiprocessing import get_context
from pathlib import Path

from gan_core.memory import kills_for_memory
from support.limited_memory import join


def take(size: int) -> None:
    """Writes to each page."""
    bytearray(size).replace(bytes(1), bytes(1))


def main() -> None:
    join(Path(sys.argv[1]))
    before = kills_for_memory()
    process = get_context("fork").Process(target=take, args=(int(sys.argv[2]),))
    process.start()
    process.join()
    print(before, process.exitcode, kills_for_memory())


if __name__ == "__main__":
    main()
