"""Where the containers' files are, and what they say, for the tests in this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILE = DOCKER / "Dockerfile"
COMPOSE = DOCKER / "compose.yaml"
KUBERAY = DOCKER / "kuberay.yaml"
BASES = ROOT / "tests" / "docker" / "bases"
"""Base images of Debian's packages, where no registry of images can be reached."""
SCRIPTS = sorted([*DOCKER.glob("*.sh"), *(DOCKER / "start").glob("*.sh"), *BASES.rglob("*.sh")])
DOCKERFILES = [DOCKERFILE, BASES / "postgres" / "Dockerfile"]


def compose() -> dict[str, Any]:
    return YAML(typ="safe").load(COMPOSE)


def services() -> dict[str, dict[str, Any]]:
    return compose()["services"]


def manifests() -> dict[str, dict[str, Any]]:
    """The Kubernetes objects by their kinds, of which there is one each."""
    return {document["kind"]: document for document in YAML(typ="safe").load_all(KUBERAY)}


def pods() -> dict[str, dict[str, Any]]:
    """The specifications of the cluster's pods, by group."""
    spec = manifests()["RayCluster"]["spec"]
    groups = {"head": spec["headGroupSpec"]} | {group["groupName"]: group for group in spec["workerGroupSpecs"]}
    return {name: group["template"]["spec"] for name, group in groups.items()}


def pinned(package: str) -> str:
    """The version that constraints.txt names."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return next(line.removeprefix(f"{package}==").split()[0] for line in lines if line.startswith(f"{package}=="))
