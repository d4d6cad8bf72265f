"""The nodes of a cluster, as `orchestrate status` shows them."""

from __future__ import annotations

from typing import Any

from orchestrator.cluster.nodes import Node, from_ray


def node(address: str, alive: bool = True, **has: float) -> dict[str, Any]:
    """As `ray.nodes()` tells of one."""
    named = {"accelerator_type:H100": 1.0} if has.get("GPU") else {}
    return {"NodeManagerAddress": address, "Alive": alive, "Resources": {**has, **named, f"node:{address}": 1.0}}


def test_nodes_tell_their_devices_and_how_many_trials_run_on_them() -> None:
    ray_nodes = [node("10.0.0.3", alive=False), node("10.0.0.2", CPU=8.0, GPU=1.0), node("10.0.0.1")]
    assert from_ray(ray_nodes, ["10.0.0.2", "10.0.0.2", "10.0.0.3"]) == [
        Node("10.0.0.1", True, 0.0, 0.0, "", 0),
        Node("10.0.0.2", True, 8.0, 1.0, "H100", 2),
        Node("10.0.0.3", False, 0.0, 0.0, "", 0),
    ]
