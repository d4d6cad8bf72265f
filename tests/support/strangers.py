"""Somebody else on this machine: what of a command they can reach, and what they are told when they try to join."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from orchestrator.cluster.ray_environment import LOCAL_ENVIRONMENT
from support.commands import environment, program
from support.waiting import wait_until

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can look at files as another user")
REFUSALS = ("InvalidAuthToken", "Unauthenticated")


def listening(command: psutil.Process) -> list[tuple[str, str, int]]:
    """(process, address, port) of everything that it and its children wait at."""
    listeners = []
    for process in (command, *command.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    listeners.append((process.name(), connection.laddr.ip, connection.laddr.port))
    return listeners


def answer_to_a_stranger(port: int, token: str, log: Path) -> str:
    """What somebody who tries to join the Ray at this port gets to read, up to the first refusal.

    Ray's client would try again for a minute.
    """
    with open(log, "w") as file:
        joining = subprocess.Popen(
            program("joins_ray", f"127.0.0.1:{port}"),
            env=environment() | LOCAL_ENVIRONMENT | {"RAY_AUTH_TOKEN": token},
            stdout=file,
            stderr=file,
        )
    try:
        wait_until(
            lambda: joining.poll() is not None or any(refusal in log.read_text() for refusal in REFUSALS),
            "an answer of Ray's",
        )
    finally:
        joining.kill()
        joining.wait()
    return log.read_text()


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that all users of the machine can read, unlike pytest's."""
    with TemporaryDirectory(prefix="open-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def seen_by_a_stranger(folder: Path) -> list[Path]:
    """The paths in a folder, itself included, that another user of the machine gets to see."""
    listing = subprocess.run(
        ["find", folder], user="nobody", group="nogroup", extra_groups=[], cwd="/", capture_output=True, text=True
    )
    return sorted(map(Path, listing.stdout.splitlines()))
