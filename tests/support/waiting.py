"""Waiting for something to happen, however slow the machine is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any


def wait_until(
    condition: Callable[[], Any],
    description: str,
    seconds: float = 300,
    process: subprocess.Popen[Any] | None = None,
) -> Any:
    """The first true value of `condition`, which `description` names.

    Fails if that takes more than `seconds`, or if `process` ends first. It sleeps four times as long as asking took, up
    to a quarter of a second: some conditions start a program or look at every process, beside what is waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if value := condition():
            return value
        assert process is None or process.poll() is None, f"the command ended before this was seen: {description}"
        assert time.monotonic() < deadline, f"not seen within {seconds:.0f} s: {description}"
        time.sleep(min(max(0.05, 4 * (time.monotonic() - began)), 0.25))
