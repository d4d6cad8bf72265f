"""Worker processes that start with a local Ray and import what trials need, while the command prepares the rest.

Ray gives an actor a process that waits, if none has run a task in it and it has the environment that the actor asks
for (`WorkerPool::WorkerFitForLease`, ray 2.60). It has no setting for how many processes start with a node: there are
as many as it has CPUs, however few trials there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from orchestrator.cluster.left_out import replaced

PRESTART, PRELOAD = "RAY_prestart_worker_first_driver", "RAY_preload_python_modules"
MAX_IDLE = "RAY_idle_worker_killing_time_threshold_ms"
TUNES_OWN = {"PL_DISABLE_FORK": "1"}
"""Environment variables that Tune gives its workers, each in an environment of its own."""
MAX_IDLE_SECONDS = 3600
"""Ray would end processes that have waited for a second as soon as Tune has reserved the processors for its actors."""


@dataclass(frozen=True)
class WarmWorkers:
    """count: how many processes start with Ray. module: what these import, and those that start later."""

    count: int = 0
    module: str = ""

    def _environment(self) -> dict[str, str]:
        return {
            PRESTART: "1" if self.count else "0",
            PRELOAD: self.module,
            MAX_IDLE: str(MAX_IDLE_SECONDS * 1000),
            **TUNES_OWN,
        }

    @contextmanager
    def starting(self) -> Iterator[None]:
        """A Ray that starts in this context starts `count` processes, and `ray.init` waits until Ray knows them."""
        from ray._private import ray_constants, services

        before = {name: os.environ.get(name) for name in self._environment()}
        start_process = services.start_ray_process

        def start(command: list[str], process_type: str, *arguments: Any, **named: Any) -> Any:
            if process_type == ray_constants.PROCESS_TYPE_RAYLET:
                command = [*command, f"--num_prestart_python_workers={self.count}"]  # the last one counts
            return start_process(command, process_type, *arguments, **named)

        os.environ |= self._environment()
        try:
            with patch.object(services, "start_ray_process", start):
                yield
        finally:  # another Ray of this process, in a notebook, shall not import what is ours
            for name, value in before.items():
                os.environ.pop(name)
                os.environ |= {} if value is None else {name: value}


NO_WARM_WORKERS = WarmWorkers()


@contextmanager
def actors_in_them() -> Iterator[None]:
    """In this context Tune's actors ask for no environment of their own, so they get processes that wait.

    A local Ray's workers have the variables that Tune would set from the environment that Ray was started in.
    """
    places = {
        "ray.tune.execution.class_cache.DEFAULT_ENV_VARS": {},
        "ray.tune.execution.class_cache.ENV_VARS_TO_PROPAGATE": frozenset[str](),
    }
    with replaced(places):
        yield
