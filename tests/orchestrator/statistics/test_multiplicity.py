"""Holm's adjustment against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from orchestrator.statistics.multiplicity import holm


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_holm_s_adjustment_is_statsmodels(count: int) -> None:
    p_values = np.random.default_rng(count).beta(0.3, 2, count).round(2)
    assert holm(list(p_values)) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


def test_it_steps_down_and_never_up() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
