"""Where trials run that may use GPUs and CPUs side by side (`--device any`): each gets a node and a device.

Ray would put a trial for a CPU beside a GPU that then lacks a CPU to feed it, while another node is idle. So the node
is chosen here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.cluster.capacity import resources, trials_per_gpu

Nodes = dict[str, dict[str, float]]
"""The living nodes by Ray's id, and the resources of each: CPU, GPU."""
SECONDS_BETWEEN_LOOKS = 1.0
"""Between two requests for the list of nodes, which join and die: not one at each of Tune's events."""


@dataclass(frozen=True)
class Placement:
    """`node`: Ray's id of it. `resources`: what the trial requests there; with a GPU among them it trains on that."""

    node: str
    resources: dict[str, float]


def choose(nodes: Nodes, taken: Iterable[Placement], gpu_share: float, factor: int = 1) -> Placement | None:
    """A placement on a GPU if one is free, else on a CPU, else None. Prefers the node with most of it left.

    `gpu_share`: the fraction of a GPU that a trial gets. `factor`: 2 for a trial that gets twice these resources.
    """
    left = {node: {kind: total.get(kind, 0.0) for kind in ("CPU", "GPU")} for node, total in nodes.items()}
    for placement in taken:
        if placement.node in left:
            for kind, amount in _occupied(placement.resources).items():
                left[placement.node][kind] -= amount
    for kind in ("GPU", "CPU"):
        candidates = [node for node, total in nodes.items() if total.get(kind)]
        for node in sorted(candidates, key=lambda node: left[node][kind], reverse=True):
            gpus = nodes[node]["GPU"] if kind == "GPU" else 0.0
            requested = resources(nodes[node].get("CPU", 0.0), gpus, gpu_share, factor)
            if all(left[node][name] > amount - 1e-6 for name, amount in _occupied(requested).items()):
                return Placement(node, requested)
    return None


def _occupied(requested: dict[str, float]) -> dict[str, float]:
    """Resources that this trial blocks for others. Two trials of 0.4 GPU fill a GPU, so each occupies 0.5."""
    gpu = requested.get("GPU", 0.0)
    return {"CPU": requested["CPU"], "GPU": 1 / trials_per_gpu(gpu) if gpu else 0.0}


class PlacementPool:
    """Which trial (by key) has which placement, while nodes join and die.

    `list_nodes`: asks the cluster for the living nodes. `double_share`: trials that get twice the usual resources.
    `share_factor`: how many times its share every trial gets. `waiting`: trials that have lost their placement; they
    come before those that never had one.
    """

    def __init__(
        self,
        list_nodes: Callable[[], Nodes],
        gpu_share: float,
        double_share: frozenset[str] = frozenset(),
        share_factor: int = 1,
    ):
        self._list_nodes, self._gpu_share, self._double_share = list_nodes, gpu_share, double_share
        self._share_factor = share_factor
        self._taken: dict[str, Placement] = {}
        self.waiting: list[str] = []
        self._nodes, self._next_look = list_nodes(), time.monotonic() + SECONDS_BETWEEN_LOOKS

    def __getstate__(self) -> dict[str, object]:
        return {}  # Tune pickles what it was given so that it could restore it, which is never done here

    def has_placement(self, key: str) -> bool:
        return key in self._taken

    def acquire(self, key: str) -> Placement | None:
        """A free placement, which belongs to this trial from now on, or None."""
        if self.waiting and key not in self.waiting:
            return None
        factor = self._share_factor * (2 if key in self._double_share else 1)
        placement = choose(self._living_nodes(), self._taken.values(), self._gpu_share, factor)
        if placement:
            self._taken[key] = placement
            if key in self.waiting:
                self.waiting.remove(key)
        return placement

    def release(self, key: str) -> None:
        self._taken.pop(key, None)

    def lose(self, key: str) -> None:
        """Release it, and look at the nodes at once next time: the trial's node may have died."""
        self.release(key)
        self._next_look = 0.0

    def is_node_dead(self, key: str) -> bool:
        """Whether the node of this trial's placement has died."""
        return self._taken[key].node not in self._living_nodes()

    def _living_nodes(self) -> Nodes:
        if time.monotonic() >= self._next_look:
            self._nodes, self._next_look = self._list_nodes(), time.monotonic() + SECONDS_BETWEEN_LOOKS
        return self._nodes
