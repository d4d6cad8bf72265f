"""A cluster of a head and one or two nodes on the loopback: one that sees another storage folder, one that dies."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import pytest
from support.commands import COMMAND, environment, program
from support.explored import MAP, finished_in
from support.hosts import Host, kill_all
from support.mirrors import with_database
from support.ports import free_port
from support.topology import QUICK_HEALTH_CHECKS
from support.waiting import wait_until

from orchestrator.store.sweep_folder import SweepFolder

pytestmark = pytest.mark.e2e

HEAD = "127.0.2.10"
"""Not 127.0.0.1, in whose place Ray takes the machine's own address."""
OVER_THE_STORAGE = 'mount -t tmpfs none "$0"; exec "$@"'
"""Runs the rest of its words where another, empty folder lies over this one."""


@dataclass
class Blind(Host):
    """A host with a mount table of its own."""

    storage: Path = Path()

    def words(self, *words: str | Path, user: str = "") -> list[str]:
        return ["unshare", "--mount", "sh", "-ec", OVER_THE_STORAGE, str(self.storage), *super().words(*words)]


class Nodes:
    """A head, and the nodes that are started."""

    def __init__(self, folder: Path):
        self.folder, self.home, self.head = folder, folder / "home", f"{HEAD}:{free_port()}"
        with_database(self.home)
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32))
        health_checks = {f"RAY_health_check_{name}": value for name, value in QUICK_HEALTH_CHECKS.items()}
        self.environment = environment() | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)} | health_checks
        self.hosts: list[Host] = []
        self.watch: subprocess.Popen[str] | None = None

    def start(self, host: Host, *words: str) -> Host:
        ray = Path(sys.executable).parent / "ray"
        common = ["--block", "--disable-usage-stats", f"--object-store-memory={100 * 1024**2}"]
        common += [f"--dashboard-agent-listen-port={free_port()}"]  # also on 127.0.0.1, whatever the node's address
        location = [f"--node-ip-address={host.address}", f"--temp-dir={self.folder / host.name}"]
        log = self.folder / f"{host.name}.log"
        host.start(ray, "start", *words, *location, *common, log=log, env=self.environment)
        self.hosts.append(host)
        return host

    def join(self, host: Host) -> Host:
        self.start(host, f"--address={self.head}", "--num-cpus=1")
        return host

    def wait_for(self, *addresses: str) -> None:
        """Until these and the head are the living nodes, as a Ray client that has joined sees them."""
        if self.watch is None:
            command = program("watches_nodes", self.head)
            self.watch = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)
        assert self.watch.stdout
        limit = Timer(240, self.watch.kill)  # a node that could not start joins never
        limit.start()
        try:
            for line in self.watch.stdout:
                if line.split() == sorted([HEAD, *addresses]):
                    return
        finally:
            limit.cancel()
        raise AssertionError(f"the watching client ended with {self.watch.wait()}")

    def end(self) -> None:
        if self.watch is not None:
            self.watch.kill()
            self.watch.wait()
        kill_all(self.hosts)

    def sweep(self, file: Path) -> list[str]:
        return [*COMMAND, "sweep", str(file), "--address", self.head, "--home", str(self.home)]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    folder = Path(tempfile.mkdtemp(prefix="orch-"))  # short: Ray's sockets lie in it
    started = Nodes(folder)
    try:
        ports = f"--port={started.head.rpartition(':')[2]}", f"--ray-client-server-port={free_port()}"
        started.start(Host("head", HEAD), "--head", *ports, "--num-cpus=0", "--include-dashboard=false")
        yield started
    finally:
        started.end()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_node_that_sees_another_folder_is_named_before_anything_starts(
    nodes: Nodes, one_trial: Callable[[str], Path]
) -> None:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root may give a process mounts of its own, and not in every container")
    blind = nodes.join(Blind("blind", "127.0.2.1", storage=nodes.home))
    nodes.wait_for(blind.address)
    done = subprocess.run(
        nodes.sweep(one_trial("")), capture_output=True, text=True, env=nodes.environment, timeout=300
    )
    blind.kill()
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"node 127.0.2.1 cannot use {nodes.home}: files written by the head are not visible there")
    assert "--home" in line
    assert not list(nodes.home.glob("sweeps/*/trials/*")) and not list(nodes.home.rglob(".probe-*"))


def test_of_a_node_that_dies_one_line_tells_and_it_is_ours(nodes: Nodes, tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    file.write_text(
        "sweep: long\nseeds: [0, 1]\ntrial: {steps: 1000000, log_every: 10, checkpoint_every: 10, batch_size: 8, "
        "model: {width: 4}, evaluation: {every: 1000000, samples: 80, features: random}}\ngroups:\n  - name: dcgan\n"
    )
    dies = nodes.join(Host("dies", "127.0.2.2"))
    nodes.wait_for(dies.address)  # before the next one, which may choose the same free ports
    stays = nodes.join(Host("stays", "127.0.2.3"))
    nodes.wait_for(dies.address, stays.address)
    log = tmp_path / "output"
    with open(log, "w") as out:
        sweep = subprocess.Popen(nodes.sweep(file), stdout=out, stderr=out, env=nodes.environment)
    try:

        def trained() -> int:
            assert sweep.poll() is None, log.read_text()
            files = nodes.home.glob("sweeps/long/trials/*/checkpoint.pt")
            return len({SweepFolder(nodes.home, "long").trial(file.parent.name).record().key for file in files})

        wait_until(lambda: trained() == 2, "a checkpoint of both trials")
        dies.kill()
        wait_until(lambda: "is gone" in log.read_text(), "a word of the node")
        os.kill(sweep.pid, signal.SIGINT)
        assert sweep.wait(60) == 130, log.read_text()
    finally:
        sweep.kill()
        stays.kill()
    output = log.read_text()
    assert "  node 127.0.2.2 is gone; 1 worker now\n" in output
    assert "lost the worker of" in output
    assert "raylet" not in output and "marked dead" not in output, output


def test_a_map_ends_though_a_node_dies(nodes: Nodes, tmp_path: Path) -> None:
    file, log, folder = tmp_path / "map.yaml", tmp_path / "output", SweepFolder(nodes.home, "tiny")
    file.write_text(MAP.replace("trials: 12", "trials: 16"))
    dies = nodes.join(Host("dies-too", "127.0.2.4"))
    nodes.wait_for(dies.address)
    stays = nodes.join(Host("stays-too", "127.0.2.5"))
    nodes.wait_for(dies.address, stays.address)

    with open(log, "w") as out:
        sweep = subprocess.Popen(nodes.sweep(file), stdout=out, stderr=out, env=nodes.environment)
    try:
        wait_until(lambda: sweep.poll() is not None or len(finished_in(folder)) >= 4, "four trials that have ended")
        dies.kill()
        assert sweep.wait(240) == 0, log.read_text()
    finally:
        sweep.kill()
        stays.kill()
    assert len(set(finished_in(folder))) == 16  # perhaps before Ray has missed the node, of which a line would tell
    assert 'id="map"' in folder.report_file.read_text()
