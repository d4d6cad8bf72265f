"""Importance where the shares of the variance are known."""

from __future__ import annotations

import subprocess
from itertools import product

import optuna
import pytest
from support.commands import program
from support.made_results import result

from orchestrator.statistics.importance import MIN_RUNS, Importance, factor_importance
from orchestrator.statistics.result import Result


def runs(seeds: int = 3) -> list[Result]:
    """Of the variance of `final`, 4/5 is lr's and 1/5 noise's; being stable is all lr's."""
    return [
        result(stable=lr == 1e-4, final=50.0 + 2 * (lr == 1e-3) + noise, seed=seed, lr=lr, noise=noise, r1=r1)
        for seed, lr, noise, r1 in product(range(seeds), (1e-4, 1e-3), (0, 1), ([0, 1], "none"))
    ]


def test_shares_of_the_variance_are_what_they_were_made() -> None:
    shares = factor_importance(runs(), "final")
    assert shares is not None
    assert shares.factors == pytest.approx({"lr": 0.8, "noise": 0.2, "r1": 0.0}, abs=0.05)
    assert shares.seed == pytest.approx(0.0, abs=0.01)
    assert list(shares.factors) == ["lr", "noise", "r1"]
    stable = factor_importance(runs(), "stable")
    assert stable is not None and stable.factors["lr"] == pytest.approx(1.0, abs=0.01)


def test_luck_of_the_seed_is_named_beside_the_factors() -> None:
    lucky = [result(final=float(seed), seed=seed, lr=lr, noise=n) for seed, lr, n in product((0, 1, 2), (1, 2), (1, 2))]
    shares = factor_importance(lucky, "final")
    assert shares is not None and shares.seed == pytest.approx(1.0, abs=0.05)
    alone = factor_importance(runs(seeds=1), "final")
    assert alone is not None and alone.seed is None


def test_it_is_the_same_every_time_says_nothing_and_leaves_optuna_as_it_was(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)
    first, second = factor_importance(runs(), "final"), factor_importance(runs(), "final")
    assert isinstance(first, Importance) and first == second
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert (*capfd.readouterr(), [*recwarn]) == ("", "", [])


def test_nothing_is_said_where_nothing_can_be_known() -> None:
    one_factor = [result(final=float(lr), seed=seed, lr=lr, noise=1) for seed in range(5) for lr in (1, 2)]
    assert factor_importance(one_factor, "final") is None
    alike = [result(final=1.0, seed=seed, lr=lr, noise=n) for seed, lr, n in product((0, 1, 2), (1, 2), (1, 2))]
    assert factor_importance(alike, "stable") is None
    assert factor_importance(alike, "final") is None
    assert factor_importance(runs()[: MIN_RUNS - 1], "final") is None
    assert factor_importance([], "final") is None


def test_runs_without_quality_do_not_count_in_quality() -> None:
    blown = [result(stable=False, final=None, seed=9, lr=5.0, noise=noise, r1=0) for noise in (0, 1)]
    assert factor_importance(runs() + blown, "final") == factor_importance(runs(), "final")


def test_optuna_is_not_imported_before_it_is_needed() -> None:
    command = program("imports_of_module", "optuna", "orchestrator.statistics.importance")
    assert subprocess.run(command, check=False).returncode == 0
