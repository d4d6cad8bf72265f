"""What the report says of a search."""

from __future__ import annotations

from typing import Any

import pytest
from support.made_runs import LR, made_run, made_sweep, measured

from orchestrator.report import page, search_section, search_words
from orchestrator.report.artifact_schemas import LoggedExplored
from orchestrator.report.content import report_content
from orchestrator.report.data import RunData, SweepData
from orchestrator.report.search_content import SearchContent, search_content

EXPLORED = {"kind": "search", "trials": 8, "stable": 0.9, "space": {LR: {"log_uniform": [1e-4, 1e-1]}}}
FRESH = 1_000_000


def run_of(lr: float, seed: int, distance: float | None, verdict: str = "stable", **more: Any) -> RunData:
    run = made_run({LR: lr}, seed, verdict, sampled=(LR,), **more)
    return measured(run, distance) if distance is not None else run


def searched(*fresh: RunData, **more: Any) -> SweepData:
    """1e-3 is the best with 3 runs; 1e-2 has the luckiest run and fails in the other one."""
    runs = [
        run_of(3e-4, 0, 60.0),
        run_of(1e-3, 1, 40.0),
        run_of(1e-2, 2, 20.0),
        run_of(5e-2, 3, None, "diverged"),
        run_of(1e-3, 4, 42.0),
        run_of(1e-2, 5, 200.0, "collapsed"),
        run_of(1e-3, 6, 44.0),
        run_of(2e-2, 7, 90.0, "unfinished", stopped=True),
    ]
    return made_sweep(*runs, *fresh, explored=LoggedExplored.model_validate(EXPLORED), **more)


def fresh(*verdicts: str) -> list[RunData]:
    return [
        run_of(1e-3, FRESH + number, 45.0 + number if verdict == "stable" else None, verdict, confirms=True)
        for number, verdict in enumerate(verdicts)
    ]


def content(data: SweepData) -> SearchContent:
    found = search_content(data)
    assert found
    return found


def test_it_names_what_is_stable_often_enough_and_says_what_luck_would_have_claimed() -> None:
    lines = search_words.sentences(content(searched()))
    assert lines[0].startswith(
        "The search names g lr=1e-3: 3 of 3 of its runs are stable; a Frechet distance of about "
    )
    assert "interval" not in lines[0], "the model is surer of its estimate than it should be"
    assert lines[1] == (
        "By its luckiest run the search would have claimed 20 (g lr=0.01), and the runs of the named one have a mean "
        "of 42."
    )
    assert lines[2].startswith("No fresh seeds have confirmed it yet")
    assert lines[3].startswith("1 of its 8 trials was stopped by the schedule")


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (["stable"] * 5, "is open: it would take 35 of 35 to show it."),
        (["stable", "collapsed", "collapsed", "diverged", "stable"], "is refuted."),
        (["stable"] * 36, "is shown."),
    ],
)
def test_fresh_seeds_say_whether_the_required_share_is_shown(verdicts: list[str], words: str) -> None:
    line = search_words.sentences(content(searched(*fresh(*verdicts))))[2]
    hits = verdicts.count("stable")
    assert line.startswith(f"On {len(verdicts)} fresh seeds {hits} of {len(verdicts)} runs are stable")
    assert line.endswith(words)


def test_fresh_seeds_take_no_part_in_what_is_named() -> None:
    alone, with_fresh = content(searched()), content(searched(*fresh(*["collapsed"] * 5)))
    assert alone.named == with_fresh.named and len(with_fresh.runs) == 8


def test_the_table_has_the_best_first_and_the_runs_of_each() -> None:
    rows = search_section.top_rows(content(searched()))
    assert (rows[0].configuration, rows[0].runs, rows[0].keeps) == ("g lr=1e-3", "40, 42, 44", True)
    assert rows[-1].configuration == "g lr=0.01" and not rows[-1].keeps and str(rows[-1].stable) == "1 of 2"


def test_each_trial_with_a_distance_is_in_each_chart_by_how_it_ended() -> None:
    made = search_section.figures(content(searched()))
    assert [title for title, _ in made] == ["Trials of the search in their order", "Frechet distance against lr"]
    progress = {trace.name: list(trace.x) for trace in made[0][1].data if trace.name}
    assert progress == {
        "stable": [1, 2, 3],
        "stable, a repeated setting": [5, 7],
        "not stable": [6],
        "stopped": [8],
    }
    (line,) = [trace for trace in made[0][1].data if trace.mode == "lines"]
    assert list(line.y) == [60.0, 40.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0]


def test_the_page_has_the_section_and_another_sweep_has_none() -> None:
    html = page.render(report_content(searched(*fresh("stable", "stable"))), None)
    assert '<h2 id="search">The search</h2>' in html and "The search names g lr=1e-3" in html
    plain = made_sweep(run_of(1e-3, 0, 40.0))
    assert search_content(plain) is None
    assert 'id="search"' not in page.render(report_content(plain), None)


def test_a_search_without_any_stable_run_says_so() -> None:
    data = made_sweep(run_of(1e-3, 0, None, "diverged"), explored=LoggedExplored.model_validate(EXPLORED))
    assert search_words.sentences(content(data)) == ["The search has found no settings with a stable run in 1 trial."]
    assert page.render(report_content(data), None)
