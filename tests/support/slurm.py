"""A real Slurm of Debian's packages: a controller on this machine, and nodes with a network and processes of their own.

Only root may start it so, and not in every container.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.hosts import Host, joined, kill_all
from support.ports import free_port
from support.waiting import wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={controller}({address})
SlurmUser=root
SlurmctldPort={port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
KillWait=15
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=60 State=UP
"""
ALONE = 'mount -t proc proc /proc; "$@" & wait'
"""Runs the rest of its words where a process sees none but its own. The shell takes in what orphans leave."""


@dataclass
class Node(Host):
    """A host with processes of its own: what looks at those of a machine finds no other node's."""

    def words(self, *words: str | Path, user: str = "") -> list[str]:
        alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "bash", "-ec", ALONE, "node"]
        return super().words(*alone, *words, user=user)


@dataclass
class Slurm:
    """`environment`: for commands that speak to it."""

    folder: Path
    nodes: dict[str, Node]
    environment: dict[str, str]
    services: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_node(self, name: str) -> None:
        log = self.folder / f"slurmd-{name}.log"
        self.nodes[name].start("slurmd", "-D", "-N", name, log=log, env=self.environment)

    def freeze(self, name: str) -> None:
        """Stops the processes of this name where they are, on all nodes, until they are woken."""
        for node in self.nodes.values():
            node.freeze(name)

    def wake(self, name: str) -> None:
        for node in self.nodes.values():
            node.wake(name)

    def ask(self, *words: str) -> str:
        done = subprocess.run(words, capture_output=True, text=True, env=self.environment, check=False, timeout=60)
        return done.stdout.strip()

    def states(self) -> set[str]:
        return {line.strip("*~#") for line in self.ask("sinfo", "-h", "-N", "-o", "%T").split()}


def why_not() -> str:
    """Why no Slurm can be started here, or ""."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)} (Debian's slurm-wlm and munge)"
    if os.getuid() or subprocess.run(["unshare", "--pid", "--fork", "--mount", "true"], check=False).returncode:
        return "only root may give a node processes of its own, and not in every container"
    return ""


@contextmanager
def running(names: list[str], environment: dict[str, str]) -> Iterator[Slurm]:
    """Slurm with nodes of these names, of one CPU each, until the end."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    with joined(names) as hosts:
        if any(host.namespace is None for host in hosts.values()):
            raise OSError("network namespaces cannot be made here")
        nodes = {name: Node(host.name, host.address, host.namespace) for name, host in hosts.items()}
        slurm = Slurm(folder, nodes, environment | {"SLURM_CONF": str(folder / "slurm.conf")})
        try:
            _start(slurm)
            yield slurm
        finally:
            slurm.ask("scancel", "--user", "root")
            kill_all(nodes.values())
            for service in reversed(slurm.services):
                service.kill()
                service.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _start(slurm: Slurm) -> None:
    folder = slurm.folder
    network = next(iter(slurm.nodes.values())).address.rpartition(".")[0]
    lines = [f"NodeName={node.name} NodeAddr={node.address} CPUs=1 State=UNKNOWN" for node in slurm.nodes.values()]
    text = CONFIGURATION.format(
        controller=os.uname().nodename,
        address=f"{network}.254",
        port=free_port(),
        node_port=free_port(),
        folder=folder,
        nodes="\n".join(lines),
    )
    (folder / "slurm.conf").write_text(text)
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")  # else it looks for them, and there may be none
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(64))
    files = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "log", "pid", "seed")]
    _serve(slurm, "munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *files)
    wait_until((folder / "munge.socket").exists, "the socket of munged", 30)
    _serve(slurm, "slurmctld", "-D")
    for name in slurm.nodes:
        slurm.start_node(name)
    wait_until(lambda: slurm.states() == {"idle"}, "idle nodes", 60)


def _serve(slurm: Slurm, *words: str) -> None:
    with open(slurm.folder / f"{words[0]}.log", "ab") as log:
        slurm.services.append(subprocess.Popen(words, stdout=log, stderr=log, env=slurm.environment))
