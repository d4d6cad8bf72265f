"""A sweep that prints without a pause while it trains, until it is asked to stop. Exits with 130 then.

What it prints fills a pipe that is not read any more, so that a signal comes in the middle of a print.
"""

from __future__ import annotations

import os

from orchestrator import signals
from orchestrator.commands.sweep import _stop_for_user
from orchestrator.console.closed_output import watch_output
from orchestrator.console.output import make_console
from orchestrator.console.progress import make_display


def main() -> None:
    watch_output()
    signals.exit_on_signals()
    stop = signals.StopRequest()
    with (
        make_display(make_console(), quiet=False) as display,
        signals.handle_stop_signal_with(lambda: _stop_for_user(stop, display)),
    ):
        while not stop.is_requested:
            display.note("training")
    signals.flush_output()
    os._exit(signals.INTERRUPTED)  # as commands end: their threads may be in a print still


if __name__ == "__main__":
    main()
