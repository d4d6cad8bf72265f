"""A local Ray on a machine that is busy or slow: its node may take longer to start than Ray allows.

Ray waits 30 s for the node that it has started, and then gives up (`Node.__init__`, ray 2.60). No setting changes that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

MAX_SECONDS = 180.0
"""Six times what Ray allows."""
SECONDS_BETWEEN_TRIES = 0.5


@contextmanager
def wait_for_node(is_alive: Callable[[], bool]) -> Iterator[None]:
    """Meanwhile, Ray waits for its node for MAX_SECONDS, as long as `is_alive` says that it may still come."""
    from ray._private import services

    ask = services.get_node
    deadline = time.monotonic() + MAX_SECONDS

    def ask_patiently(*arguments: Any) -> Any:
        while True:
            try:
                return ask(*arguments)
            except RuntimeError:  # the node is not known yet
                if time.monotonic() > deadline or not is_alive():
                    raise
            time.sleep(SECONDS_BETWEEN_TRIES)

    services.get_node = ask_patiently
    try:
        yield
    finally:
        services.get_node = ask
