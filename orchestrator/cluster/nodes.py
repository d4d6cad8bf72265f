"""The nodes of a Ray cluster, and what runs on each: for `orchestrate status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from orchestrator.cluster.address import check_address
from orchestrator.cluster.ray_runtime import join

ACCELERATOR = "accelerator_type:"
"""How Ray names the kind of a node's GPUs: a resource."""


@dataclass(frozen=True)
class Node:
    """`trials`: how many run there now."""

    address: str
    alive: bool
    cpus: float
    gpus: float
    device: str
    trials: int


def of_cluster(address: str, running_on: Iterable[str]) -> list[Node]:
    """Asks the cluster. `running_on`: the node of each running trial. Raises UserError where nobody answers."""
    check_address(address)
    ray = join(address)
    try:
        return described(ray.nodes(), running_on)
    finally:
        ray.shutdown()


def described(nodes: list[dict[str, Any]], running_on: Iterable[str]) -> list[Node]:
    """From what `ray.nodes()` says: the living first, each by its address."""
    trials = Counter(running_on)
    found = []
    for node in nodes:
        has, address = node["Resources"], node["NodeManagerAddress"]
        kinds = [name.removeprefix(ACCELERATOR) for name in has if name.startswith(ACCELERATOR)]
        cpus, gpus = has.get("CPU", 0.0), has.get("GPU", 0.0)
        found.append(Node(address, node["Alive"], cpus, gpus, ", ".join(kinds), trials[address] * node["Alive"]))
    return sorted(found, key=lambda node: (not node.alive, node.address))


def table(nodes: list[Node]) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("node", "", "CPUs", "GPUs", "device", "trials"):
        shown.add_column(title, justify="right" if title in ("CPUs", "GPUs", "trials") else "left", no_wrap=True)
    for node in nodes:
        counts = (f"{node.cpus:g}", f"{node.gpus:g}", node.device, str(node.trials))
        shown.add_row(node.address, "alive" if node.alive else "gone", *counts)
    return shown


def as_json(nodes: list[Node]) -> list[dict[str, Any]]:
    return [asdict(node) for node in nodes]
