"""Each configuration by itself."""

from __future__ import annotations

from support.made_results import result

from orchestrator.statistics.configurations import summarize_configurations
from orchestrator.statistics.intervals import wilson_share


def test_runs_that_diverged_stay_in_the_denominator_and_out_of_the_quality() -> None:
    runs = [
        result(final=4.0, best=1.0, seed=0, lr=1),
        result(final=6.0, best=5.0, seed=1, lr=1),
        result(stable=False, seed=2, lr=1),
        result(stable=False, seed=0, lr=2),
    ]
    fine, blown = summarize_configurations(runs)
    assert (fine.name, fine.group, fine.stable) == ("g {'lr': 1}", "g", wilson_share(2, 3))
    assert (fine.final, fine.best, fine.gap) == ((5.0, None, None, 2), (3.0, None, None, 2), (2.0, None, None, 2))
    assert (blown.stable[:2], blown.final, blown.best, blown.gap) == ((0, 1), None, None, None)


def test_unfinished_runs_are_not_in_the_share() -> None:
    runs = [result(stable=stable, seed=seed) for seed, stable in enumerate((True, None, False))]
    (summary,) = summarize_configurations(runs)
    assert summary.stable == wilson_share(1, 2)
