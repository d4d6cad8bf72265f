"""Wilson's interval is that of scipy."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from gan_core.wilson import wilson_interval


@pytest.mark.parametrize(("hits", "total"), [(0, 1), (1, 1), (0, 143), (3, 143), (143, 143), (9_999, 10_000)])
def test_it_is_that_of_scipy(hits: int, total: int) -> None:
    expected = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    assert wilson_interval(hits / total, total) == pytest.approx((expected.low, expected.high), abs=1e-12)
