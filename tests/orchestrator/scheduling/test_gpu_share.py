"""The part of a GPU that a trial gets."""

from __future__ import annotations

import pytest

from orchestrator.scheduling.gpu_share import MAX_TOGETHER, Need, share

GIB = 2**30


@pytest.mark.parametrize(
    ("need", "together"),
    [
        (Need(10 * GIB, 80 * GIB, 0.05), 7),  # as many as its memory holds, a tenth spared
        (Need(1 * GIB, 80 * GIB, 0.30), 4),  # three keep it busy, one more fills the gaps
        (Need(1 * GIB, 80 * GIB, 1.0), 2),
        (Need(79 * GIB, 80 * GIB, 0.10), 1),  # the pilot fitted, so it gets the whole
        (Need(1, 80 * GIB, 0.0), MAX_TOGETHER),
    ],
)
def test_memory_and_time_both_bound_how_many_share_a_gpu(need: Need, together: int) -> None:
    assert share(need) == pytest.approx(1 / together)
