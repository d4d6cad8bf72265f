"""The Ray that trials run on: a local one that is started here, or a cluster that is already there."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from tenacity import RetryCallState, Retrying, stop_after_attempt

from gan_core.error_text import first_line
from orchestrator.cluster import capacity, left_out, ray_environment
from orchestrator.cluster.memory_kills import MemoryKills
from orchestrator.cluster.slow_start import wait_for_node
from orchestrator.cluster.warm_workers import NO_WARM_WORKERS, WarmWorkers
from orchestrator.errors import ServiceError, UserError
from orchestrator.periodic import PeriodicThread
from orchestrator.signals import SIGNALS, Interrupted, children, kill_children, leaving_at_once

VITAL_PROCESSES = ("gcs_server", "raylet")
"""Ray's processes without which nothing goes on. Its own client notices the death of the first only after a minute."""
MAX_STARTS = 2
"""What fails once on a busy machine may succeed when its files lie in memory."""
STACK_LINE = re.compile(r"\(\S*\+0x[0-9a-f]+\)|^\s*@ +0x[0-9a-f]+|\*\*\* StackTrace")
"""Of the C++ stack that Ray's processes write when they break off."""
SECONDS_BETWEEN_CHECKS = 0.5
MAX_STDERR_LINES = 60
"""Lines of a lost worker's stderr that are kept."""


