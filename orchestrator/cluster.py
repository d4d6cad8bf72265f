"""Where the trials run: a Ray of our own on this machine, or a cluster that is already there.

Ray reads its environment when it is imported, so this module imports it late, after `Cluster` has prepared it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from orchestrator.errors import UserError, first_line

LEAST_OBJECT_STORE = 100 * 1024**2
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",  # Tune's own state is never restored
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # the sweep has its own, which also takes SIGTERM
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ROTATION_MAX_BYTES": str(10 * 1000**2),  # else each of its logs may grow to 512 MB, five times over
    "RAY_ROTATION_BACKUP_COUNT": "1",
}


def slots(cpus: int, gpus: float, gpu_share: float) -> int:
    """How many trials run at once: one a processor, as far as the GPUs go where there are any."""
    return min(cpus, int(gpus / gpu_share)) if gpus else cpus


def object_store_bytes(data_bytes: int) -> int:
    """What Ray's object store needs for data sets of this size."""
    return LEAST_OBJECT_STORE + int(1.1 * data_bytes)


def has_token() -> bool:
    """Whether Ray finds a token for clusters that ask for one, in its environment or at its own place."""
    named = any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or (Path.home() / ".ray" / "auth_token").is_file()


class Cluster:
    """A Ray to run on: one of our own on this machine, or the one at `address`. A context manager.

    `data_bytes`: the size of the data sets, which lie once on each node, in Ray's object store.
    """

    def __init__(self, address: str | None, workers: int, scratch: Path, data_bytes: int):
        self.address, self.workers, self.scratch = address, workers, scratch
        self.object_store = object_store_bytes(data_bytes)
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        if address is None:
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
            os.environ.pop("RAY_ADDRESS", None)
        elif has_token():  # `ray start` uses it then, and without this `ray.init` does not
            os.environ.setdefault("RAY_AUTH_MODE", "token")

    def __enter__(self) -> Cluster:
        import ray

        self.ray = ray
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
        if self.address is None:
            ray.init(
                num_cpus=self.workers,
                include_dashboard=False,
                object_store_memory=self.object_store,
                _temp_dir=str(self.scratch),
                **quiet,
            )
        else:
            try:
                ray.init(address=self.address, **quiet)
            except Exception as error:
                raise UserError(
                    f"no Ray cluster at {self.address} ({first_line(error)}); check `ray status` there"
                ) from None
        return self

    def __exit__(self, *exception: object) -> None:
        self.ray.shutdown()

    def gpus(self) -> float:
        return float(self.ray.cluster_resources().get("GPU", 0))

    def slots(self, gpu_share: float) -> int:
        """How many trials run at once."""
        return slots(int(self.ray.cluster_resources().get("CPU", 1)), self.gpus(), gpu_share)
