"""Worker processes that start after a local Ray and import what trials need, while the command prepares the rest.

Ray gives an actor a process that waits, if none has run a task in it and it has the environment that the actor asks
for (`WorkerPool::WorkerFitForLease`, ray 2.60). Its node starts them when it is asked to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from orchestrator.cluster.left_out import replaced

PRELOAD = "RAY_preload_python_modules"
TUNES_OWN = {"PL_DISABLE_FORK": "1"}
"""Environment variables that Tune gives its workers, each in an environment of its own."""
MAX_IDLE_SECONDS = 3600
"""Ray would end processes that have waited for a second as soon as Tune has reserved the processors for its actors."""
SECONDS_TO_ANSWER = 10


@dataclass(frozen=True)
class WarmWorkers:
    """count: how many processes start after Ray. module: what these import, and those that start later."""

    count: int = 0
    module: str = ""

    @contextmanager
    def environment(self) -> Iterator[None]:
        """A Ray that starts in this context gives its workers the module, and Tune's variables."""
        own = {PRELOAD: self.module, **TUNES_OWN}
        before = {name: os.environ.get(name) for name in own}
        os.environ |= own
        try:
            yield
        finally:  # another Ray of this process, in a notebook, shall not import what is ours
            for name, value in before.items():
                os.environ.pop(name)
                os.environ |= {} if value is None else {name: value}

    def start(self) -> None:
        """Ask the node of this process's Ray to start them, and return before they have."""
        if self.count:
            with suppress(Exception):  # of another Ray, or of a node that is busy: they start when Tune asks for them
                _ask_node(self.count)


def _ask_node(count: int) -> None:
    import ray
    from ray._private.grpc_utils import init_grpc_channel
    from ray.core.generated.common_pb2 import Language
    from ray.core.generated.node_manager_pb2 import PrestartWorkersRequest
    from ray.core.generated.node_manager_pb2_grpc import NodeManagerServiceStub

    (node,) = ray.nodes()
    channel = init_grpc_channel(f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}")
    request = PrestartWorkersRequest(
        language=Language.PYTHON,
        job_id=bytes.fromhex(ray.get_runtime_context().get_job_id()),
        keep_alive_duration_secs=MAX_IDLE_SECONDS,
        num_workers=count,
    )
    NodeManagerServiceStub(channel).PrestartWorkers(request, timeout=SECONDS_TO_ANSWER)
    channel.close()


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
