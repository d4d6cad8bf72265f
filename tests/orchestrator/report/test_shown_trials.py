"""Of too many trials a report shows some one by one: of all configurations, the best ones first."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.made_runs import NOISE, drawn, made_run, made_sweep, measured

from orchestrator.report import content, leaderboard, page
from orchestrator.report.content import report_content
from orchestrator.report.data import RunData
from orchestrator.report.shown_trials import shown_trials


def grid() -> list[RunData]:
    """Three configurations with three seeds; the second is the best, the first the worst."""
    distances = {0.0: 9.0, 0.1: 1.0, 0.2: 4.0}
    return [
        measured(drawn(made_run({NOISE: noise}, seed=seed)), distance)
        for noise, distance in distances.items()
        for seed in range(3)
    ]


@pytest.mark.parametrize(
    ("most", "expected"),
    [(9, [*range(9)]), (3, [0, 3, 6]), (4, [0, 3, 4, 6]), (2, [3, 6]), (8, [0, 1, 3, 4, 5, 6, 7, 8])],
)
def test_each_configuration_comes_before_a_second_seed_and_the_best_before_others(
    most: int, expected: list[int]
) -> None:
    runs = grid()
    assert shown_trials(runs, leaderboard.rows(runs), most) == expected


def test_runs_that_confirm_or_have_not_begun_have_their_place() -> None:
    runs = [*grid(), made_run({NOISE: 0.1}, seed=7, confirms=True), made_run({NOISE: 0.3}, verdict="")]
    rows = leaderboard.rows([run for run in runs if not run.confirms])
    assert shown_trials(runs, rows, 4) == [0, 3, 6, 10]


def test_the_page_counts_all_trials_and_draws_those_that_are_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(content, "MAX_SHOWN", 4)
    told = report_content(made_sweep(*grid()))
    file = tmp_path / "report.html"
    page.write(told, file)
    text = file.read_text()
    found = re.search(r'<script type="application/json" id="model">(.*?)</script>', text)
    assert found
    model = json.loads(found[1].replace("\\u003c", "<"))
    assert [trial["shown"] for trial in model["trials"]] == [number in (0, 3, 4, 6) for number in range(9)]
    for metric in model["metrics"]:
        assert [curve is not None for curve in metric["curves"]] == [trial["shown"] for trial in model["trials"]]
    assert re.findall(r'id="trial-(\d+)"', text) == ["0", "3", "4", "6"]
    assert "Here, below and in “Run by run”, 4 of the 9 trials are shown one by one" in text
    assert "A line is a run, one of the 4 that are shown one by one;" in text
    assert "Every run" not in text
    assert all(row.stable.total == 3 for row in told.rows)
