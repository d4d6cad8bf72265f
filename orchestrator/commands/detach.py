"""`orchestrate sweep --detach` on this machine: the sweep goes on without a terminal."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from orchestrator.command_hints import orchestrate_command
from orchestrator.console.output import say
from orchestrator.errors import cannot_be_written
from orchestrator.signals import FINISHED, Interrupted
from orchestrator.store.sweep_folder import SweepFolder, make_home
from orchestrator.store.sweep_lock import is_held, read_holder, refuse_if_held
from orchestrator.sweepfile import loader

SECONDS_BETWEEN_LOOKS = 0.2


def start_detached(file: Path, overrides: list[str], home: Path, words: list[str], console: Console) -> int:
    """Start `orchestrate WORDS` in a session of its own, and return as soon as it holds the sweep's lock.

    `words`: of the command, without `--detach`. What it prints goes to `output.log` in the sweep's folder. If it ends
    before it holds the lock, that is shown here, and its exit code is returned. Raises UserError.
    """
    folder = SweepFolder(home, loader.load(file, overrides).name)
    refuse_if_held(folder)
    make_home(home)
    try:
        folder.folder.mkdir(parents=True, exist_ok=True)
        folder.output_file.touch()
    except OSError as error:
        raise cannot_be_written(folder.folder, error) from None
    with open(folder.output_file, "a+", encoding="utf-8", errors="replace") as log:
        begin = log.seek(0, 2)
        sweep = subprocess.Popen(
            [sys.executable, "-P", "-m", "orchestrator", *words],  # -P: modules in the current folder are not imported
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            while sweep.poll() is None and not _holds_lock(sweep.pid, folder):
                time.sleep(SECONDS_BETWEEN_LOOKS)
        except KeyboardInterrupt:
            sweep.terminate()
            sweep.wait()
            raise Interrupted from None
        if sweep.returncode is not None:
            log.seek(begin)
            say(console, log.read().rstrip())
            return sweep.returncode
    say(console, f"process {sweep.pid} trains {folder.name}, also when this terminal is closed")
    say(console, f"  its output   {folder.output_file}")
    for command in ("status", "stop"):
        say(console, f"  {command:<13}{orchestrate_command(f'{command} {folder.name}', home)}")
    return FINISHED


def _holds_lock(process: int, folder: SweepFolder) -> bool:
    holder = read_holder(folder)
    return holder is not None and holder.process == process and is_held(folder.lock_file)
