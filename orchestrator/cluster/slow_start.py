"""A local Ray on a machine that is busy or slow: its node may take longer to start than Ray allows.

Ray waits 30 s for the node that it has started (`Node.__init__`), and the node 15 s for the files in which its agents
name their ports (`WaitForPersistedPort`, ray 2.60). No setting changes either.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

MAX_SECONDS = 180.0
"""Six times what Ray allows."""
SECONDS_BETWEEN_TRIES = 0.5
LISTEN_PORT = "dashboard_agent_listen_port"
AGENT_PORTS = ("metrics_agent_port", "metrics_export_port", "runtime_env_agent_port", LISTEN_PORT)
"""Arguments of Ray's `start_raylet`. Without them each agent chooses its port, and the node waits for that."""


@contextmanager
def wait_for_node(is_alive: Callable[[], bool]) -> Iterator[None]:
    """Meanwhile, Ray waits for its node for MAX_SECONDS, as long as `is_alive` says that it may still come."""
    from ray._private import services

    get_node, start_raylet, start_process = services.get_node, services.start_raylet, services.start_ray_process

    def ask_patiently(*arguments: Any) -> Any:
        deadline = time.monotonic() + MAX_SECONDS
        while True:
            try:
                return get_node(*arguments)
            except RuntimeError:  # the node is not known yet
                if time.monotonic() > deadline or not is_alive():
                    raise
            time.sleep(SECONDS_BETWEEN_TRIES)

    def start_with_ports(*arguments: Any, **named: Any) -> Any:
        ports = dict(zip(AGENT_PORTS, free_ports(len(AGENT_PORTS)), strict=True))

        def start_with_port(command: list[str], *rest: Any, **more: Any) -> Any:
            return start_process([*command, f"--{LISTEN_PORT}={ports[LISTEN_PORT]}"], *rest, **more)

        with patch.object(services, "start_ray_process", start_with_port):  # Ray tells its agent alone
            return start_raylet(*arguments, **named | ports)

    with patch.object(services, "get_node", ask_patiently), patch.object(services, "start_raylet", start_with_ports):
        yield


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
