"""The report of a map: lines where the runs have them, every trial as a point that opens its samples, and words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.made_maps import LAMBDA, LR, STEPS, made_map
from support.made_runs import made_run, made_sweep, page_of, summary_of

from orchestrator.report import map_words
from orchestrator.report.artifact_schemas import Damaged, LoggedExplored
from orchestrator.report.content import report_content
from orchestrator.report.map_figures import axis, distance_ticks, map_figures
from orchestrator.report.map_picture import draw
from orchestrator.report.map_slices import MapContent, map_content
from orchestrator.report.markdown import write
from orchestrator.space import Interval


@pytest.fixture(scope="module")
def content() -> MapContent:
    found = map_content(made_map())
    assert found
    return found


def figures_of(page: str) -> list[dict[str, Any]]:
    section = page[page.index('<h2 id="map">') : page.index('<h2 id="leaderboard">')]
    return [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', section, re.S)]


def test_every_trial_is_a_point_that_knows_its_samples(content: MapContent) -> None:
    (part,) = content.slices
    (_, figure), (_, of_distance) = map_figures(content, part)
    points = figure.data[-1]
    runs = made_map().runs
    assert list(points.customdata) == list(range(len(runs)))
    assert [(x, y) for x, y in zip(points.x, points.y, strict=True)] == [
        (run.factors[LR], run.factors[LAMBDA]) for run in runs
    ]
    symbols = dict(zip(points.customdata, points.marker.symbol, strict=True))
    assert all((symbols[number] == "circle") == (run.verdict == "stable") for number, run in enumerate(runs))
    drew = [number for number, run in enumerate(runs) if run.to_result().drew]
    assert list(of_distance.data[-1].customdata) == drew


def test_colours_and_lines_are_of_p_stable(content: MapContent) -> None:
    (part,) = content.slices
    surface, band, lines, _ = map_figures(content, part)[0][1].data
    z = np.array(surface.z)
    assert z.shape == (len(content.ys), len(content.xs))
    assert z[20, 0] > 0.9 and z[20, -1] < 0.1  # at the lowest and at the highest lr
    assert np.argmax(z[-1] < 0.5) > np.argmax(z[0] < 0.5)  # a larger lambda allows a larger lr
    levels = [lines.contours.start + lines.contours.size * step for step in range(3)]
    assert levels == pytest.approx([0.1, 0.5, 0.9]) and lines.contours.end == 0.9
    assert [band.contours.start, band.contours.start + band.contours.size] == pytest.approx([0.05, 0.95])


def test_the_distance_is_shown_where_runs_are_stable_alone(content: MapContent) -> None:
    (part,) = content.slices
    surface = map_figures(content, part)[1][1].data[0]
    for shown, stable in zip(surface.z, part.stable, strict=True):
        assert [value is None for value in shown] == [share < 0.5 for share in stable]


def test_axes_are_real_values_on_logarithmic_scales(content: MapContent) -> None:
    assert content.xs[0] == 5e-4 and content.xs[-1] == 0.1
    assert axis(content.across)["type"] == "log"
    assert axis(Interval("x", 0.0, 0.9, is_log=False))["type"] == "linear"


def test_three_settings_have_a_slice_for_each_part_of_the_third() -> None:
    found = map_content(made_map(3, 48))
    assert found and [part.fixed for part in found.slices] == [{STEPS: 1}, {STEPS: 2}, {STEPS: 3}]
    for part in found.slices:
        assert part.trials and {trial.run.factors[STEPS] for trial in part.trials} == {part.fixed[STEPS]}
    assert sum(len(part.trials) for part in found.slices) == 48


def test_a_narrow_third_setting_has_a_slice_for_each_part_with_values_of_its_range(tmp_path: Path) -> None:
    narrow = Interval("optimizer.betas[1]", 0.999, 0.9999, is_log=False)
    data = made_map(3, 24, third=narrow)
    page = page_of(data, tmp_path)
    options = re.findall(r"<option>(0\.99\d+)</option>", page)
    assert options == ["0.99915", "0.99945", "0.99975"] and page.count('class="map-slice"') == 3
    found = map_content(data)
    assert found and all(f"={option}" in found.label(part) for option, part in zip(options, found.slices, strict=True))
    assert "betas[1]=1:" not in " ".join(map_words.sentences(found))


def test_the_answer_says_where_runs_are_stable(content: MapContent) -> None:
    text = " ".join(map_words.sentences(content))
    stable = sum(run.verdict == "stable" for run in made_map().runs)
    assert f"As far as 32 trials tell, of which {stable} were stable: 90% of runs or more" in text
    assert "Stable with 90% or more: at lambda=" in text and "for lr 5e-4 to" in text
    assert "From the 90% line to the 10% line it is a factor of" in text
    assert re.search(r"Safest is lr=\S+ lambda=\S+: \S+ of runs are expected to be stable", text)


def test_without_a_stable_run_nothing_is_called_safest() -> None:
    data = made_map()
    lost = map_content(replace(data, runs=[replace(run, verdict="collapsed") for run in data.runs]))
    assert lost
    text = " ".join(map_words.sentences(lost))
    assert "No setting is known to train stably." in text and "Safest" not in text and "From the 90%" not in text


def test_the_table_has_ranges_that_grow_with_lambda(content: MapContent) -> None:
    rows = map_words.range_rows(content, content.slices[0])
    assert [row.up for row in rows] == ["100", "17.8", "3.16", "0.562", "0.1"]
    ends = [float(row.stable.split(" to ")[1]) for row in rows[1:]]  # at the highest lambda few runs are near
    assert ends == sorted(ends, reverse=True) and ends[0] > 2 * ends[-1]
    for number, row in enumerate(rows[1:4], start=1):
        low, high = map(float, row.half.split(" and ")[-1].split(" to "))
        assert low < 5e-4 * 200 ** (0.65 - 0.3 * number / 4) < high  # the true line


def test_ranges_in_words() -> None:
    xs = [1.0, 2.0, 3.0, 4.0, 5.0]
    ranges = map_words._ranges
    assert ranges(xs, np.array([True, True, False, False, True])) == "1 to 2 and 5"
    assert ranges(xs, np.ones(5, bool)) == "everywhere" and ranges(xs, np.zeros(5, bool)) == "nowhere"


def test_ticks_of_distances_are_round_and_inside() -> None:
    assert distance_ticks(1.0, 2.0) == [10, 20, 50, 100]
    assert distance_ticks(1.0, 1.5) == [10, 15, 20, 30]
    assert distance_ticks(1.012, 1.013) == [10.3]


def test_the_page_has_the_map_before_the_leaderboard(tmp_path: Path) -> None:
    page = page_of(made_map(3, 24), tmp_path)
    figures = figures_of(page)
    assert len(figures) == 6 and all(figure["layout"]["meta"]["click"] == "trial" for figure in figures)
    numbers = figures[0]["data"][-1]["customdata"]
    assert all(f'id="samples-{number}"' in page and f'id="trial-{number}"' in page for number in numbers)
    assert 'class="map-choice"' in page and page.count('class="map-slice"') == 3
    assert "orchestrate map s.yaml --at optimizer.lr=" in page


def test_other_sweeps_have_no_map(tmp_path: Path) -> None:
    assert map_content(made_sweep(made_run())) is None
    assert '<h2 id="map">' not in page_of(made_sweep(made_run()), tmp_path)


def test_trials_still_to_come_are_told() -> None:
    data = made_map()
    data.runs[-1].verdict = ""
    data.runs[-1].status = type(data.runs[-1].status).RUNNING
    assert any("1 trial of the map still to come" in line for line in summary_of(data).answer)
    assert data.explored
    data.explored.trials = 40
    assert any("9 trials of the map still to come" in line for line in summary_of(data).answer), "8 to be chosen"


def test_a_map_of_nothing_has_no_picture() -> None:
    data = made_map(trials=4)
    for run in data.runs:
        run.verdict = ""
        run.status = type(run.status).PENDING
    assert map_content(data) is None


def test_a_map_of_failures_alone_is_drawn_without_distances(tmp_path: Path) -> None:
    data = made_map(trials=8)
    for run in data.runs:
        run.verdict, run.evaluator = "diverged", None
    found = map_content(data)
    assert found and found.map.surface is None and len(figures_of(page_of(data, tmp_path))) == 1
    draw(found)


def test_markdown_has_the_picture(tmp_path: Path) -> None:
    write(report_content(made_map()), tmp_path)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert "](map.png)" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    "changes",
    [
        {"over": [LR, "model.width"]},
        {"space": {LR: {"log_uniform": [0, 1]}, LAMBDA: {"uniform": [0, 1]}}},
        {"space": {LR: {"choice": [1, 2]}, LAMBDA: {"uniform": [0, 1]}}},
        {"space": {LR: {"uniform": [0, 1]}}, "over": [LR]},
    ],
)
def test_what_is_no_map_is_refused(changes: dict[str, Any]) -> None:
    space = {LR: {"log_uniform": [1e-4, 1e-1]}, LAMBDA: {"uniform": [0.0, 1.0]}}
    with pytest.raises((ValueError, Damaged)):
        LoggedExplored.model_validate({"kind": "map", "trials": 8, "space": space, "over": [LR, LAMBDA]} | changes)
