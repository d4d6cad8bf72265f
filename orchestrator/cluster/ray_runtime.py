"""Where the trials run: a Ray of our own on this machine, or a cluster that is already there.

Ray reads its environment when it is imported, so this module imports it late, after `Cluster` has prepared it.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import psutil

from gan_core.error_text import first_line
from orchestrator.errors import UserError
from orchestrator.periodic import PeriodicThread
from orchestrator.signals import SIGNALS, kill_children

MIN_OBJECT_STORE = 100 * 1024**2
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
SILENT: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
ALONE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_prestart_worker_first_driver": "0",
}
"""A Ray of our own: the first makes it listen on loopback alone, on every system. The last starts no workers before
they are asked for: Tune's have an environment of their own, so those would stay idle (0.5 s of CPU and 84 MB each)."""
Device = Literal["auto", "cpu", "gpu", "any"]
VITAL = ("gcs_server", "raylet")
"""Ray's processes without which nothing goes on. Its own client notices that of the first after a minute."""
SECONDS_BETWEEN_LOOKS = 0.5
LAST_LINES = 60


def slots(cpus: int, gpus: float, gpu_share: float) -> int:
    """How many trials run at once: one a processor, as far as the GPUs go where there are any."""
    return min(cpus, int(gpus * trials_per_gpu(gpu_share))) if gpus else cpus


def trials_per_gpu(gpu_share: float) -> int:
    """How many trials share one GPU: no trial spans two."""
    return int(1 / gpu_share + 1e-9)


def object_store_bytes(data_bytes: int) -> int:
    """What Ray's object store needs for data sets of this size."""
    return MIN_OBJECT_STORE + int(1.1 * data_bytes)


def has_token() -> bool:
    """Whether Ray finds a token for clusters that ask for one, in its environment or at its own place."""
    named = any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or (Path.home() / ".ray" / "auth_token").is_file()


def _be_quiet() -> None:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def prepare_to_join() -> None:
    """Before Ray is imported to join a cluster: `ray start` takes a token by itself, `ray.init` does not."""
    _be_quiet()
    if has_token():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _keep_events_out() -> None:
    """Ray prints what happens to nodes and workers into our output, whatever `log_to_driver` says.

    There is no setting against it (`listen_error_messages`, ray 2.60); this is how its own debugger does it.
    """
    from ray._private import worker

    worker._worker_logs_enabled = False


def join(address: str) -> Any:
    """Ray, connected to the cluster there. Raises UserError where there is none."""
    prepare_to_join()
    import ray

    _keep_events_out()
    try:
        ray.init(address=address, **SILENT)
    except Exception as error:
        raise UserError(f"no Ray cluster at {address} ({first_line(error)}); check `ray status` there") from None
    return ray


def resources(cpus: float, gpus: float, gpu_share: float, times: int) -> dict[str, float]:
    """What a trial asks for. `cpus`: of the largest node. `times`: 2 halves its neighbours on the device."""
    if gpus:
        return {"CPU": 1.0, "GPU": min(1.0, gpu_share * times)}
    return {"CPU": min(float(cpus), 1.0 * times)}


class Cluster:
    """A Ray to run on: one of our own on this machine, or the one at `address`. A context manager.

    `on_death`: called from another thread with the name of a process of our own Ray that has died.
    `data_bytes`: the size of the data sets, which lie once on each node, in Ray's object store.
    `device`: what trials train on; "auto": on GPUs where there are any; "any": on GPUs and processors side by side.
    """

    def __init__(
        self,
        address: str | None,
        workers: int,
        scratch: Path,
        data_bytes: int,
        on_death: Callable[[str], None],
        device: Device = "auto",
    ):
        self.device = device
        self.on_death = on_death
        self._watcher: PeriodicThread | None = None
        self.address, self.workers, self.scratch = address, workers, scratch
        self.object_store = object_store_bytes(data_bytes)
        if address is None:
            _be_quiet()
            os.environ |= {**ALONE, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
            os.environ.pop("RAY_ADDRESS", None)

    def __enter__(self) -> Cluster:
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        if self.address is None:
            import ray

            self.ray = ray
            _keep_events_out()
            try:
                ray.init(
                    num_cpus=self.workers,
                    include_dashboard=False,
                    object_store_memory=self.object_store,
                    _temp_dir=str(self.scratch),
                    **SILENT,
                )
            except BaseException as error:  # interrupted, too: what it has started until now it does not know yet
                kill_children()
                if isinstance(error, Exception):
                    raise UserError(f"Ray did not start ({first_line(error)}); the same command tries again") from None
                raise
            self._watch()
        else:
            self.ray = join(self.address)
        for number, handler in handlers.items():  # Ray takes SIGTERM for itself, and ends the process with code 15
            signal.signal(number, handler)
        if self.device == "gpu" and not self.gpus():
            self.ray.shutdown()
            raise UserError("--device gpu: Ray finds no GPU (see `ray status`); leave it out to train on processors")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._watcher:
            self._watcher.end()  # without waiting for it: `on_death` may be what runs
        self.ray.shutdown()

    def gpus(self) -> float:
        """How many trials may use."""
        return 0.0 if self.device == "cpu" else float(self.ray.cluster_resources().get("GPU", 0))

    def _watch(self) -> None:
        vital = [child for child in psutil.Process().children() if child.name() in VITAL]
        names = {child.pid: child.name() for child in vital}
        agents = [agent for process in vital for agent in process.children()]  # would notice after a minute

        def report_death() -> bool:
            dead = next((process for process in vital if not _lives(process)), None)
            if dead is None or watcher.ending.is_set():
                return False
            for agent in agents:
                with suppress(psutil.Error):
                    agent.kill()
            self.on_death(names[dead.pid])
            return True

        watcher = self._watcher = PeriodicThread("ray-watch", SECONDS_BETWEEN_LOOKS, report_death)
        watcher.start()

    def resources(self, gpu_share: float, times: int) -> dict[str, float]:
        """What a trial asks for; see `resources`."""
        cpus = max((node["Resources"].get("CPU", 1.0) for node in self.ray.nodes() if node["Alive"]), default=1.0)
        return resources(cpus, self.gpus(), gpu_share, times)

    def last_words(self, said: str) -> str:
        """The end of what a lost worker wrote on stderr, as far as it ran on this machine. `said`: Ray's message."""
        found = re.search(r"\bpid[:=] ?(\d+)", said)
        files = list(self.scratch.glob(f"session_2*/logs/worker-*-{found[1]}.err")) if found else []
        lines = files[0].read_text(errors="replace").splitlines() if files else []
        return "\n".join([line for line in lines if line.strip() and line[0] != ":"][-LAST_LINES:])  # Ray's own: ":..."

    def nodes(self) -> dict[str, dict[str, float]]:
        """What each living node has, by Ray's id of it."""
        return {node["NodeID"]: node["Resources"] for node in self.ray.nodes() if node["Alive"]}

    def addresses(self) -> dict[str, str]:
        """The address of each living node, by Ray's id of it."""
        return {node["NodeID"]: node["NodeManagerAddress"] for node in self.ray.nodes() if node["Alive"]}

    def slots(self, gpu_share: float) -> int:
        """How many trials run at once."""
        cpus = int(self.ray.cluster_resources().get("CPU", 1))
        return cpus if self.device == "any" else slots(cpus, self.gpus(), gpu_share)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
