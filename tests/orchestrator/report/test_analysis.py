"""Which runs the statistics are told of, and as what."""

from __future__ import annotations

import numpy as np
import pytest
from support.made_runs import LR, NOISE, TWO, drawn, made_run, made_sweep, measured, noise_decides

from orchestrator.report import analysis
from orchestrator.report.analysis import analyse, results
from orchestrator.statistics.result import log_distance, stability


def test_only_runs_that_have_ended_are_results_and_failed_ones_are() -> None:
    runs = [made_run(), made_run(seed=1, verdict="", status="failed"), made_run(seed=2, verdict="", status="running")]
    runs += [made_run(seed=3, verdict=""), made_run(seed=4, group="h"), made_run(seed=5, confirms=True)]
    computed = results(made_sweep(*runs), "g")
    assert [(result.seed, result.stable) for result in computed] == [(0, True), (1, False)]


def test_an_event_is_at_the_verdict_s_step_and_a_run_that_failed_has_none() -> None:
    collapsed = drawn(made_run(verdict="collapsed", since=10))
    failed = made_run(seed=1, verdict="", status="failed")
    failed.history = {"loss/generator": (np.array([5, 10]), np.array([1.0, 1.0]))}
    crashed_at_once = made_run(seed=2, verdict="", status="failed")
    computed = results(made_sweep(collapsed, failed, crashed_at_once, drawn(made_run(seed=3))), "g")
    assert [result.event for result in computed] == [10, None, None, None]
    assert [result.steps for result in computed] == [20, 10, 0, 20]
    assert [result.stable for result in computed] == [False, False, False, True]


def test_an_unfinished_run_is_neither_stable_nor_not_and_has_no_event() -> None:
    unfinished = measured(drawn(made_run(verdict="unfinished", since=10)), 4.0)
    (result,) = results(made_sweep(unfinished), "g")
    assert (result.stable, result.event, result.steps, result.drew) == (None, None, 20, False)
    assert (stability(result), log_distance(result)) == (None, None)


def test_only_runs_that_ended_stable_or_oscillating_drew() -> None:
    verdicts = ("stable", "oscillating", "collapsed", "saturated", "diverged")
    computed = results(made_sweep(*(made_run(seed=seed, verdict=name) for seed, name in enumerate(verdicts))), "g")
    assert [result.drew for result in computed] == [True, True, False, False, False]


def test_quality_of_several_evaluators_is_not_compared() -> None:
    alike = [measured(made_run(seed=0), 4.0), measured(made_run(seed=1, verdict="diverged"), 4.0)]
    assert [(result.final, result.best) for result in results(made_sweep(*alike), "g")] == [(4.0, 2.0), (None, None)]
    mixed = made_sweep(*alike, measured(made_run(seed=2), 0.5, TWO))
    assert {(result.final, result.best) for result in results(mixed, "g")} == {(None, None)}


def test_survival_is_drawn_where_something_happened_by_each_factor_that_varies() -> None:
    data = made_sweep(*noise_decides(2), *(made_run({NOISE: 0.1}, seed, group="calm") for seed in (0, 1)))
    computed = analyse(data).survival
    assert list(computed) == ["g"]
    assert {factor: list(curves) for factor, curves in computed["g"].items()} == {
        LR: ["1e-3", "2e-4"],
        NOISE: ["0", "0.1"],
    }
    assert [(curve.events, curve.runs) for curve in computed["g"][NOISE].values()] == [(4, 4), (0, 4)]


def test_survival_of_a_group_that_sweeps_nothing_is_that_of_all_its_runs() -> None:
    runs = [made_run(seed=0), made_run(seed=1, verdict="collapsed", since=10), made_run({LR: 1.0}, group="h")]
    (curve,) = analyse(made_sweep(*runs)).survival["g"][""].values()
    assert (curve.events, curve.runs) == (1, 2)


def test_where_nothing_is_swept_the_groups_are_what_is_compared() -> None:
    runs = [made_run({}, seed, "stable", "plain") for seed in (0, 1)]
    runs += [made_run({}, seed, "collapsed", "odd", since=10) for seed in (0, 1)]
    computed = analyse(made_sweep(*runs))
    (effect,) = computed.effects
    assert (effect.before, effect.after, effect.seeds, effect.stable.mean) == ("plain", "odd", 2, -1.0)
    assert computed.phrase(effect) == "group from plain to odd"


def test_an_effect_is_named_by_its_setting_and_by_its_group_where_there_are_several() -> None:
    single_group = analyse(made_sweep(*noise_decides(2)))
    noise = next(effect for effect in single_group.effects if effect.factor == NOISE)
    assert single_group.label(noise) == "noise: 0 to 0.1"
    assert single_group.phrase(noise) == "noise from 0 to 0.1"
    several = analyse(made_sweep(*noise_decides(2), *noise_decides(2, group="h")))
    of_h = next(effect for effect in several.effects if effect.group == "h")
    assert several.phrase(of_h).endswith("(h)")


def test_settings_whose_short_names_are_alike_keep_their_whole_paths() -> None:
    paths = ("optimizer.generator.weight", "optimizer.discriminator.weight")
    runs = [made_run({paths[0]: a, paths[1]: b}) for a in (1, 2) for b in (1, 2)]
    assert analyse(made_sweep(*runs)).names == {"g": {path: path for path in paths}}


@pytest.mark.parametrize("confirms", [False, True])
def test_runs_on_fresh_seeds_change_no_effect(confirms: bool) -> None:
    """They were selected for being the best, so they would flatter the levels that they have."""
    confirming = [made_run({LR: lr, NOISE: 0.1}, 9, "collapsed", since=10, confirms=confirms) for lr in (1e-3, 2e-4)]
    confirming += [made_run({LR: lr, NOISE: 0.0}, 9, "stable", confirms=confirms) for lr in (1e-3, 2e-4)]
    before, after = (
        analysis.analyse(made_sweep(*runs)).effects for runs in (noise_decides(2), noise_decides(2) + confirming)
    )
    assert (before == after) is confirms


def test_survival_ends_at_the_last_step_that_the_runs_of_each_level_were_to_train() -> None:
    """A critic's trials are shorter here, and all runs of one level collapse long before their end."""
    runs = [made_run({NOISE: 0.0}, seed, "collapsed", since=10, steps=400) for seed in (0, 1)]
    runs += [made_run({NOISE: 0.1}, seed, steps=150) for seed in (0, 1)]
    runs += [made_run({NOISE: 0.2}, seed, "collapsed", "short", since=5, steps=30) for seed in (0, 1)]
    survival = analyse(made_sweep(*runs)).survival
    last = {level: (curve.steps[-1], curve.surviving[-1]) for level, curve in survival["g"][NOISE].items()}
    assert last == {"0": (400, 0.0), "0.1": (150, 1.0)}
    (alone,) = survival["short"][""].values()
    assert (alone.steps, alone.surviving) == ([0, 5, 30], [1.0, 0.0, 0.0])
