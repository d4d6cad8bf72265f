"""How many trials a machine runs at once."""

from __future__ import annotations

import pytest

from orchestrator.cluster import slots


@pytest.mark.parametrize(
    ("cpus", "gpus", "share", "expected"), [(8, 0, 0.25, 8), (8, 1, 0.25, 4), (2, 1, 0.25, 2), (16, 2, 1.0, 2)]
)
def test_trials_take_a_processor_and_a_part_of_a_gpu_each(cpus: int, gpus: int, share: float, expected: int) -> None:
    assert slots(cpus, gpus, share) == expected
