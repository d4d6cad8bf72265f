"""What Ray does that nothing here needs and that no setting keeps out (ray 2.60): replaced by nothing.

Where another Ray has no such place, it does what it likes, which costs time and no more.
"""

from __future__ import annotations

import os

SERVICES = ("start_api_server", "start_monitor", "start_log_monitor")
"""Methods of Ray's node: they start the dashboard's process, the autoscaler's monitor and the log monitor."""


def leave_out_services() -> None:
    """Let a Ray that starts in this process have neither these services nor the dashboard's part of the node's agent.

    The agent itself stays, because the raylet ends without it. It is started as in a Ray without `ray[default]`.
    """
    from ray._private import utils
    from ray._private.node import Node

    for name in SERVICES:
        if hasattr(Node, name):
            setattr(Node, name, _start_nothing)
    utils.get_dashboard_dependency_error = lambda: ImportError("nothing here asks the dashboard")


def _start_nothing(node: object, **options: object) -> None:
    return


def leave_out_usage_tags() -> None:
    """Keep Tune from importing the callbacks of MLflow, Comet and wandb to see, for its statistics, which of them it has.

    It does so with statistics switched off, too, and where wandb is installed its import takes seconds.
    """
    if os.environ.get("RAY_USAGE_STATS_ENABLED") == "0":
        from ray.air._internal import usage

        usage.tag_callbacks = lambda callbacks: False


def leave_out_events() -> None:
    """Keep Ray from printing what happens to nodes and workers into our output, which `log_to_driver` does not.

    This is how Ray's own debugger does it.
    """
    from ray._private import worker

    worker._worker_logs_enabled = False
