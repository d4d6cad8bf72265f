"""Checks every node of a cluster before the first trial: the same versions and code, access to the trials' storage."""

from __future__ import annotations

import hashlib
import platform
import secrets
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gan_core.error_text import first_line, last_line
from orchestrator.environment import SOURCES
from orchestrator.errors import UserError
from orchestrator.object_store.s3 import ObjectStore

SECONDS_TO_ANSWER = 120.0
"""A node first starts a worker, which imports Ray."""
REMEDIES = {
    "folder": "--home (or $ORCHESTRATE_HOME) must be a folder that every node mounts at the same path",
    "storage": "every node must reach --storage (or $ORCHESTRATE_STORAGE) and have credentials for it",
}


@dataclass(frozen=True)
class NodeReport:
    """What a node reports. `versions`: by package. `storage_error`: why it cannot use the trials' storage, or ''."""

    address: str
    versions: dict[str, str]
    storage_error: str = ""


def check_nodes(cluster: Any, trial_store: Path | ObjectStore) -> None:
    """Check all nodes at once. Raises UserError with a line for each problem.

    `cluster`: a `Cluster`. `trial_store`: the folder or the object store that trials live in.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ray, token = cluster.ray, secrets.token_hex(8)
    name = f".probe-{token}"
    if isinstance(trial_store, ObjectStore):
        trial_store.write(name, token.encode())
        location = trial_store.uri
    else:
        (trial_store / name).write_text(token)
        location = str(trial_store)
    try:
        task = ray.remote(num_cpus=0, max_retries=0)(examine)
        answers = {}
        for node in cluster.ray.nodes():
            if node["Alive"]:
                on_node = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                answer = task.options(scheduling_strategy=on_node).remote(location, name, token)
                answers[node["NodeManagerAddress"]] = answer
        ray.wait(list(answers.values()), num_returns=len(answers), timeout=SECONDS_TO_ANSWER)
        problems, nodes = [], []
        for address, answer in answers.items():
            try:
                nodes.append(NodeReport(address, *ray.get(answer, timeout=0)))
            except ray.exceptions.GetTimeoutError:
                problems.append(f"node {address} did not answer within {SECONDS_TO_ANSWER:.0f} s; see `ray status`")
            except Exception as error:  # what Ray passes on is a traceback
                message = last_line(str(error)) or first_line(error)
                problems.append(f"node {address} cannot run this code: {message}")
    finally:
        if isinstance(trial_store, ObjectStore):
            trial_store.delete(name)
        else:
            (trial_store / name).unlink(missing_ok=True)
    problems += problems_of(nodes, versions(), location)
    if problems:
        raise UserError("\n".join(problems))


def problems_of(nodes: list[NodeReport], driver_versions: dict[str, str], location: str) -> list[str]:
    """One line per problem of a node. `location` of the trials: a folder, or s3://..."""
    problems = []
    for node in nodes:
        other = [
            f"{name} {node.versions[name]} ({driver_versions[name]})"
            for name in driver_versions
            if node.versions[name] != driver_versions[name]
        ]
        if other:
            problems.append(
                f"node {node.address} has another version than this one (in brackets): {', '.join(other)}; "
                "install the same on every node"
            )
        if node.storage_error:
            remedy = REMEDIES["storage" if "://" in location else "folder"]
            problems.append(f"node {node.address} cannot use {location}: {node.storage_error}; {remedy}")
    return problems


@cache
def versions() -> dict[str, str]:
    """The versions that a trial's numbers depend on. `gan_core`: a hash of the code, as a checkout has no version."""
    return {
        "Python": platform.python_version(),
        **{name: version(name) for name in ("ray", "torch", "numpy")},
        "gan_core": _hash_of_code(),
    }


def _hash_of_code() -> str:
    digest = hashlib.sha256()
    for package in ("gan_core", "orchestrator"):
        for file in sorted((SOURCES / package).rglob("*.py")):
            digest.update(str(file.relative_to(SOURCES)).encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def examine(location: str, probe: str, token: str) -> tuple[dict[str, str], str]:
    """Runs on a node; returns its versions and why it cannot use the trials' storage, or ''.

    `location`: a folder, or s3://...; the driver has written `token` into its file or object `probe`.
    """
    if "://" not in location:
        return versions(), _folder_error(Path(location) / probe, token)
    try:
        return versions(), ObjectStore(location).access_error(probe, token)
    except UserError as error:
        return versions(), str(error)


def _folder_error(probe: Path, token: str) -> str:
    """Why the driver's probe cannot be read, or no other file be written beside it, or ''."""
    try:
        if probe.read_text() != token:
            return "another file stands in the place of the probe's"
        own_probe = probe.with_name(f"{probe.name}-{secrets.token_hex(4)}")
        own_probe.write_text(token)
        own_probe.unlink()
    except FileNotFoundError:
        return "files written by the head are not visible there"
    except OSError as error:
        return error.strerror or str(error)
    return ""
