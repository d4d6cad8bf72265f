"""Expectation propagation against the exact posterior, by quadrature, where that can be computed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from orchestrator.statistics.probit_process import find_sites


def exact(kernel: np.ndarray, outcomes: np.ndarray) -> tuple[float, np.ndarray]:
    """(log of the probability of the outcomes, means of f) of two points, on a grid."""
    axis = np.linspace(-14, 14, 801)
    first, second = np.meshgrid(axis, axis, indexing="ij")
    density = multivariate_normal(np.zeros(2), kernel).pdf(np.dstack([first, second]))
    density *= norm.cdf(outcomes[0] * first) * norm.cdf(outcomes[1] * second) * (axis[1] - axis[0]) ** 2
    total = density.sum()
    return float(np.log(total)), np.array([(first * density).sum(), (second * density).sum()]) / total


@pytest.mark.parametrize("outcomes", [(1.0, 1.0), (1.0, -1.0)])
@pytest.mark.parametrize("height", [1.0, 3.0])
def test_two_outcomes_are_as_exact_integration_has_them(outcomes: tuple[float, float], height: float) -> None:
    kernel = height**2 * np.array([[1.0, 0.6], [0.6, 1.0]])
    sites = find_sites(kernel[None], np.array(outcomes))
    evidence, means = exact(kernel, np.array(outcomes))
    assert sites.evidence[0] == pytest.approx(evidence, abs=0.02)
    assert kernel @ sites.weights[0] == pytest.approx(means, abs=0.05 * height)


def test_one_outcome_is_exact() -> None:
    """With one outcome nothing is approximated: Rasmussen and Williams (2006), equation 3.82."""
    sites = find_sites(np.array([[[4.0]]]), np.array([1.0]))
    assert sites.evidence[0] == pytest.approx(np.log(0.5), abs=1e-6)
    mean = 4 * norm.pdf(0) / (0.5 * np.sqrt(5))
    assert 4 * sites.weights[0, 0] == pytest.approx(mean, rel=1e-3)
    variance = 4 - 16 * sites.gain[0, 0, 0]
    assert variance == pytest.approx(4 - mean**2, rel=1e-3)


def test_kernels_beside_one_another_do_not_mix() -> None:
    one, other = np.eye(3) + 0.5, 9 * np.eye(3) + 1.0
    outcomes = np.array([1.0, -1.0, 1.0])
    both = find_sites(np.stack([one, other]), outcomes)
    alone = find_sites(other[None], outcomes)
    assert both.evidence[1] == pytest.approx(alone.evidence[0], abs=1e-3)
    assert both.weights[1] == pytest.approx(alone.weights[0], abs=1e-2)
