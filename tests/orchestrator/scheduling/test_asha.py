"""`schedule: asha`: who is stopped at a rung, and that neither a kill nor a repeated setting changes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.explored import SEARCH
from support.tiny import TINY

from gan_core import metric_names
from gan_core.history import Row
from orchestrator.planning.plan import make_plan
from orchestrator.scheduling.asha import AshaSchedule
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.sweepfile import loader
from orchestrator.trial.trial_report import TrialReport

EVALUATOR = "classifier-11111111"
DISTANCE = metric_names.frechet(EVALUATOR)
FIRST = 2
"""The first rung: a quarter of eight steps."""


@pytest.fixture
def schedule(tmp_path: Path) -> AshaSchedule:
    return made(tmp_path)


def made(folder: Path, repeats: frozenset[str] = frozenset()) -> AshaSchedule:
    file = folder / "tiny.yaml"
    file.write_text(TINY.replace("every: 4, samples", "every: 2, samples"))
    config = make_plan(loader.load(file), folder / "home").trials[0].config
    (folder / "trials").mkdir(exist_ok=True)
    for key in "abcdefgh":
        (folder / "trials" / key).mkdir(exist_ok=True)
    return AshaSchedule(config, EVALUATOR, lambda key: TrialFolder(folder / "trials" / key), repeats.__contains__)


def report(
    key: str, distance: float, step: int = FIRST, verdict: str = "unfinished", done: bool = False
) -> TrialReport:
    return TrialReport(
        key, is_done=done, step=step, verdict_so_far=verdict, latest={DISTANCE: distance}, evaluated_step=step
    )


def sound(rows: list[Row]) -> str:
    return "unfinished"


def stops(folder: Path) -> dict[str, int]:
    found = {key: TrialFolder(folder / "trials" / key).stop() for key in "abcdefgh"}
    return {key: stop[0] for key, stop in found.items() if stop}


def test_who_is_behind_at_a_rung_is_stopped_there(schedule: AshaSchedule, tmp_path: Path) -> None:
    for key, distance in zip("abcd", (20.0, 10.0, 30.0, 5.0), strict=True):
        schedule.on_report(report(key, distance))
    assert stops(tmp_path) == {"c": FIRST}, "the first has nobody to be behind; 30 is behind the median of 20 and 10"
    stop = TrialFolder(tmp_path / "trials" / "c").stop()
    assert stop and "its Frechet distance was 30" in stop[1]


def test_what_has_collapsed_or_has_no_number_is_the_last(schedule: AshaSchedule, tmp_path: Path) -> None:
    for key in "ab":
        schedule.on_report(report(key, 50.0))
    schedule.on_report(report("c", 1.0, verdict="collapsed"))
    schedule.on_report(report("d", float("nan")))
    assert stops(tmp_path) == {"c": FIRST, "d": FIRST}
    reasons = [stop[1] for key in "cd" if (stop := TrialFolder(tmp_path / "trials" / key).stop())]
    assert reasons[0].startswith("it had collapsed,") and reasons[1].startswith("it had no Frechet distance,")


def test_a_trial_that_has_ended_is_not_told_to_stop(schedule: AshaSchedule, tmp_path: Path) -> None:
    for key in "ab":
        schedule.on_report(report(key, 10.0))
    schedule.on_report(report("c", 99.0, done=True))
    schedule.on_report(report("d", 99.0, step=8))
    assert stops(tmp_path) == {}


def test_a_step_that_a_trial_has_passed_is_not_judged_again(schedule: AshaSchedule, tmp_path: Path) -> None:
    schedule.on_report(report("a", 50.0))
    schedule.on_report(report("b", 10.0))
    schedule.on_report(report("c", 20.0))
    schedule.on_report(report("a", 50.0))
    assert stops(tmp_path) == {}


def test_after_a_kill_the_rungs_are_what_they_were(schedule: AshaSchedule, tmp_path: Path) -> None:
    for key, distance in zip("abc", (20.0, 10.0, 15.0), strict=True):
        schedule.on_report(report(key, distance))
    again = made(tmp_path)
    for key, distance in zip("abc", (20.0, 10.0, 15.0), strict=True):
        again.replay(key, [{"step": 0, DISTANCE: 400.0}, {"step": 1}, {"step": FIRST, DISTANCE: distance}], sound)
    for each in (schedule, again):
        each.on_report(report("d", 16.0))
        assert stops(tmp_path) == {"d": FIRST}
        TrialFolder(tmp_path / "trials" / "d").stop_file.unlink()


def test_after_a_kill_what_had_collapsed_at_a_rung_is_its_last(tmp_path: Path) -> None:
    """By the verdict so far, which a trial that was stopped for it does not have at its end."""
    again = made(tmp_path)
    for key, distance in zip("abc", (20.0, 10.0, 1.0), strict=True):
        judged = (lambda rows: "collapsed" if rows[-1]["step"] == FIRST else "stable") if key == "c" else sound
        again.replay(key, [{"step": FIRST, DISTANCE: distance}], judged)
    again.on_report(report("d", 15.0))
    assert stops(tmp_path) == {}, "with c as the best there, 15 would be behind the median of 20, 10 and 1"


def test_after_a_kill_a_decision_that_was_not_written_down_is(tmp_path: Path) -> None:
    again = made(tmp_path)
    for key in "ab":
        again.replay(key, [{"step": FIRST, DISTANCE: 10.0}], sound, goes_on=True)
    again.replay("c", [{"step": FIRST, DISTANCE: 30.0}, {"step": FIRST + 1}], sound, goes_on=True)
    again.replay("d", [{"step": FIRST, DISTANCE: 30.0}], sound)
    again.replay("e", [{"step": FIRST, DISTANCE: 30.0}, {"step": 6, DISTANCE: 30.0}], sound, goes_on=True)
    assert stops(tmp_path) == {"c": FIRST}, "d has ended, and e has trained on"


def test_another_run_of_the_same_settings_trains_to_its_end(tmp_path: Path) -> None:
    schedule = made(tmp_path, frozenset("e"))
    assert schedule.takes("a") and not schedule.takes("e")


@pytest.mark.parametrize(("every", "cautioned"), [(4, False), (8, True)])
def test_without_an_evaluation_before_the_last_step_a_caution_says_so(
    tmp_path: Path, every: int, cautioned: bool
) -> None:
    file = tmp_path / "tiny.yaml"
    text = SEARCH.replace("search: {trials: 12}", "search: {trials: 12, schedule: asha}")
    file.write_text(text.replace("every: 4, samples", f"every: {every}, samples"))
    assert any("schedule: asha stops no trial here" in each for each in loader.load(file).cautions) == cautioned
