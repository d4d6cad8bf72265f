"""What the report says and shows of settings that were drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from numpy.random import default_rng
from support.made_points import LR, SPACE, Drawn
from support.made_runs import made_run, made_sweep, page_of
from support.made_sweeps import drawn_points

from orchestrator.report import tables
from orchestrator.report.analysis import analyse
from orchestrator.report.artifact_schemas import LoggedAnswer
from orchestrator.report.content import ReportContent, report_content
from orchestrator.report.data import SweepData
from orchestrator.report.drawn_figures import drawn_figures
from orchestrator.report.drawn_settings import rows_of, sentences
from orchestrator.report.page_data import page_model
from orchestrator.report.static_figures import write as write_pictures
from orchestrator.report.value_bins import bin_labels, bin_number, level_order, with_bins
from orchestrator.space import Integers, Interval
from orchestrator.statistics.sampled_effects import sampled_effects

NAMES = {"g": {path: path for path in SPACE.paths}}


@pytest.fixture(scope="module")
def content() -> ReportContent:
    return report_content(drawn_points())


def few(points: int, seeds: int = 2) -> SweepData:
    """The first runs of `drawn_points`."""
    data = drawn_points()
    kept = list(dict.fromkeys(run.configuration for run in data.runs))[:points]
    return replace(data, runs=[run for run in data.runs if run.configuration in kept and run.seed < seeds])


def test_the_answer_tells_of_what_stands_out_with_numbers_of_points_and_seeds(content: ReportContent) -> None:
    about = [line for line in content.summary.answer if " changes with " in line]
    assert [line.split(":")[0] for line in about] == [
        "The share of stable runs changes with lr",
        "The Frechet distance of the runs that drew changes with lr",
    ]
    assert "at 0.1 (64 points, 3 seeds; on average over the other settings)" in about[0]
    assert "relative to its average" in about[1]


def test_levels_of_drawn_settings_are_not_compared_and_name_no_configuration(content: ReportContent) -> None:
    assert content.analysis.effects == content.analysis.interactions == []
    assert content.analysis.importance == {}
    assert len(content.analysis.drawn) == 8


def test_levels_of_a_grid_are_compared_within_points_beside_the_curves() -> None:
    data = few(12)
    crossed = [
        replace(run, factors={**run.factors, "stabilizers.r1": level}, configuration=f"{run.configuration} r1={level}")
        for run in data.runs
        for level in (0, 10)
    ]
    content = report_content(replace(data, runs=crossed))
    assert [(effect.factor, effect.pairs) for effect in content.analysis.effects] == [("stabilizers.r1", 24)]
    assert len(content.analysis.drawn) == 8
    assert "No swept setting changed the share of stable runs." in content.summary.answer


def test_data_that_cannot_tell_say_so() -> None:
    effects = sampled_effects(Drawn("flat", 16, 2, has_choice=False).results(default_rng(0)), {"g": SPACE})
    lines = sentences([effect for effect in effects if effect.dimension.path == LR], NAMES)
    assert [line.split(":")[0] for line in lines] == [
        "No drawn setting is shown to change the share of stable runs",
        "No drawn setting is shown to change the Frechet distance of the runs that drew",
    ]
    assert all("16 points, 2 seeds cannot tell it from luck" in line for line in lines)
    assert {row.says for row in rows_of(effects, NAMES) if row.name == LR} == {"cannot be told from luck"}


def test_more_than_the_luck_of_one_effect_is_no_more_than_that_of_the_luckiest() -> None:
    effects = sampled_effects(Drawn("flat", 16, 2, has_choice=False).results(default_rng(0)), {"g": SPACE})
    beyond = [replace(effect, explained=0.65, chance=0.55) for effect in effects if effect.outcome == "stable"]
    (line,) = sentences(beyond, NAMES)
    assert "cannot tell it from luck" not in line
    assert "explains 65%, luck alone up to 55% in 19 of 20 cases, but the luckiest of the 3 effects looked at" in line


def test_one_seed_and_few_points_are_named(tmp_path: Path) -> None:
    one_seed = analyse(few(12, seeds=1))
    assert {row.says for row in rows_of(one_seed.drawn, one_seed.names)} == {
        "one seed: no band, since all runs share its luck"
    }
    few_points = report_content(few(5))
    assert any("5 points: too few for the effects of drawn settings" in line for line in few_points.summary.answer)
    assert "Too few points for a curve: at most 5 have an outcome, and 8 are needed" in page_of(few(5), tmp_path)


def test_survival_is_by_ranges_in_their_order(content: ReportContent) -> None:
    curves = content.analysis.survival["dcgan"]
    assert list(curves["optimizer.lr"]) == ["1e-5 to 2.2e-4", "2.2e-4 to 4.6e-3", "4.6e-3 to 0.1"]
    assert list(curves["stabilizers.instance_noise.std"]) == ["0", "0.1", "0.3"]
    assert sum(curve.runs for curve in curves["optimizer.lr"].values()) == 192


def test_a_range_holds_its_values() -> None:
    lr = Interval("lr", 1e-5, 1e-1, is_log=True)
    assert [bin_number(lr, value) for value in (1e-5, 2e-4, 2.5e-4, 5e-3, 1e-1)] == [0, 0, 1, 2, 2]
    assert bin_labels(Integers("width", 8, 64, 8)) == ["8 to 27", "27 to 45", "45 to 64"]
    space = drawn_points().spaces["dcgan"]
    assert level_order(space, "stabilizers.instance_noise.std") == ["0", "0.1", "0.3"]
    run = drawn_points().runs[0]
    assert with_bins([run.to_result()], space)[0].factors["optimizer.lr"] == "4.6e-3 to 0.1"


def test_the_page_has_ranges_and_values_for_its_scripts() -> None:
    model = page_model(drawn_points())
    assert model["scales"]["dcgan"]["lr"] == {
        "ranges": ["1e-5 to 2.2e-4", "2.2e-4 to 4.6e-3", "4.6e-3 to 0.1"],
        "log": True,
        "low": 1e-5,
        "high": 0.1,
    }
    assert set(model["scales"]["dcgan"]) == {"lr", "betas[0]", "width"}
    assert model["trials"][0]["ranges"]["lr"] == "4.6e-3 to 0.1"
    assert model["trials"][0]["values"]["lr"] == 0.02695


def test_a_figure_has_its_points_its_curve_and_its_numbers(content: ReportContent) -> None:
    figures = dict(drawn_figures(content.analysis.drawn, content.analysis.names))
    assert len(figures) == 8
    figure = figures["lr: share of stable runs"]
    upper, lower, points, curve = figure.data
    assert len(points.x) == 64 and max(points.x) <= 0.1
    assert all(low <= middle <= high for low, middle, high in zip(lower.y, curve.y, upper.y, strict=True))
    assert figure.layout.meta["numbers"]["rows"][0][0] == "1e-5"


def test_the_numbers_are_in_a_table_for_programs(content: ReportContent, tmp_path: Path) -> None:
    tables.write(content, tmp_path)
    table = pd.read_csv(tmp_path / "drawn.csv")
    assert len(table) == 2 * (3 * 41 + 3)
    lr = table[(table.setting == "optimizer.lr") & (table.outcome == "stable")]
    assert (lr.low <= lr.middle).all() and (lr.middle <= lr.high).all() and lr.holds.all()
    tables.write(report_content(made_sweep(made_run())), tmp_path)
    assert not (tmp_path / "drawn.csv").exists()


def test_the_page_and_the_pictures_show_them(content: ReportContent, tmp_path: Path) -> None:
    page = page_of(drawn_points(), tmp_path)
    assert "What each drawn setting does" in page and "64 configurations, of which the first are in view" in page
    assert "drawn.png" in write_pictures(content, tmp_path)


def test_a_sweep_that_looks_seed_by_seed_claims_nothing_of_drawn_settings() -> None:
    looks = {"first": 3, "most": 3, "seeds": 3, "trials": 192, "at_most": 192, "end": "answered", "best": None}
    answer = LoggedAnswer.model_validate({**looks, "comparisons": []})
    content = report_content(replace(drawn_points(), answer=answer))
    assert content.analysis.drawn
    assert not any(effect.holds for effect in content.analysis.drawn)
    rows = rows_of(content.analysis.drawn, content.analysis.names, is_tested=False)
    assert {row.says for row in rows} == {"not tested, as the sweep looks seed by seed"}
