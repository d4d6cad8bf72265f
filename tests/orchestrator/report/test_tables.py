"""The tables beside the page, as other programs read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from support.made_runs import LR, NOISE, ONE, TWO, drawn, made_run, made_sweep, measured, noise_decides

from orchestrator.report import tables
from orchestrator.report.analysis import analyse
from orchestrator.report.content import report_content
from orchestrator.report.data import SweepData
from orchestrator.report.merge import merged


def written(data: SweepData, folder: Path) -> Path:
    tables.write(report_content(data), folder)
    return folder


def test_every_trial_has_a_row_with_its_verdict_its_factors_and_its_last_metrics(tmp_path: Path) -> None:
    diverged = made_run({LR: 2e-4, NOISE: 0.1}, 1, "diverged", since=10, reason='beyond 100, "so" it\nsays')
    runs = [
        measured(made_run({LR: 2e-4, NOISE: 0.1}, 0), 4.0),
        measured(diverged, 0.5, TWO),
        made_run({LR: 1e-3}, 0, "", group="h"),
        made_run({LR: 1e-3}, 1, "", group="h", status="failed"),
    ]
    table = pd.read_csv(written(made_sweep(*runs), tmp_path) / "trials.csv")
    assert list(table["trial"]) == [run.name for run in runs]
    assert list(table["key"]) == [run.key for run in runs]
    assert list(table["seed"]) == [0, 1, 0, 1]
    assert list(table["status"]) == ["finished", "finished", "pending", "failed"]
    assert list(table["verdict"].fillna("")) == ["stable", "diverged", "", ""]
    assert list(table["since_step"].fillna(-1)) == [-1, 10, -1, -1]
    assert list(table["reason"].fillna(""))[1] == 'beyond 100, "so" it\nsays'
    assert list(table[LR]) == [2e-4, 2e-4, 1e-3, 1e-3]
    assert list(table[NOISE].fillna(-1)) == [0.1, 0.1, -1, -1]
    assert table[f"frechet/{ONE}"][0] == 4.0
    assert table[f"frechet/{TWO}"][1] == 0.5


def test_every_point_of_every_history_has_a_row(tmp_path: Path) -> None:
    runs = [drawn(made_run(seed=0)), measured(made_run(seed=1), 4.0), made_run(seed=2)]
    runs[0].history["accuracy/auc"] = (np.arange(1000), np.random.default_rng(0).normal(size=1000))
    table = pd.read_parquet(written(made_sweep(*runs), tmp_path) / "histories.parquet")
    assert list(table.columns) == ["trial", "metric", "step", "value"]
    assert len(table) == sum(len(steps) for run in runs for steps, _ in run.history.values())
    for run in runs:
        for metric, (steps, values) in run.history.items():
            own = table[(table["trial"] == run.name) & (table["metric"] == metric)]
            assert np.array_equal(own["step"], steps)
            assert np.array_equal(own["value"], values)  # as they were, to the last bit


def test_every_effect_has_a_row_with_its_interval(tmp_path: Path) -> None:
    data = made_sweep(*(measured(run, 3.0 if run.verdict == "stable" else 50.0 + run.seed) for run in noise_decides(8)))
    table = pd.read_csv(written(data, tmp_path) / "effects.csv").set_index("factor")
    expected = {effect.factor: effect for effect in analyse(data).effects}
    assert set(table.index) == set(expected) == {LR, NOISE}
    noise, effect = table.loc[NOISE], expected[NOISE]
    assert (noise["before"], noise["after"], noise["pairs"], noise["seeds"]) == (0, 0.1, 16, 8)
    assert effect.wins is not None
    for mean, name, change in (("stable_change", "stable", effect.stable), ("better_images", "better", effect.wins)):
        numbers = [noise[column] for column in (mean, f"{name}_low", f"{name}_high", f"{name}_p")]
        np.testing.assert_allclose(numbers, [change.mean, change.low, change.high, change.p])
    lr, ratio = table.loc[LR], expected[LR].ratio
    assert ratio is not None
    np.testing.assert_allclose([lr["frechet_ratio"], lr["frechet_low"], lr["frechet_high"]], ratio[:3])
    assert (lr["frechet_pairs"], noise["frechet_pairs"]) == (8, 0)
    assert list(table["stable_holds"]) == [effect.stable_holds for effect in expected.values()]
    assert list(table["images_hold"]) == [effect.images_hold for effect in expected.values()]
    assert noise["seeds_to_show"] == effect.seeds_to_show
    assert noise["better_images"] == 1.0


def test_where_nothing_was_measured_quality_is_empty(tmp_path: Path) -> None:
    table = pd.read_csv(written(made_sweep(*noise_decides(2)), tmp_path) / "effects.csv")
    assert table[["frechet_ratio", "frechet_p", "better_images", "better_p"]].isna().all(axis=None)


def test_a_sweep_of_which_nothing_has_run_has_tables_that_can_be_read(tmp_path: Path) -> None:
    written(made_sweep(made_run({NOISE: 0.0}, verdict=""), made_run({NOISE: 0.1}, verdict="")), tmp_path)
    assert len(pd.read_csv(tmp_path / "trials.csv")) == 2
    assert len(pd.read_parquet(tmp_path / "histories.parquet")) == 0


def test_sweeps_that_share_a_trial_are_compared(tmp_path: Path) -> None:
    """The same settings, data and seed have the same key in both."""
    before, after = (made_sweep(drawn(made_run(seed=0, hardware=name)), name=name) for name in ("before", "after"))
    table = pd.read_parquet(written(merged([before, after]), tmp_path) / "histories.parquet")
    assert table["trial"].nunique() == 2


def test_without_effects_there_is_a_header(tmp_path: Path) -> None:
    table = pd.read_csv(written(made_sweep(made_run(seed=0)), tmp_path) / "effects.csv")
    assert len(table) == 0
    assert {"factor", "stable_change", "frechet_high", "better_images"} <= set(table.columns)
