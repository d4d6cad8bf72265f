"""The nodes of a Ray cluster, and what runs on each: for `orchestrate status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.cluster.address import check_address
from orchestrator.cluster.ray_environment import join
from orchestrator.console.table import Column

ACCELERATOR = "accelerator_type:"
"""Prefix of the resource by which Ray names the kind of a node's GPUs."""
COLUMNS = [
    Column("node"),
    Column("state"),
    *(Column(title, right=True) for title in ("CPUs", "GPUs", "trials")),
    Column("device"),
]


@dataclass(frozen=True)
class Node:
    """A node of the cluster. `device`: the kinds of its GPUs. `trials`: how many run there now."""

    address: str
    alive: bool
    cpus: float
    gpus: float
    device: str
    trials: int


def of_cluster(address: str, running_on: Iterable[str]) -> list[Node]:
    """Ask the cluster. `running_on`: the address of each running trial's node. Raises UserError if nobody answers."""
    check_address(address)
    ray = join(address)
    try:
        return from_ray(ray.nodes(), running_on)
    finally:
        ray.shutdown()


def from_ray(ray_nodes: list[dict[str, Any]], running_on: Iterable[str]) -> list[Node]:
    """The nodes in the result of `ray.nodes()`: the living first, sorted by address."""
    trials = Counter(running_on)
    nodes = []
    for node in ray_nodes:
        resources, address = node["Resources"], node["NodeManagerAddress"]
        kinds = [name.removeprefix(ACCELERATOR) for name in resources if name.startswith(ACCELERATOR)]
        cpus, gpus = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
        nodes.append(Node(address, node["Alive"], cpus, gpus, ", ".join(kinds), trials[address] * node["Alive"]))
    return sorted(nodes, key=lambda node: (not node.alive, node.address))


def cells(nodes: list[Node]) -> list[list[str]]:
    """The rows of a table with COLUMNS."""
    return [
        [
            node.address,
            "alive" if node.alive else "gone",
            f"{node.cpus:g}",
            f"{node.gpus:g}",
            str(node.trials),
            node.device,
        ]
        for node in nodes
    ]


def as_json(nodes: list[Node]) -> list[dict[str, Any]]:
    return [asdict(node) for node in nodes]
