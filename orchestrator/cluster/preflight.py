"""What every node of a cluster must have before the first trial: the same versions and code, the trials' storage."""

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
"""A node starts a worker for the question, which imports Ray."""


REMEDIES = {
    "folder": "--home (or $ORCHESTRATE_HOME) must be a folder that every node mounts at the same path",
    "storage": "every node must reach --storage (or $ORCHESTRATE_STORAGE) and have credentials for it",
}


@dataclass(frozen=True)
class Node:
    """What a node said. `versions`: by package, and `python`. `storage`: why it cannot be used there, or ''."""

    address: str
    versions: dict[str, str]
    storage: str = ""


def probe(cluster: Any, storage: Path | ObjectStore) -> None:
    """Asks every node at once. `cluster`: a `Cluster`. `storage`: the folder or the object store that trials live in.

    Raises UserError, a line for each thing that is wrong.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ray, token = cluster.ray, secrets.token_hex(8)
    name = f".probe-{token}"
    if isinstance(storage, ObjectStore):
        storage.write(name, token.encode())
        where = (storage.uri, name)
    else:
        (storage / name).write_text(token)
        where = (str(storage), name)
    try:
        ask = ray.remote(num_cpus=0, max_retries=0)(look)
        asked = {}
        for node in cluster.ray.nodes():
            if node["Alive"]:
                here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                asked[node["NodeManagerAddress"]] = ask.options(scheduling_strategy=here).remote(*where, token)
        ray.wait(list(asked.values()), num_returns=len(asked), timeout=SECONDS_TO_ANSWER)
        wrong, nodes = [], []
        for address, answer in asked.items():
            try:
                nodes.append(Node(address, *ray.get(answer, timeout=0)))
            except ray.exceptions.GetTimeoutError:
                wrong.append(f"node {address} did not answer within {SECONDS_TO_ANSWER:.0f} s; see `ray status`")
            except Exception as error:
                wrong.append(f"node {address} cannot run this code: {said_last(error)}")
    finally:
        if isinstance(storage, ObjectStore):
            storage.delete(name)
        else:
            (storage / name).unlink(missing_ok=True)
    wrong += objections(versions(), nodes, where[0])
    if wrong:
        raise UserError("\n".join(wrong))


def said_last(error: Exception) -> str:
    """The last line: what Ray hands on is a traceback."""
    return last_line(str(error)) or first_line(error)


def objections(here: dict[str, str], nodes: list[Node], storage: str) -> list[str]:
    """What is wrong with the nodes. `here`: the versions of the driver. `storage`: a folder, or s3://..."""
    found = []
    for node in nodes:
        other = [f"{name} {node.versions[name]} ({here[name]})" for name in here if node.versions[name] != here[name]]
        if other:
            found.append(
                f"node {node.address} has another version than this one (in brackets): {', '.join(other)}; "
                "install the same on every node"
            )
        if node.storage:
            remedy = REMEDIES["storage" if "://" in storage else "folder"]
            found.append(f"node {node.address} cannot use {storage}: {node.storage}; {remedy}")
    return found


@cache
def versions() -> dict[str, str]:
    """Of what a trial's numbers depend on. `gan_core`: a hash of the code, for a checkout has no version."""
    return {
        "Python": platform.python_version(),
        **{name: version(name) for name in ("ray", "torch", "numpy")},
        "gan_core": _hash_of_code(),
    }


def _hash_of_code() -> str:
    root, found = SOURCES, hashlib.sha256()
    for package in ("gan_core", "orchestrator"):
        for file in sorted((root / package).rglob("*.py")):
            found.update(str(file.relative_to(root)).encode() + file.read_bytes())
    return found.hexdigest()[:12]


def look(storage: str, sign: str, token: str) -> tuple[dict[str, str], str]:
    """On a node: its versions, and what is wrong with the storage, where `token` stands in the file `sign`."""
    if "://" not in storage:
        return versions(), _folder_trouble(Path(storage) / sign, token)
    try:
        return versions(), ObjectStore(storage).access_error(sign, token)
    except UserError as error:
        return versions(), str(error)


def _folder_trouble(sign: Path, token: str) -> str:
    """Whether the file is there, and whether another can be made beside it."""
    try:
        if sign.read_text() != token:
            return "another file stands in the place of the probe's"
        mine = sign.with_name(f"{sign.name}-{secrets.token_hex(4)}")
        mine.write_text(token)
        mine.unlink()
    except FileNotFoundError:
        return "what the head writes there is not seen"
    except OSError as error:
        return error.strerror or str(error)
    return ""
