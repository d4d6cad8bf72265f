"""The containers of `docker/compose.yaml`, run by a real engine, beside others and with secrets of their own.

Nothing is built or pulled: the images are those that the engine has (see "What was tried" in docs/cluster.md).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.commands import environment
from support.container_files import DOCKER, services

IMAGE = services()["head"]["image"]
POSTGRES = os.environ.get("POSTGRES_IMAGE", services()["postgres"]["image"])
"""The official image, or one of Debian's packages (`tests/docker/bases/make.sh`)."""


def docker(*words: str | Path, timeout: float = 600, **more: Any) -> str:
    """What `docker WORDS` prints. It must succeed."""
    done = subprocess.run(["docker", *map(str, words)], capture_output=True, text=True, timeout=timeout, **more)
    assert done.returncode == 0, f"docker {' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def missing() -> str | None:
    """What keeps containers from being run here; None if nothing does."""
    if shutil.which("docker") is None:
        return "no docker on this machine"
    for words, reason in [
        (["docker", "version"], "no container engine answers"),
        (["docker", "compose", "version"], "docker has no compose"),
        (
            ["docker", "image", "inspect", IMAGE],
            f"no image {IMAGE}: docker build --file docker/Dockerfile --tag {IMAGE} .",
        ),
        (["docker", "image", "inspect", POSTGRES], f"no image {POSTGRES}: docker pull {POSTGRES}"),
    ]:
        try:
            done = subprocess.run(words, capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            return reason
        if done.returncode:
            return reason
    return None


class Stack:
    """One project of compose. `folder`: a copy of `docker/`; `address`: where ports are published."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.name = f"orchestrate-{secrets.token_hex(4)}"
        self.address = f"127.{20 + secrets.randbelow(200)}.0.1"  # no other program's ports are there
        self.dashboard, self.mlflow = f"http://{self.address}:8265", f"http://{self.address}:5000"
        shutil.copytree(DOCKER, folder, ignore=shutil.ignore_patterns("secrets", ".env"))
        subprocess.run([folder / "make-secrets.sh"], check=True, capture_output=True, timeout=60)
        (folder / "image.yaml").write_text(json.dumps({"services": {"postgres": {"image": POSTGRES}}}))

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text()

    def compose(self, *words: str | Path, timeout: float = 600) -> str:
        files: list[str | Path] = ["--file", self.folder / "compose.yaml", "--file", self.folder / "image.yaml"]
        settings = {"BIND": self.address, "MLFLOW_HOST": f"{self.address}:5000", "WORKER_CPUS": "1"}
        return docker(
            "compose", "--project-name", self.name, *files, *words, timeout=timeout, env=environment() | settings
        )

    def up(self, workers: int) -> None:
        """Start what does not run yet, and wait until all say that they are well."""
        self.compose("up", "--no-build", "--detach", "--wait", "--scale", f"worker={workers}")

    def execute(self, service: str, *words: str) -> str:
        return self.compose("exec", "--no-TTY", service, *words)

    def containers(self, *services: str) -> list[str]:
        """The names of those that run, of these services or of all; Ray's nodes call themselves by `host_of`."""
        return self.compose("ps", "--format", "{{.Name}}", *services).split()

    def client_environment(self) -> dict[str, str]:
        """What somebody has who may use the cluster: its token."""
        token = self.folder / "secrets" / "ray_token"
        return environment() | {"RAY_AUTH_TOKEN_PATH": str(token), "RAY_AUTH_MODE": "token", "PYTHONUNBUFFERED": "1"}

    def logs(self) -> str:
        """The ends of what the services said."""
        return self.compose("logs", "--no-color", "--tail", "40")

    def end(self) -> None:
        self.compose("down", "--volumes", "--timeout", "20")


def host_of(container: str) -> str:
    """What a program in the container takes for the name of its machine."""
    return docker("inspect", "--format", "{{.Config.Hostname}}", container).strip()


@contextmanager
def stack(folder: Path, workers: int) -> Iterator[Stack]:
    """All services with so many workers of one processor each."""
    started = Stack(folder)
    try:
        try:
            started.up(workers)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{started.logs()}") from None
        yield started
    finally:
        started.end()