class Cluster:
    """A local Ray on this machine, or the cluster at `address`. A context manager.

    `workers`: CPUs of a local Ray. `scratch`: folder for files of Ray and Tune. `data_bytes`: the size of the data
    sets, which lie once on each node, in Ray's object store. `on_death`: called by another thread when a process of the
    local Ray has died, with a line that says so. `warm`: workers that start with a local Ray. `share_factor`: how many
    times its usual share each trial gets.
    """

    def __init__(
        self,
        address: str | None,
        workers: int,
        scratch: Path,
        data_bytes: int,
        on_death: Callable[[str], None],
        device: capacity.Device = "auto",
        warm: WarmWorkers = NO_WARM_WORKERS,
    ):
        self.device, self._warm = device, warm
        self.on_death = on_death
        self._watcher: PeriodicThread | None = None
        self.address, self.workers, self.scratch = address, workers, scratch
        self.share_factor = 1
        self._memory_kills = MemoryKills() if address is None else None
        self.object_store_bytes = capacity.object_store_bytes(data_bytes)
        if address is None:
            ray_environment.prepare_local()

    def __enter__(self) -> Cluster:
        handlers = {number: signal.getsignal(number) for number in SIGNALS}
        self._earlier_processes = children()
        # Ray's processes inherit the block: a closed terminal ends this process alone, which hears of it afterwards
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
        try:
            if self.address is None:
                self._start_local()
            else:
                self.ray = ray_environment.join(self.address)
        except SystemExit:  # Ray takes SIGTERM for itself, and ends the process with code 15
            kill_children(self._earlier_processes)  # Ray does not know yet which processes it has started
            raise Interrupted from None
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
        if self.device == "gpu" and not self.gpus():
            self.ray.shutdown()
            raise UserError("--device gpu: Ray finds no GPU (see `ray status`); leave it out to train on processors")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._watcher:
            self._watcher.end()  # without waiting for it: `on_death` may be what runs
        self.ray.shutdown()

    def _start_local(self) -> None:
        import ray

        self.ray = ray
        left_out.leave_out_events()
        attempts = Retrying(stop=stop_after_attempt(MAX_STARTS), before_sleep=self._clear_failed_start, reraise=True)
        try:
            attempts(self._init_local)
        except Exception as error:
            kill_children(self._earlier_processes)
            message = f"Ray did not start in two tries{_busy()}: {first_line(error)}; the same command tries again"
            raise ServiceError(message + self._ray_log()) from None
        self._warm.start()
        self._watch_processes()

    def _clear_failed_start(self, _: RetryCallState) -> None:
        kill_children(self._earlier_processes)
        self.ray.shutdown()

    def _init_local(self) -> None:
        with left_out.without_services(), self._warm.environment(), wait_for_node(self._has_all_processes):
            self.ray.init(
                num_cpus=self.workers,
                include_dashboard=False,
                object_store_memory=self.object_store_bytes,
                _temp_dir=str(self.scratch),
                **ray_environment.INIT_OPTIONS,
            )

    def _has_all_processes(self) -> bool:
        return {child.name() for child in self._vital_processes() if _is_alive(child)} == set(VITAL_PROCESSES)

    def _vital_processes(self) -> list[psutil.Process]:
        return [child for child in psutil.Process().children() if child.name() in VITAL_PROCESSES]

    def _ray_log(self) -> str:
        """The last lines that Ray's processes wrote on stderr, each below the message; "" if they wrote nothing."""
        files = sorted(self.scratch.glob("session_2*/logs/*.err"))
        written = [file.read_text(errors="replace").splitlines() for file in files]
        said = [[line for line in lines if line.strip() and not STACK_LINE.search(line)] for lines in written]
        lines = [line for of_file in said for line in of_file[-3:]]
        return "".join(f"\n  {line}" for line in lines)

    def _watch_processes(self) -> None:
        vital = self._vital_processes()
        names = {child.pid: child.name() for child in vital}
        agents = [agent for process in vital for agent in process.children()]  # would notice after a minute

        def report_death() -> bool:
            dead = next((process for process in vital if not _is_alive(process)), None)
            if dead is None or watcher.ending.is_set() or leaving_at_once.is_set():
                return False
            for agent in agents:
                with suppress(psutil.Error):
                    agent.kill()
            reason = " because memory ran out" if self.was_killed_for_memory() else ""
            self.on_death(f"Ray's {names[dead.pid]} has died{reason}")
            return True

        watcher = self._watcher = PeriodicThread("ray-watch", SECONDS_BETWEEN_CHECKS, report_death)
        watcher.start()

    def gpus(self) -> float:
        """Number of GPUs that trials may use."""
        return 0.0 if self.device == "cpu" else float(self.ray.cluster_resources().get("GPU", 0))

    def slots(self, gpu_share: float) -> int:
        """How many trials run at once."""
        cpus = int(self.ray.cluster_resources().get("CPU", 1))
        return capacity.slots(cpus, 0 if self.device == "any" else self.gpus(), gpu_share, self.share_factor)

    def run_fewer(self, gpu_share: float) -> int:
        """Let half as many trials run at once from now on; returns how many. 0 if there cannot be fewer."""
        before = self.slots(gpu_share)
        self.share_factor *= 2
        if self.slots(gpu_share) < before:
            return self.slots(gpu_share)
        self.share_factor //= 2
        return 0

    def was_killed_for_memory(self) -> bool:
        """Whether the kernel has killed a process for memory that no other call was told of. Always False elsewhere."""
        return self._memory_kills is not None and self._memory_kills.take()

    def resources(self, gpu_share: float, factor: int) -> dict[str, float]:
        """What a trial requests from Ray; see `capacity.resources`."""
        cpus = max((node["Resources"].get("CPU", 1.0) for node in self.ray.nodes() if node["Alive"]), default=1.0)
        return capacity.resources(cpus, self.gpus(), gpu_share, factor * self.share_factor)

    def nodes(self) -> dict[str, dict[str, float]]:
        """The resources of each living node, by Ray's id."""
        return {node["NodeID"]: node["Resources"] for node in self.ray.nodes() if node["Alive"]}

    def addresses(self) -> dict[str, str]:
        """The address of each living node, by Ray's id."""
        return {node["NodeID"]: node["NodeManagerAddress"] for node in self.ray.nodes() if node["Alive"]}

    def stderr_tail(self, message: str) -> str:
        """The end of what a lost worker wrote on stderr, if it ran on this machine. `message`: Ray's, with its pid."""
        pid = re.search(r"\bpid[:=] ?(\d+)", message)
        files = list(self.scratch.glob(f"session_2*/logs/worker-*-{pid[1]}.err")) if pid else []
        lines = files[0].read_text(errors="replace").splitlines() if files else []
        own = [line for line in lines if line.strip() and line[0] != ":"]  # Ray's lines begin with a colon
        return "\n".join(own[-MAX_STDERR_LINES:])


def _busy() -> str:
    """How busy the machine is, if many more processes want to run than it has processors."""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    return f" on a busy machine (load {load:.0f}, {processors} processors)" if load > 2 * processors else ""


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
