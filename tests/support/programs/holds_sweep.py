"""Holds a sweep (`holds_sweep.py HOME NAME`) or a part (`... NUMBER`) until its input ends or it is interrupted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from orchestrator.store.json_files import write_json
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold, this_command


@contextmanager
def hold_part(folder: SweepFolder, number: int) -> Iterator[None]:
    with FileLock(folder.part_lock(number)):
        write_json(folder.part_holder_file(number), asdict(this_command()))
        yield


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background begins with it ignored
    home, name, *part = sys.argv[1:]
    folder = SweepFolder(Path(home), name)
    try:
        with hold_part(folder, int(part[0])) if part else hold(folder):
            print("held", flush=True)
            sys.stdin.read()
    except KeyboardInterrupt:
        print("interrupted", flush=True)


if __name__ == "__main__":
    main()
