"""What the page's scripts read: small, plain, and the same numbers."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from support.made_runs import NOISE, ONE, TWO, drawn, made_run, made_sweep, measured

from orchestrator.report import page_data
from orchestrator.report.page_data import PackedCurve, PageModel, page_model, thin


def unpacked(model: PageModel, curve: PackedCurve | None) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values as the page's scripts read them."""
    assert curve is not None
    axis, values = curve
    steps = np.frombuffer(base64.b64decode(model["axes"][axis]), dtype="<u4")
    return steps, np.frombuffer(base64.b64decode(values), dtype="<f4")


def test_packed_curves_hold_the_histories() -> None:
    rng = np.random.default_rng(0)
    runs = [made_run(seed=seed) for seed in range(3)]
    for run in runs:
        length = 30 + run.seed
        run.history = {"loss/generator": (np.arange(1, length + 1) * 10, rng.normal(size=length))}
    model = page_model(made_sweep(*runs))
    (metric,) = model["metrics"]
    assert metric["title"] == "Generator loss"
    for run, curve in zip(runs, metric["curves"], strict=True):
        steps, values = unpacked(model, curve)
        assert np.array_equal(steps, run.history["loss/generator"][0])
        np.testing.assert_allclose(values, run.history["loss/generator"][1], rtol=1e-6)


def test_curves_at_the_same_steps_share_an_axis() -> None:
    runs = [drawn(made_run(seed=0)), drawn(made_run(seed=1)), made_run(seed=2)]
    runs[2].history = {"loss/generator": (np.array([5]), np.array([1.0]))}
    model = page_model(made_sweep(*runs))
    assert len(model["axes"]) == 2
    losses = model["metrics"][0]["curves"]
    assert [curve[0] for curve in losses] == [0, 0, 1]


def test_a_trial_without_a_metric_keeps_its_place_and_nothing_measured_is_no_metric() -> None:
    model = page_model(
        made_sweep(measured(made_run(seed=0), 3.0), made_run(seed=1), measured(made_run(seed=2), 0.5, TWO))
    )
    curves = {metric["title"]: [curve is not None for curve in metric["curves"]] for metric in model["metrics"]}
    assert curves == {
        f"Frechet distance ({ONE})": [True, False, False],
        f"Frechet distance ({TWO})": [False, False, True],
        f"Coverage ({ONE})": [True, False, False],
        f"Coverage ({TWO})": [False, False, True],
    }


def test_values_that_a_float_cannot_hold_stay_finite() -> None:
    run = made_run(verdict="diverged", history={"loss/generator": (np.array([1, 2]), np.array([1e300, -1e300]))})
    model = page_model(made_sweep(run))
    _, values = unpacked(model, model["metrics"][0]["curves"][0])
    assert np.isfinite(values).all()
    assert values[0] > 1e38 > -1e38 > values[1]


@pytest.mark.parametrize("most", [2, 3, 7, 99, 100, 101])
def test_a_thinned_curve_keeps_its_ends_its_order_and_at_most_so_many_points(most: int) -> None:
    steps, values = np.arange(100) * 5, np.linspace(3.0, -1.0, 100)
    kept_steps, kept_values = thin((steps, values), most)
    assert len(kept_steps) == len(kept_values) == min(most, 100)
    assert (kept_steps[0], kept_steps[-1]) == (0, 495)
    assert (np.diff(kept_steps) > 0).all()
    np.testing.assert_array_equal(kept_values, values[kept_steps // 5])  # each value stays with its step
    assert np.diff(kept_steps).max() - np.diff(kept_steps).min() <= 5


def test_many_long_curves_are_thinned_to_the_pages_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_data, "MAX_POINTS", 1000)
    runs = [made_run(seed=seed) for seed in range(10)]
    for run in runs:
        run.history = {"loss/generator": (np.arange(500), np.ones(500)), "accuracy/auc": (np.arange(7), np.ones(7))}
    model = page_model(made_sweep(*runs))
    lengths = [[len(unpacked(model, curve)[0]) for curve in metric["curves"]] for metric in model["metrics"]]
    assert lengths == [[50] * 10, [7] * 10]


def test_a_trial_is_told_by_names_and_levels_as_people_write_them() -> None:
    run = measured(made_run({NOISE: 2e-4, "stabilizers.diff_augment": True}, 3, "collapsed"), 4.0)
    (trial,) = page_model(made_sweep(run))["trials"]
    assert trial["factors"] == {"noise": "2e-4", "diff_augment": "on"}
    identity = {name: trial[name] for name in ("name", "group", "seed", "outcome", "stable", "final", "confirms")}
    assert identity == {
        "name": run.name, "group": "g", "seed": 3, "outcome": "collapsed", "stable": False, "final": 4.0,
        "confirms": False,
    }  # fmt: skip


def test_what_has_not_ended_or_is_unfinished_is_neither_stable_nor_unstable() -> None:
    runs = [made_run(), made_run(verdict="diverged"), made_run(verdict="", status="failed"), made_run(verdict="")]
    runs.append(made_run(verdict="unfinished"))
    trials = page_model(made_sweep(*(measured(run, 4.0) for run in runs)))["trials"]
    assert [trial["stable"] for trial in trials] == [True, False, False, None, None]
    assert [trial["final"] for trial in trials] == [4.0, None, None, 4.0, 4.0]


def test_the_model_is_plain_json() -> None:
    model = page_model(made_sweep(drawn(measured(made_run({NOISE: 0.1}), 4.0)), made_run(verdict="")))
    text = json.dumps(model, allow_nan=False)
    assert json.dumps(json.loads(text)) == text
