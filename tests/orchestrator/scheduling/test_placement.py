"""Which placement a trial gets where GPUs and CPUs train side by side."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.scheduling import placement
from orchestrator.scheduling.placement import Nodes, Placement, PlacementPool, choose

CLUSTER: Nodes = {"a": {"CPU": 4, "GPU": 1}, "b": {"CPU": 2}, "head": {"memory": 1e9}}


def filled(nodes: Nodes, gpu_share: float, factor: int = 1) -> list[Placement]:
    """The placements of trials that come one after another, until there is none left."""
    taken: list[Placement] = []
    while placement := choose(nodes, taken, gpu_share, factor):
        taken.append(placement)
    return taken


def test_gpus_are_filled_first_then_the_processors_that_they_leave() -> None:
    placements = filled(CLUSTER, 0.5)
    assert placements[:2] == [Placement("a", {"CPU": 1, "GPU": 0.5})] * 2
    assert sorted(placement.node for placement in placements[2:]) == ["a", "a", "b", "b"]
    assert all(placement.resources == {"CPU": 1} for placement in placements[2:])


def test_a_gpu_that_becomes_free_goes_before_a_free_processor() -> None:
    taken = filled(CLUSTER, 0.5)
    taken.remove(Placement("a", {"CPU": 1, "GPU": 0.5}))
    taken.remove(Placement("b", {"CPU": 1}))
    assert choose(CLUSTER, taken, 0.5) == Placement("a", {"CPU": 1, "GPU": 0.5})


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), max_size=4),
    st.floats(0.05, 1.0),
    st.integers(0, 2**32),
)
@settings(max_examples=100, deadline=None)
def test_no_processor_idles_and_no_gpu_that_has_one_to_feed_it(
    machines: list[tuple[int, int]], share: float, seed: int
) -> None:
    """Whatever ends when: after it has been filled again everything is in use."""
    nodes: Nodes = {str(n): {"CPU": cpus, "GPU": gpus} for n, (cpus, gpus) in enumerate(machines)}
    taken, generator = list[Placement](), random.Random(seed)
    for _ in range(4):
        while placement := choose(nodes, taken, share):
            taken.append(placement)
        for node, has in nodes.items():
            on_node = [placement.resources for placement in taken if placement.node == node]
            assert len(on_node) == has["CPU"]
            on_gpus = sum("GPU" in resources for resources in on_node)
            assert on_gpus == min(has["CPU"], has["GPU"] * math.floor(1 / share + 1e-9))
        taken = [placement for placement in taken if generator.random() < 0.5]


def test_trials_of_a_node_that_died_take_nothing_from_the_others() -> None:
    taken = filled(CLUSTER, 0.5)
    rest: Nodes = {"b": {"CPU": 2}}
    assert choose(rest, taken, 0.5) is None
    assert choose(rest | {"c": {"CPU": 1, "GPU": 1}}, taken, 0.5) == Placement("c", {"CPU": 1, "GPU": 0.5})


def test_what_ran_out_of_memory_gets_twice_the_share_of_either() -> None:
    assert filled(CLUSTER, 0.5, factor=2) == [
        Placement("a", {"CPU": 1, "GPU": 1}),
        Placement("a", {"CPU": 2}),
        Placement("b", {"CPU": 2}),
    ]
    assert choose({"one": {"CPU": 1}}, [], 0.5, factor=2) == Placement("one", {"CPU": 1})


def test_nodes_that_join_give_placements_and_those_that_die_take_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    now, nodes = [0.0], dict[str, dict[str, float]](a={"CPU": 1})
    monkeypatch.setattr(placement.time, "monotonic", lambda: now[0])
    pool = PlacementPool(lambda: dict(nodes), 0.5)
    assert pool.acquire("first") and not pool.acquire("second")
    nodes["b"] = {"CPU": 1, "GPU": 1}
    assert not pool.acquire("second"), "it asks for the nodes once a second"
    now[0] = 1.0
    assert pool.acquire("second") == Placement("b", {"CPU": 1, "GPU": 0.5})
    del nodes["b"]
    assert not pool.is_node_dead("second")
    now[0] = 2.0
    assert pool.is_node_dead("second") and not pool.is_node_dead("first")


def test_who_lost_a_placement_with_its_node_does_not_get_it_again() -> None:
    nodes: Nodes = {"a": {"CPU": 1, "GPU": 1}, "b": {"CPU": 1}}
    pool = PlacementPool(lambda: dict(nodes), 0.5)
    assert pool.acquire("first") == Placement("a", {"CPU": 1, "GPU": 0.5})
    del nodes["a"]
    pool.lose("first")
    assert pool.acquire("first") == Placement("b", {"CPU": 1})


def test_who_lost_a_placement_comes_before_those_who_never_had_one() -> None:
    pool = PlacementPool(lambda: {"a": {"CPU": 1}}, 0.5)
    assert pool.acquire("first")
    pool.release("first")
    pool.waiting.append("first")
    assert not pool.acquire("second")
    assert pool.acquire("first")
    pool.release("first")
    assert pool.acquire("second")
