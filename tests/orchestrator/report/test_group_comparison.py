"""Groups that differ in settings are compared with each other: by one setting where one separates them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from support.made_runs import LR, NOISE, TWO, made_run, made_sweep, measured, page_of, summary_of

from orchestrator.report import tables
from orchestrator.report.analysis import analyse
from orchestrator.report.content import report_content
from orchestrator.report.data import RunData, SweepData
from orchestrator.statistics.effects import Effect

R1, SPECTRAL, PENALTY = "stabilizers.r1", "stabilizers.spectral_norm", "loss.gradient_penalty"
PLAIN = {
    "data.name": "digits",
    "optimizer.generator.lr": "0.0002",
    "optimizer.discriminator.lr": "0.0002",
    R1: "0.0",
    SPECTRAL: "false",
    PENALTY: "0.0",
}


def run_of(group: str, seed: int, verdict: str = "stable", swept: dict[str, Any] | None = None, **own: str) -> RunData:
    """A run of a group. `own`: the settings, by the end of their path, in which it differs from PLAIN."""
    settings = PLAIN | {path: own[name] for path in PLAIN if (name := path.rpartition(".")[2]) in own}
    settings |= {path: str(value) for path, value in (swept or {}).items()} | {"seed": str(seed)}
    return made_run(swept, seed, verdict, group, settings=settings, since=None if verdict == "stable" else 10)


def four_groups(seeds: int = 6) -> list[RunData]:
    """One group each for nothing, R1, spectral norm and a gradient penalty; without R1 every run collapsed."""
    return [
        run
        for seed in range(seeds)
        for run in (
            run_of("none", seed, "collapsed"),
            run_of("r1", seed, r1="10.0"),
            run_of("spectral", seed, "collapsed", spectral_norm="true"),
            run_of("penalty", seed, "collapsed", gradient_penalty="10.0"),
        )
    ]


def compared(data: SweepData) -> dict[str, Effect]:
    """Name of a group or a comparison -> its effect, of those that have one."""
    return {effect.group: effect for effect in analyse(data).effects}


def test_one_group_for_each_stabiliser_gives_an_effect_of_each() -> None:
    effects = compared(made_sweep(*four_groups()))
    assert [(name, e.factor, e.before, e.after, e.pairs, e.seeds) for name, e in effects.items()] == [
        ("r1 against none", R1, 0.0, 10.0, 6, 6),
        ("spectral against none", SPECTRAL, False, True, 6, 6),
        ("penalty against none", PENALTY, 0.0, 10.0, 6, 6),
    ]
    assert effects["r1 against none"].stable.mean == 1.0
    assert effects["spectral against none"].stable.mean == 0.0


def test_they_are_in_the_answer_on_the_page_and_in_the_tables(tmp_path: Path) -> None:
    data = made_sweep(*four_groups())
    answer = " ".join(summary_of(data).answer)
    assert "with r1 from 0 to 10 (r1 against none)." in answer
    assert "No setting changed" not in answer
    page = page_of(data, tmp_path)
    assert "spectral against none" in page
    assert "spectral_norm: off to on" in page
    tables.write(report_content(data), tmp_path)
    effects = pd.read_csv(tmp_path / "effects.csv")
    assert list(effects["factor"]) == [R1, SPECTRAL, PENALTY]
    trials = pd.read_csv(tmp_path / "trials.csv")
    assert list(trials[R1])[:4] == [0, 10, 0, 0]
    assert list(trials[SPECTRAL])[:4] == ["off", "off", "on", "off"]
    assert "data.name" not in trials and "seed" in trials


def test_a_trial_that_has_not_started_has_the_settings_that_it_sweeps(tmp_path: Path) -> None:
    runs = [run_of("g", 0, swept={NOISE: 0.1}, r1="1.0"), run_of("h", 0)]
    runs.append(made_run({NOISE: 0.2}, 1, "", "g"))
    table = tables.trials(made_sweep(*runs))
    assert list(table[NOISE].fillna("")) == ["0.1", "", "0.2"]
    assert list(table[R1].fillna("")) == ["1", "0", ""]
    assert "optimizer.lr" not in table


def test_pairs_are_equal_in_what_the_groups_sweep() -> None:
    """R1 helps at the larger rate only, and the group with R1 has one rate more."""
    runs = [
        run_of("none", seed, "collapsed" if lr == 1e-3 else "stable", {LR: lr})
        for lr in (2e-4, 1e-3)
        for seed in (0, 1)
    ]
    runs += [run_of("r1", seed, swept={LR: lr}, r1="10.0") for lr in (1e-3, 2e-4, 5e-2) for seed in (0, 1)]
    for run in runs:
        run.settings |= {f"optimizer.{player}.lr": str(run.factors[LR]) for player in ("generator", "discriminator")}
    effect = compared(made_sweep(*runs))["r1 against none"]
    assert (effect.factor, effect.pairs, effect.seeds, effect.stable.mean) == (R1, 4, 2, 0.5)


def test_levels_that_several_groups_set_are_levels_of_one_setting() -> None:
    runs = [run_of(f"r1-{level}", seed, r1=level) for level in ("0.0", "1.0", "10.0") for seed in (0, 1)]
    effects = analyse(made_sweep(*runs)).effects
    assert [(e.group, e.before, e.after) for e in effects] == [
        ("r1-1.0, r1-10.0 against r1-0.0", 0.0, 1.0),
        ("r1-1.0, r1-10.0 against r1-0.0", 0.0, 10.0),
    ]


def test_a_level_that_the_first_group_sweeps_itself_is_compared_once() -> None:
    runs = [run_of("small", seed, swept={R1: level}) for level in (0.0, 1.0) for seed in (0, 1)]
    runs += [run_of("large", seed, r1="100.0") for seed in (0, 1)]
    effects = analyse(made_sweep(*runs)).effects
    assert [(e.group, e.before, e.after) for e in effects] == [("small", 0.0, 1.0), ("large against small", 0.0, 100.0)]


def test_a_group_is_compared_with_the_one_from_which_one_setting_separates_it() -> None:
    runs = four_groups(2) + [run_of("both", seed, r1="10.0", spectral_norm="true") for seed in (0, 1)]
    effect = compared(made_sweep(*runs))["both against r1"]
    assert (effect.factor, effect.stable.mean) == (SPECTRAL, 0.0)


def test_where_several_settings_separate_groups_the_group_is_the_factor_and_they_are_named() -> None:
    runs = [run_of("plain", seed, "collapsed") for seed in (0, 1)]
    runs += [run_of("both", seed, r1="10.0", spectral_norm="true") for seed in (0, 1)]
    analysis = analyse(made_sweep(*runs))
    (effect,) = analysis.effects
    assert (effect.group, effect.factor, effect.along) == ("both against plain", "group", (R1, SPECTRAL))
    assert (effect.before, effect.after, effect.stable.mean) == ("plain", "both", 1.0)
    assert analysis.label(effect) == "r1 and spectral_norm together"
    assert analysis.phrase(effect) == "group from plain to both (r1 and spectral_norm differ)"


def test_a_group_that_sweeps_a_separating_setting_is_compared_with_all_its_runs() -> None:
    runs = [run_of("plain", seed, "collapsed") for seed in (0, 1)]
    runs += [
        run_of("both", seed, "stable" if level > 1 else "collapsed", {R1: level}, spectral_norm="true")
        for level in (1.0, 10.0)
        for seed in (0, 1)
    ]
    effect = compared(made_sweep(*runs))["both against plain"]
    assert (effect.factor, effect.pairs, effect.seeds, effect.stable.mean) == ("group", 4, 2, 0.5)


def test_a_setting_that_acts_in_one_group_alone_separates_nothing() -> None:
    runs = [run_of("plain", seed) for seed in (0, 1)]
    noisy = [run_of("noisy", seed, swept={NOISE: 0.1}) for seed in (0, 1)]
    for run in runs:
        run.settings[NOISE] = "0.0"
    for run in noisy:
        run.settings["stabilizers.instance_noise.anneal"] = "true"
    effect = compared(made_sweep(*runs, *noisy))["noisy against plain"]
    assert (effect.factor, effect.pairs) == (NOISE, 2)


def test_images_that_different_evaluators_measured_are_not_compared() -> None:
    runs = [measured(run_of("none", seed), 4.0) for seed in (0, 1)]
    others = [run_of("r1", seed, r1="10.0") for seed in (0, 1)]
    alike = compared(made_sweep(*runs, *(measured(run, 2.0) for run in others)))["r1 against none"]
    assert alike.wins is not None and alike.wins.mean == 1.0
    mixed = compared(made_sweep(*runs, *(measured(run, 2.0, TWO) for run in others)))["r1 against none"]
    assert mixed.wins is None


def test_groups_without_a_common_seed_are_not_compared() -> None:
    assert analyse(made_sweep(run_of("none", 0), run_of("r1", 1, r1="10.0"))).effects == []


def test_one_learning_rate_for_both_players_is_one_setting() -> None:
    own = {f"optimizer.{player}.lr": "0.01" for player in ("generator", "discriminator")}
    runs = [run_of("slow", seed) for seed in (0, 1)] + [run_of("fast", seed) for seed in (0, 1)]
    for run in runs[2:]:
        run.settings |= own
    effect = compared(made_sweep(*runs))["fast against slow"]
    assert (effect.factor, effect.before, effect.after) == (LR, 2e-4, 1e-2)
    runs[3].settings["optimizer.generator.lr"] = runs[2].settings["optimizer.generator.lr"] = "0.0002"
    effect = compared(made_sweep(*runs))["fast against slow"]
    assert effect.factor == "optimizer.discriminator.lr"
