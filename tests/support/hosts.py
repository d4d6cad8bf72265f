"""Hosts on this machine: each a network namespace with its own address and name, joined by a bridge.

Only root may make them, and not in every container. Elsewhere the hosts are addresses of the loopback, whose processes
can be told apart but not cut off.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

PREFIX = "orchestrate-test"
NAMED = 'echo "$0" > /proc/sys/kernel/hostname; exec "$@"'
"""Runs the rest of its words on a host of this name."""


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


@dataclass
class Host:
    """One machine of the test. `namespace`: its network's, None where it is only an address of the loopback."""

    name: str
    address: str
    namespace: str | None = None
    started: list[psutil.Popen] = field(default_factory=list)

    def words(self, *words: str | Path, user: str = "") -> list[str]:
        """The command that runs `words` on this host, as `user` where that is another one."""
        command = [*(["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else [])]
        command += map(str, words)
        if self.namespace is None:
            return command
        return ["ip", "netns", "exec", self.namespace, "unshare", "--uts", "sh", "-c", NAMED, self.name, *command]

    def start(self, *words: str | Path, log: Path, user: str = "", **more: Any) -> psutil.Popen:
        """Starts a process on this host; what it says goes to the end of `log`."""
        with open(log, "ab") as file:
            command = self.words(*words, user=user)
            process = psutil.Popen(command, stdout=file, stderr=file, start_new_session=True, **more)
        self.started.append(process)
        return process

    def processes(self) -> list[psutil.Process]:
        return [member for process in self.started for member in _family(process)]

    def kill(self) -> None:
        """All its processes at once, as when its power fails."""
        kill_all([self])

    def freeze(self, name: str) -> None:
        """Stops its processes of this name where they are, until they are woken."""
        for process in self._named(name):
            process.suspend()

    def wake(self, name: str) -> None:
        for process in self._named(name):
            process.resume()

    def _named(self, name: str) -> list[psutil.Process]:
        return [process for process in self.processes() if name in process.name()]

    def cut_off(self) -> None:
        """Its link goes down; its processes do not notice but by what they no longer hear."""
        assert self.namespace is not None
        run("ip", "-n", self.namespace, "link", "set", "eth0", "down")


def kill_all(hosts: Collection[Host]) -> None:
    """Kill all processes of these hosts, then wait once for all: init may take seconds until it reaps an orphan."""
    family = [process for host in hosts for process in host.processes()]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=30)
    for host in hosts:
        host.started.clear()


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def joined(names: list[str]) -> Iterator[dict[str, Host]]:
    """Hosts of these names that reach each other and are reached from here, until the end."""
    _remove_orphans()
    try:
        made = _namespaces(names)
    except OSError:  # no iproute2, or not allowed
        made = {name: Host(name, f"127.0.1.{number}") for number, name in enumerate(names, start=1)}
    try:
        yield made
    finally:
        kill_all(made.values())
        _remove(os.getpid())


def _namespaces(names: list[str]) -> dict[str, Host]:
    bridge, network = f"orch{os.getpid()}", _free_network()
    try:
        run("ip", "link", "add", bridge, "type", "bridge")
        run("ip", "address", "add", f"{network}.254/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")
        made = {}
        for number, name in enumerate(names, start=1):
            space, cable = f"{PREFIX}-{os.getpid()}-{name}", f"o{os.getpid()}n{number}"
            run("ip", "netns", "add", space)
            run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
            run("ip", "link", "set", cable, "master", bridge, "up")
            run("ip", "-n", space, "address", "add", f"{network}.{number}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                run("ip", "-n", space, "link", "set", device, "up")
            made[name] = Host(name, f"{network}.{number}", space)
        return made
    except BaseException:
        _remove(os.getpid())
        raise


def _free_network() -> str:
    """The first three numbers of addresses that are kept for tests (RFC 2544) and that this machine has none of."""
    taken = run("ip", "-oneline", "-4", "address")
    return next(f"198.18.{n}" for n in range(256) if f" 198.18.{n}." not in taken)


def _remove(process: int) -> None:
    """What the test of this process id has made: namespaces, with what still runs in them, and the bridge."""
    if shutil.which("ip") is None:
        return
    for space in re.findall(rf"^{PREFIX}-{process}-\S+", run("ip", "netns", "list"), re.MULTILINE):
        for number in run("ip", "netns", "pids", space).split():
            with suppress(psutil.NoSuchProcess):
                psutil.Process(int(number)).kill()
        run("ip", "netns", "delete", space)
    with suppress(OSError):
        run("ip", "link", "delete", f"orch{process}")


def _remove_orphans() -> None:
    """What tests have left that were killed."""
    if shutil.which("ip"):
        for process in {int(n) for n in re.findall(rf"^{PREFIX}-(\d+)-", run("ip", "netns", "list"), re.MULTILINE)}:
            if not psutil.pid_exists(process):
                with suppress(OSError, psutil.Error):  # another user's
                    _remove(process)
