"""How many trials run at once, and what each requests from Ray."""

from __future__ import annotations

import pytest

from orchestrator.cluster.capacity import resources, slots


@pytest.mark.parametrize(
    ("cpus", "gpus", "share", "expected"),
    [(8, 0, 0.25, 8), (8, 1, 0.25, 4), (2, 1, 0.25, 2), (16, 2, 1.0, 2), (16, 2, 0.4, 4)],
)
def test_trials_take_a_processor_and_a_part_of_a_gpu_each(cpus: int, gpus: int, share: float, expected: int) -> None:
    assert slots(cpus, gpus, share) == expected


@pytest.mark.parametrize(
    ("cpus", "gpus", "factor", "expected"),
    [(8, 0, 2, 4), (8, 0, 4, 2), (3, 0, 2, 1), (3, 0, 4, 1), (8, 1, 2, 2), (8, 1, 8, 1), (8, 2, 8, 2)],
)
def test_with_a_larger_share_each_fewer_trials_run_at_once(cpus: int, gpus: int, factor: int, expected: int) -> None:
    assert slots(cpus, gpus, 0.25, factor) == expected


@pytest.mark.parametrize(
    ("cpus", "gpus", "share", "once", "twice"),
    [
        (8, 0, 0.25, {"CPU": 1}, {"CPU": 2}),
        (1, 0, 0.25, {"CPU": 1}, {"CPU": 1}),
        (8, 2, 0.25, {"CPU": 1, "GPU": 0.25}, {"CPU": 1, "GPU": 0.5}),
        (8, 2, 0.7, {"CPU": 1, "GPU": 0.7}, {"CPU": 1, "GPU": 1}),
    ],
)
def test_a_second_try_has_fewer_neighbours_on_the_device(
    cpus: int, gpus: int, share: float, once: dict[str, float], twice: dict[str, float]
) -> None:
    assert resources(cpus, gpus, share, 1) == once
    assert resources(cpus, gpus, share, 2) == twice
