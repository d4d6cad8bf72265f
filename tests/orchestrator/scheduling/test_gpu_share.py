"""The part of a GPU that a trial gets."""

from __future__ import annotations

import pytest

from orchestrator.scheduling.gpu_share import MAX_TRIALS_PER_GPU, GpuDemand, share

GIB = 2**30


@pytest.mark.parametrize(
    ("demand", "trials_per_gpu"),
    [
        (GpuDemand(10 * GIB, 80 * GIB, 0.05), 7),  # as many as its memory holds, a tenth spared
        (GpuDemand(1 * GIB, 80 * GIB, 0.30), 4),  # three keep it busy, one more fills the gaps
        (GpuDemand(1 * GIB, 80 * GIB, 1.0), 2),
        (GpuDemand(79 * GIB, 80 * GIB, 0.10), 1),  # the pilot fitted, so it gets the whole
        (GpuDemand(1, 80 * GIB, 0.0), MAX_TRIALS_PER_GPU),
    ],
)
def test_memory_and_time_both_bound_how_many_share_a_gpu(demand: GpuDemand, trials_per_gpu: int) -> None:
    assert share(demand) == pytest.approx(1 / trials_per_gpu)
