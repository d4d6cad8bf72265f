"""Effects and survival as figures: what is drawn is what was found."""

from __future__ import annotations

import math
from typing import Any

from support.made_runs import NOISE, made_run, made_sweep, measured, noise_decides

from orchestrator.report import interactive_figures
from orchestrator.report.analysis import Analysis, analyse
from orchestrator.report.interactive_figures import OTHER_COLOUR, SIGNIFICANT_COLOUR, effects_figures, survival_figure
from orchestrator.statistics.intervals import Change


def dots(analysed: Analysis) -> list[Any]:
    """The dots of each chart of effects."""
    return [figure.data[0] for _, figure in effects_figures(analysed)]


def test_every_effect_has_a_dot_with_its_interval_in_points_and_in_distance() -> None:
    runs = [measured(run, 3.0 + run.seed / 10 + len(run.name) / 100) for run in noise_decides(8, (0.1, 0.25))]
    analysed = analyse(made_sweep(*runs))
    effects = analysed.effects[::-1]
    stable, wins, ratios = dots(analysed)
    assert list(stable.text) == list(wins.text) == list(ratios.text) == [analysed.label(effect) for effect in effects]
    for trace, changes, unit in (
        (stable, [effect.stable for effect in effects], 100),
        (wins, [effect.wins for effect in effects], 100),
        (ratios, [effect.ratio for effect in effects], 1),
    ):
        for mean, below, above, change in zip(
            trace.x, trace.error_x.arrayminus, trace.error_x.array, changes, strict=True
        ):
            assert change is not None
            assert math.isclose(mean, unit * change.mean)
            assert math.isclose(mean - below, unit * change.low, abs_tol=1e-9)
            assert math.isclose(mean + above, unit * change.high, abs_tol=1e-9)


def test_what_holds_is_blue_and_what_may_be_chance_is_grey() -> None:
    analysed = analyse(made_sweep(*noise_decides(8)))
    (stable,) = dots(analysed)  # nothing measured quality
    colours = dict(zip(stable.text, stable.marker.color, strict=True))
    assert colours == {"noise: 0 to 0.1": SIGNIFICANT_COLOUR, "lr: 1e-3 to 2e-4": OTHER_COLOUR}


def test_one_seed_has_dots_without_intervals() -> None:
    (stable,) = dots(analyse(made_sweep(*noise_decides(1))))
    assert dict(zip(stable.text, stable.x, strict=True)) == {"lr: 1e-3 to 2e-4": 0.0, "noise: 0 to 0.1": 100.0}
    assert list(stable.error_x.array) == list(stable.error_x.arrayminus) == [0.0, 0.0]


def test_groups_are_named_where_there_are_several() -> None:
    (stable,) = dots(analyse(made_sweep(*noise_decides(2), *noise_decides(2, group="h"))))
    assert {"noise: 0 to 0.1 (g)", "noise: 0 to 0.1 (h)"} < set(stable.text)
    assert len(set(stable.text)) == len(stable.text)


def test_without_effects_there_is_no_chart_of_them() -> None:
    assert effects_figures(analyse(made_sweep(made_run(seed=0), made_run(seed=1)))) == []


def test_each_level_has_its_survival_with_a_band_and_goes_on_to_the_last_step() -> None:
    curves = analyse(made_sweep(*noise_decides(2))).survival["g"][NOISE]
    drawn = survival_figure("by noise", curves).data
    lines = {trace.name: trace for trace in drawn if trace.name}
    assert list(lines) == ["0: 4 of 4 had an event", "0.1: 0 of 4 had an event"]
    assert len(drawn) == 3 * len(curves)
    bad, good = lines.values()
    assert (bad.x[-1], bad.y[-1]) == (20, 0)
    assert (good.x[-1], good.y[-1]) == (20, 1)
    assert bad.line.color != good.line.color
    low, high = drawn[1], drawn[0]
    assert low.fill == "tonexty"
    assert all(a <= b for a, b in zip(low.y, high.y, strict=True))


def test_survival_falls_where_something_happened_and_not_before() -> None:
    runs = [made_run({NOISE: 0.0}, 0, "collapsed", since=10), made_run({NOISE: 0.0}, 1), made_run({NOISE: 0.1}, 1)]
    line = survival_figure("", analyse(made_sweep(*runs)).survival["g"][NOISE]).data[2]
    assert (list(line.x), list(line.y)) == ([0, 10, 20], [1.0, 0.5, 0.5])
    assert line.line.shape == "hv"  # a step holds until the next one


def test_colours_are_told_apart_by_number_and_never_run_out() -> None:
    runs = [made_run({NOISE: number / 100}, seed, "collapsed", since=10) for number in range(10) for seed in (0, 1)]
    curves = analyse(made_sweep(*runs)).survival["g"][NOISE]
    lines = [trace.line.color for trace in survival_figure("", curves).data if trace.name]
    assert len(lines) == 10
    assert len(set(lines[: len(interactive_figures.PALETTE)])) == len(interactive_figures.PALETTE)


def test_the_axis_of_ratios_shows_every_mean_and_of_wide_intervals_a_part() -> None:
    narrow, wide = mean_ratio(0.9, 0.85, 0.95), mean_ratio(1.2, 1e-9, 1e9)
    assert 10 ** -interactive_figures.ratio_reach([narrow]) < 0.85
    assert 1.2 < 10 ** interactive_figures.ratio_reach([narrow, wide]) < 10
    for half in (0.1, 1.0):
        ticks = interactive_figures.ratio_ticks(half)
        assert ticks == sorted(ticks)
        assert 1.0 in ticks


def mean_ratio(mean: float, low: float, high: float) -> Change:
    return Change(mean, low, high, 5)
