"""What Ray does that nothing here needs and that no setting keeps out (ray 2.60): replaced by nothing for a while.

Where another Ray has no such place, it does what it likes, which costs time and no more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from unittest.mock import patch

SERVICES = ("start_api_server", "start_monitor", "start_log_monitor")
"""Methods of Ray's node: they start the dashboard's process, the autoscaler's monitor and the log monitor."""


@contextmanager
def without_services() -> Iterator[None]:
    """A Ray that starts in this context has neither these services nor the dashboard's part of the node's agent.

    The agent itself stays, because the raylet ends without it. It is started as in a Ray without `ray[default]`.
    """
    places: dict[str, Callable[..., object]] = {f"ray._private.node.Node.{name}": _start_nothing for name in SERVICES}
    with replaced(places | {"ray._private.utils.get_dashboard_dependency_error": _no_dashboard}):
        yield


def _start_nothing(node: object, **options: object) -> None:
    return


def _no_dashboard() -> ImportError:
    return ImportError("nothing here asks the dashboard")


@contextmanager
def without_tunes_own_records() -> Iterator[None]:
    """In this context Tune does not write down its trials, which it does to restore them and nobody lets it do.

    Nor does it import the callbacks of MLflow, Comet and wandb to count them for its statistics. It does so with
    statistics switched off, too, and where wandb is installed its import takes seconds.
    """
    places: dict[str, Callable[..., object]] = {
        "ray.tune.execution.tune_controller.TuneController._mark_trial_to_checkpoint": _write_nothing
    }
    if os.environ.get("RAY_USAGE_STATS_ENABLED") == "0":
        places["ray.air._internal.usage.tag_callbacks"] = _count_nothing
    with replaced(places):
        yield


def _write_nothing(controller: object, trial: object) -> None:
    return


def _count_nothing(callbacks: object) -> bool:
    return False


@contextmanager
def replaced(places: Mapping[str, object]) -> Iterator[None]:
    """Ray's functions and constants, by their full names, are these in this context. What it lacks is passed over."""
    with ExitStack() as stack:
        for place, own in places.items():
            with suppress(ImportError, AttributeError):
                stack.enter_context(patch(place, own))
        yield


def leave_out_events() -> None:
    """Keep Ray from printing what happens to nodes and workers into our output, which `log_to_driver` does not.

    This is how Ray's own debugger does it.
    """
    from ray._private import worker

    worker._worker_logs_enabled = False
