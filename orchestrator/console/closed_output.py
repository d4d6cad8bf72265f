"""Output that nobody reads any more: the terminal was closed, or the program behind a pipe has ended (`| head -1`).

Python would raise an error at the next `print`, in the middle of whatever the command does. Instead the command gets
the signal of a closed terminal, once, and goes on writing into nothing: a sweep saves its trials and leaves, or goes on
under `nohup`. Commands that only show something end at once, as other programs do.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _WatchedFile(io.FileIO):
    """A file descriptor that becomes /dev/null when its reader is gone."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):  # a pipe's, a terminal's
                raise
            if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
                os._exit(128 + signal.SIGPIPE)  # this command has nothing to save
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
            os.kill(os.getpid(), signal.SIGHUP)
            return super().write(data)


def watch_output() -> None:
    """From now on a reader of stdout or stderr that goes away is a SIGHUP to this process, not an error in it."""
    sys.stdout, sys.stderr = _watched(sys.stdout), _watched(sys.stderr)


def _watched(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):  # None without a console, or a buffer of a test
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_WatchedFile(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
