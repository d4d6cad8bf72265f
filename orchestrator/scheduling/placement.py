"""Where trials run that may use GPUs and processors side by side (`--device any`): each has a place on one node.

Ray would put a trial for a processor beside a GPU that then lacks a processor to feed it, while another node idles. So
the node is chosen here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.cluster.ray_runtime import resources, together

Nodes = dict[str, dict[str, float]]
"""The living nodes by Ray's id, and what each has: CPU, GPU."""
SECONDS_BETWEEN_LOOKS = 1.0
"""At the nodes, which join and die; not at each of Tune's events."""


@dataclass(frozen=True)
class Placement:
    """`node`: Ray's id of it. `resources`: what a trial asks for there; with a GPU among them it trains on that."""

    node: str
    resources: dict[str, float]


def choose(nodes: Nodes, taken: Iterable[Placement], gpu_share: float, times: int = 1) -> Placement | None:
    """A place on a GPU where one is free, else on a processor, else none. On the node with most left of it.

    `gpu_share`: the part of a GPU a trial gets. `times`: 2 for a trial that shall have half the neighbours.
    """
    left = {node: {kind: has.get(kind, 0.0) for kind in ("CPU", "GPU")} for node, has in nodes.items()}
    for place in taken:
        if place.node in left:
            for kind, amount in _takes(place.resources).items():
                left[place.node][kind] -= amount
    for kind in ("GPU", "CPU"):
        with_some = [node for node, has in nodes.items() if has.get(kind)]
        for node in sorted(with_some, key=lambda node: left[node][kind], reverse=True):
            gpus = nodes[node]["GPU"] if kind == "GPU" else 0.0
            asked = resources(nodes[node].get("CPU", 0.0), gpus, gpu_share, times)
            if all(left[node][name] > amount - 1e-6 for name, amount in _takes(asked).items()):
                return Placement(node, asked)
    return None


def _takes(asked: dict[str, float]) -> dict[str, float]:
    """What nobody else can have then: of a GPU that two trials with 0.4 each fill, each takes a half."""
    gpu = asked.get("GPU", 0.0)
    return {"CPU": asked["CPU"], "GPU": 1 / together(gpu) if gpu else 0.0}


class PlacementPool:
    """Who has which place, by the trial's key, while nodes join and die.

    `look`: asks for the living nodes. `roomier`: trials that shall have half the neighbours. `waiting`: trials that
    have lost their place; they come before any that never had one.
    """

    def __init__(self, look: Callable[[], Nodes], gpu_share: float, roomier: frozenset[str] = frozenset()):
        self._look, self._gpu_share, self._roomier = look, gpu_share, roomier
        self._taken: dict[str, Placement] = {}
        self.waiting: list[str] = []
        self._nodes, self._next_look = look(), time.monotonic() + SECONDS_BETWEEN_LOOKS

    def __getstate__(self) -> dict[str, object]:
        return {}  # Tune pickles what it was given so that it could restore it; we never do

    def has(self, key: str) -> bool:
        return key in self._taken

    def take(self, key: str) -> Placement | None:
        """A free place for this trial, which is its own from now on."""
        if self.waiting and key not in self.waiting:
            return None
        times = 2 if key in self._roomier else 1
        place = choose(self._living(), self._taken.values(), self._gpu_share, times)
        if place:
            self._taken[key] = place
            if key in self.waiting:
                self.waiting.remove(key)
        return place

    def give_back(self, key: str) -> None:
        self._taken.pop(key, None)

    def lose(self, key: str) -> None:
        """As `give_back`, where perhaps the node is lost too."""
        self.give_back(key)
        self._next_look = 0.0

    def is_gone(self, key: str) -> bool:
        """Whether the node of this trial's place has died."""
        return self._taken[key].node not in self._living()

    def _living(self) -> Nodes:
        if time.monotonic() >= self._next_look:
            self._nodes, self._next_look = self._look(), time.monotonic() + SECONDS_BETWEEN_LOOKS
        return self._nodes
