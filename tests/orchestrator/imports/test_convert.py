"""Runs under the names of their source -> runs under the names of the report."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.errors import UserError
from orchestrator.imports.convert import convert, factors_of
from orchestrator.imports.imported_run import ImportedRun
from orchestrator.imports.mapping import LossSource, Mapping, MetricSource, StepSource
from orchestrator.imports.source_run import Point, SourceLog, SourceRun
from orchestrator.imports.values import NOT_SET

METRICS = {"loss/generator": MetricSource("g"), "frechet": MetricSource("fid")}


def run(name: str = "a", last: float = 10, **settings: Any) -> SourceRun:
    points = [Point(position, 1.0) for position in (0, last / 2, last)]
    return SourceRun(name, settings, {"g": points, "fid": [Point(last, 9.0)]})


def converted(*runs: SourceRun, **more: Any) -> list[ImportedRun]:
    return found(*runs, **more)[0]


def found(*runs: SourceRun, **more: Any) -> tuple[list[ImportedRun], list[str]]:
    fields: dict[str, Any] = {
        "settings": {"optimizer.lr": "lr"},
        "seed": "seed",
        "metrics": METRICS,
        "evaluator": "FID",
    }
    written = {f"metrics.{name}": "map.yaml:9" for name in METRICS} | {"seed": "map.yaml:5", "settings": "map.yaml:3"}
    mapping = Mapping("map.yaml", "", "s", "", kind="csv", source="h.csv", written=written, **(fields | more))
    log = SourceLog("h.csv", list(runs), ["note"])
    return convert(log, mapping, 0)


def errors(*runs: SourceRun, **more: Any) -> list[str]:
    with pytest.raises(UserError) as caught:
        converted(*runs, **more)
    return str(caught.value).split("\n")


def test_settings_and_seeds_get_the_names_of_the_report() -> None:
    [made] = converted(run(lr="1e-3", seed="4"), settings={"optimizer.lr": "lr", "again": "lr"})
    assert made.seed == 4 and made.group == "imported" and made.settings == {"optimizer.lr": "1e-3", "again": "1e-3"}


@pytest.mark.parametrize(
    ("step", "settings", "last"),
    [
        (StepSource(), {}, 10),
        (StepSource("kimg", "kimg", 64), {}, 156),
        (StepSource("n", "images", "batch"), {"batch": 5}, 2),
        (StepSource("e", "epochs", None, "per_epoch"), {"per_epoch": 100}, 1_000),
    ],
)
def test_steps_come_from_images_and_epochs(step: StepSource, settings: dict[str, Any], last: int) -> None:
    [made] = converted(run(lr=1, seed=0, **settings), step=step)
    assert made.last_step == last
    if step.batch_size:
        assert made.history.rows[-1]["images/generator"] == last * (64 if step.unit == "kimg" else 5)


def test_runs_without_seeds_are_numbered_in_the_order_of_their_names() -> None:
    runs = [run("r10", lr=1), run("r9", lr=1), run("r1", lr=2)]
    assert [made.seed for made in converted(*runs, seed="", without_seeds=True)] == [1, 0, 0]


def test_a_run_without_a_seed_is_told_what_to_write() -> None:
    lines = errors(run("a", lr=1, seed="x"), run("b", lr=1), run("c", lr=1, seed=1.5))
    assert [line.split(";")[0] for line in lines] == [
        "map.yaml:5: seed: the run 'a' has 'x'",
        "map.yaml:5: seed: the run 'b' has none",
        "map.yaml:5: seed: the run 'c' has 1.5",
    ]
    assert all("`without_seeds: true`" in line for line in lines)


def test_a_configuration_with_the_same_seed_twice_names_both_runs() -> None:
    [line] = errors(run("a", lr=1, seed=0), run("b", lr=1, seed=0), run("c", lr=2, seed=0))
    assert "the runs 'a' and 'b' have the same settings and seed 0" in line
    assert len(converted(run("a", lr=1, seed=0, m="x"), run("b", lr=1, seed=0, m="y"), group="m")) == 2


def test_names_that_no_run_has_are_told_with_the_nearest_one() -> None:
    lines = errors(
        run(learning_rate=1, seeds=0, batch=3),
        settings={"optimizer.lr": "learning_rat"},
        step=StepSource("", "kimg", "bacth"),
        metrics={"loss/generator": MetricSource("gg"), "frechet": MetricSource("fid")},
    )
    assert lines[0].endswith("settings.optimizer.lr: no run has 'learning_rat', did you mean learning_rate?")
    assert "seed: no run has 'seed', did you mean seeds?" in lines[1] and "`without_seeds: true`" in lines[1]
    assert "step.batch_size: no run has 'bacth', did you mean batch?" in lines[2]
    assert "metrics.loss/generator: no run has 'gg'" in lines[3]


def test_levels_are_of_one_kind_and_a_missing_one_has_a_name() -> None:
    made = converted(run("a", lr=1, seed=0), run("b", lr=0.5, seed=0), run("c", seed=0), run("d", lr=True, seed=0))
    assert [one.settings["optimizer.lr"] for one in made] == [1.0, 0.5, NOT_SET, True]


def test_factors_are_the_settings_that_vary() -> None:
    settings = {"lr": "lr", "norm": "norm", "ema": "ema"}
    made = converted(
        run("a", lr=1, norm="β", ema=True, seed=0), run("b", lr=2, norm="β", ema=False, seed=0), settings=settings
    )
    assert factors_of(made) == ["lr", "ema"]


def test_percent_is_told_from_a_share() -> None:
    percent = SourceRun("a", {"lr": 1, "seed": 0}, {"acc": [Point(1, 97.0)], "g": [Point(1, 1.0)]})
    metrics = {"accuracy/discriminator": MetricSource("acc"), "loss/generator": MetricSource("g")}
    [line] = errors(percent, metrics=metrics)
    assert "97 in the run 'a': it is a share, from 0 to 1; of percent write {name: acc, divide_by: 100}" in line
    metrics["accuracy/discriminator"] = MetricSource("acc", 100.0)
    assert converted(percent, metrics=metrics)[0].history.rows[0]["accuracy/discriminator"] == 0.97


def test_a_distance_below_zero_is_refused() -> None:
    wrong = SourceRun("a", {"lr": 1, "seed": 0}, {"g": [Point(1, 1.0)], "fid": [Point(1, -1.0)]})
    assert "-1 in the run 'a': it is at least 0; leave out what was not measured" in errors(wrong)[0]


def test_a_run_without_a_step_is_refused() -> None:
    assert "no value of a mapped metric after step 0" in errors(run("a", last=0, lr=1, seed=0))[0]


def test_losses_of_runs_are_told_by_a_column() -> None:
    loss = LossSource(column="mode", values={"wgangp": "wasserstein"})
    made = converted(run("a", lr=1, seed=0, mode="wgangp"), run("b", lr=1, seed=1, mode="hinge"), loss=loss)
    assert [one.loss for one in made] == ["wasserstein", "hinge"]
    [line] = errors(run("a", lr=1, seed=0, mode="lsgan"), loss=loss)
    assert "'lsgan' is no loss; say what it means: {column: mode, values: {lsgan: bce}}" in line


def test_runs_of_different_length_are_told() -> None:
    _, cautions = found(run("a", 10, lr=1, seed=0), run("b", 40, lr=1, seed=1))
    assert "different lengths (10 to 40 steps)" in cautions[0]
    assert found(run("a", 40, lr=1, seed=0), run("b", 40, lr=1, seed=1))[1] == []


def test_evaluators_of_the_source_are_kept_apart() -> None:
    runs = [SourceRun(n, {"lr": 1, "seed": i}, {"fid": [Point(1, 9.0)]}, f"FID on {n}") for i, n in enumerate("ab")]
    made, cautions = found(*runs, evaluator="", metrics={"frechet": MetricSource("fid")})
    assert len({name for one in made for name in one.metrics if name.startswith("frechet/")}) == 2
    assert "measured in several ways" in cautions[0]
