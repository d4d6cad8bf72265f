"""The answer in words, and what to run next."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from support.made_runs import LR, NOISE, made_run, made_sweep, measured, noise_decides, summary_of

from orchestrator.report import summary
from orchestrator.report.artifact_schemas import LoggedAnswer
from orchestrator.report.data import RunData, SweepData


def answer_to_sweep(data: SweepData) -> str:
    return " ".join(summary_of(data).answer)


def answer_to(*runs: RunData) -> str:
    return " ".join(summary_of(made_sweep(*runs)).answer)


def test_the_answer_counts_with_an_interval_and_names_the_best_and_the_riskiest() -> None:
    runs = [measured(run, 3.0 if run.verdict == "stable" else 50.0) for run in noise_decides(2)]
    text = answer_to(*runs)
    assert "4 of 8 runs were stable (95% interval 13% to 87%)." in text  # two seeds
    assert "Best is g lr=1e-3 noise=0.1: 2 of 2, with a Frechet distance of 3 at the end." in text
    assert "Riskiest is g lr=2e-4 noise=0: 0 of 2 (collapsed)." in text


def test_every_group_is_counted_where_there_are_several() -> None:
    assert "; g 4 of 8, calm 2 of 2)" in answer_to(
        *noise_decides(2), *(made_run({}, seed, group="calm") for seed in (0, 1))
    )


def test_the_strongest_setting_is_named_with_its_interval_and_its_seeds() -> None:
    text = answer_to(*noise_decides(8))
    assert "The share of stable runs changes by +100 points (95% interval +" in text
    assert "over 8 seeds) with noise from 0 to 0.1." in text
    assert "stand out" not in text


def test_a_difference_that_may_be_chance_is_called_so() -> None:
    runs = [made_run({NOISE: 0.0}, seed, verdict) for seed, verdict in enumerate(["collapsed", "stable", "stable"])]
    runs += [made_run({NOISE: 0.1}, seed) for seed in range(3)]
    text = answer_to(*runs)
    assert "No setting is shown to change the share of stable runs: the largest difference is +33 points (" in text
    assert "over 3 seeds), with noise from 0 to 0.1." in text


def test_nothing_is_called_riskiest_where_all_are_as_stable() -> None:
    runs = [measured(made_run({NOISE: noise}, seed), 3.0 + noise) for noise in (0.0, 0.1) for seed in (0, 1)]
    text = answer_to(*runs)
    assert "Best is g noise=0: 2 of 2" in text
    assert "Riskiest" not in text


def test_what_has_not_ended_is_neither_best_nor_riskiest() -> None:
    runs = [
        made_run({NOISE: 0.0}, 0),
        made_run({NOISE: 0.1}, 0, "collapsed"),
        made_run({NOISE: 0.2}, 0, "", status="running"),
    ]
    assert "Riskiest is g noise=0.1: 0 of 1" in answer_to(*runs)


def test_nothing_is_called_best_where_nothing_was_stable() -> None:
    runs = [made_run({NOISE: noise}, 0, "collapsed") for noise in (0.0, 0.1)]
    assert "Best" not in answer_to(*runs)


def test_a_difference_that_stands_out_alone_but_not_among_many_is_called_so() -> None:
    others = [f"stabilizers.other_{number}" for number in range(5)]  # each has an effect, of nothing
    runs = []
    for seed in range(4):
        base = {NOISE: 0.0, **dict.fromkeys(others, 0)}
        runs.append(made_run(base, seed, "collapsed"))
        runs.append(made_run(base | {NOISE: 0.1}, seed))
        runs += [made_run(base | {other: 1}, seed, "collapsed") for other in others]
    assert "which does not stand out among the 6 effects looked at." in answer_to(*runs)


def test_one_seed_is_called_luck() -> None:
    text = answer_to(*noise_decides(1))
    assert "on one seed: nothing says how much of it is luck." in text
    assert "interval +" not in text


def test_a_difference_on_several_seeds_is_told_before_a_larger_one_on_a_single_seed() -> None:
    runs = [made_run({NOISE: 0.0}, seed, verdict) for seed, verdict in enumerate(["collapsed", "stable", "stable"])]
    runs += [made_run({NOISE: 0.1}, seed) for seed in range(3)]
    runs += [made_run({LR: 1e-3}, 0, "collapsed", "other"), made_run({LR: 1e-2}, 0, group="other")]
    text = answer_to(*(measured(run, 3.0) for run in runs))
    assert "the largest difference is +33 points (" in text
    assert "with noise from 0 to 0.1 (g), leaving out what one seed alone shows." in text


def test_settings_that_changed_nothing_are_said_to() -> None:
    text = answer_to(*(made_run({NOISE: noise}, seed) for noise in (0.0, 0.1) for seed in (0, 1)))
    assert "No setting changed the share of stable runs." in text


def test_a_level_of_which_no_run_has_ended_is_not_compared() -> None:
    result = summary_of(made_sweep(made_run({NOISE: 0.0}), made_run({NOISE: 0.1}, verdict="")))
    text = " ".join(result.answer)
    assert "1 of 1 runs were stable" in text
    assert "1 more have not ended." in text
    assert "share of stable runs" not in text
    assert result.next == []  # first the sweep itself


def test_no_run_is_no_answer() -> None:
    result = summary_of(made_sweep(made_run(verdict=""), made_run(seed=1, verdict="", status="running")))
    assert result.lines == ["No run has ended yet."]


def test_failed_and_diverged_runs_are_in_the_count_and_named_as_what_went_wrong() -> None:
    runs = [made_run({NOISE: 0.1}, seed) for seed in (0, 1)]
    runs += [made_run({NOISE: 0.0}, 0, "diverged"), made_run({NOISE: 0.0}, 1, "", status="failed")]
    text = answer_to(*runs)
    assert "2 of 4 runs were stable" in text
    assert "Riskiest is g noise=0: 0 of 2 (diverged, failed)." in text


def test_a_change_of_quality_is_said_only_where_it_is_more_than_chance() -> None:
    def runs(luck: float) -> list[RunData]:
        spread = [0.0, 1.0, -1.0, 0.5, -0.5, 0.0]
        return [
            measured(made_run({NOISE: noise}, seed), 20 - 80 * noise + luck * spread[seed] * (noise > 0))
            for noise in (0.0, 0.1)
            for seed in range(6)
        ]

    sure, unsure = answer_to(*runs(0.5)), answer_to(*runs(20.0))
    assert (
        "Images get better or worse by more than chance: with noise from 0 to 0.1 they are better in 100% of pairs ("
        in sure
    )
    assert "Frechet distance of the runs that drew x0.6 (" in sure
    assert (
        "No setting is shown to make images better or worse: the largest difference is that with noise from 0 to 0.1"
        in unsure
    )
    assert "by more than chance" not in unsure


def test_a_difference_of_images_whose_interval_speaks_for_it_is_said_to_be_one_of_many() -> None:
    """Else the sentence would deny what its own interval says."""
    spread = [0.0, 1.0, -1.0, 0.5, -0.5, 0.2]
    settings = [(0.0, 1e-3), (0.1, 1e-3), (0.2, 1e-3), (0.0, 2e-3), (0.0, 3e-3), (0.0, 4e-3)]
    runs = [
        measured(
            made_run({NOISE: noise, "optimizer.lr": lr}, seed),
            20 - 2.0 * (noise == 0.1) + 2.5 * spread[seed] * (noise == 0.1) + spread[-seed] * (noise != 0.1),
        )
        for noise, lr in settings
        for seed in range(6)
    ]
    text = answer_to(*runs)
    assert "No setting is shown to make images better or worse: the largest difference, that with noise" in text
    assert "does not stand out among the 5 effects looked at." in text


def test_one_seed_has_no_interval_at_all() -> None:
    text = answer_to(*(measured(run, 3.0) for run in noise_decides(1)))
    assert "2 of 4 runs were stable (one seed, so no interval)." in text
    assert (
        "The largest difference in images is, on one seed, that with noise from 0 to 0.1 they are better in 100%"
        in text
    )


def test_unfinished_runs_are_counted_apart() -> None:
    runs = [made_run({NOISE: noise}, seed) for noise in (0.0, 0.1) for seed in range(3)]
    runs[0].verdict = "collapsed"
    runs += [made_run({NOISE: 0.2}, seed, "unfinished") for seed in range(3)]
    result = summary_of(made_sweep(*runs))
    assert result.answer[0].startswith("5 of 6 runs were stable, 3 more are unfinished (95% interval ")
    reason, command = result.next[0]
    assert "train longer, because no run of g noise=0.2 got far enough" in reason
    assert command == "orchestrate sweep s.yaml --set trial.steps=40"


def test_where_steps_are_swept_the_sweep_itself_shows_how_many_it_takes() -> None:
    runs = [made_run({"steps": 20}, seed, "unfinished") for seed in (0, 1)]
    runs += [made_run({"steps": 40}, seed) for seed in (0, 1)]
    assert not any("trial.steps" in command for _, command in summary_of(made_sweep(*runs)).next)


def test_where_all_is_unfinished_training_longer_is_the_only_advice() -> None:
    result = summary_of(made_sweep(*(made_run({NOISE: noise}, 0, "unfinished") for noise in (0.0, 0.1))))
    why = "their steps ended before their samples resembled the data"
    assert result.answer[0].startswith(f"All 2 runs are unfinished: {why}")
    assert [command for _, command in result.next] == ["orchestrate sweep s.yaml --set trial.steps=40"]


def test_confirming_is_not_advised_where_nothing_was_stable() -> None:
    runs = [made_run({NOISE: noise}, seed, "collapsed") for noise in (0.0, 0.1, 0.2, 0.3) for seed in range(3)]
    assert not any("--confirm" in command for _, command in summary_of(made_sweep(*runs)).next)


def test_what_the_best_did_on_fresh_seeds_is_said_apart() -> None:
    confirming = [
        measured(made_run({LR: 1e-3, NOISE: 0.1}, 2 + seed, verdict, confirms=True), 4.0)
        for seed, verdict in enumerate(["stable", "stable", "oscillating"])
    ]
    result = summary_of(made_sweep(*noise_decides(2), *confirming))
    assert (
        "Again, on fresh seeds: g lr=1e-3 noise=0.1 2 of 3 (95% interval 21% to 94%), Frechet distance 4."
        in result.answer
    )
    assert result.answer[0].startswith("4 of 8 runs were stable")  # of the selection
    assert not any("--confirm" in command for _, command in result.next)


# What to run next


def test_one_seed_asks_for_more_seeds_by_a_command_that_keeps_the_old_ones() -> None:
    data = made_sweep(*noise_decides(1), commands=[["orchestrate", "sweep", "my sweep.yaml", "--set", "a=[1, 2]"]])
    ((reason, command),) = summary_of(data).next
    assert "luck" in reason
    words = ["orchestrate", "sweep", "my sweep.yaml", "--set", "a=[1, 2]", "--set", "seeds=[0,1,2]"]
    assert shlex.split(command) == words


def test_a_difference_that_is_not_shown_asks_for_as_many_seeds_as_would_show_it() -> None:
    runs = [
        made_run({LR: lr, NOISE: noise}, seed, "collapsed" if noise == 0 and seed < lr else "stable")
        for lr in (1, 2)
        for noise in (0.0, 0.1)
        for seed in range(3)
    ]
    ((reason, command), _) = summary_of(made_sweep(*runs)).next
    words = shlex.split(command)
    assert words[-2:] == ["--set", "until=answered"], "seeds that are added by hand would be exploratory"
    most = int(words[-3].removeprefix("seeds={first: 3, most: ").removesuffix("}"))
    assert f"takes about {most} seeds" in reason
    assert 3 < most <= summary.MAX_SEEDS


def test_seeds_that_do_not_count_from_zero_are_extended_as_a_list() -> None:
    runs = [
        made_run({LR: lr, NOISE: noise}, seed, "collapsed" if noise == 0 and seed < lr + 5 else "stable")
        for lr in (1, 2)
        for noise in (0.0, 0.1)
        for seed in (5, 6, 7)
    ]
    ((_, command), _) = summary_of(made_sweep(*runs)).next
    assert shlex.split(command)[-1].startswith("seeds=[5,6,7,8")


def test_seeds_that_were_added_after_a_report_make_its_intervals_exploratory() -> None:
    added = answer_to_sweep(made_sweep(*noise_decides(4), reported_seeds=[0, 1, 2]))
    assert "1 of 4 seeds was added by hand after a report, so the intervals are exploratory" in added
    assert "`until: answered` is the way to add seeds validly" in added
    assert "exploratory" not in answer_to_sweep(made_sweep(*noise_decides(4), reported_seeds=[0, 1, 2, 3]))
    assert "exploratory" not in answer_to_sweep(made_sweep(*noise_decides(4)))


def test_more_seeds_than_anyone_would_run_are_not_advised() -> None:
    verdicts = ["collapsed" if seed == 0 else "stable" for seed in range(12)]
    runs = [made_run({NOISE: 0.0}, seed, verdict) for seed, verdict in enumerate(verdicts)]
    runs += [made_run({NOISE: 0.1}, seed, "collapsed" if seed in (1, 2) else "stable") for seed in range(12)]
    assert summary_of(made_sweep(*runs)).next == []


@pytest.mark.parametrize(("levels", "advised"), [((0.0, 0.1), True), ((0.1,), False)])
def test_confirming_is_advised_where_there_is_a_choice_of_more_than_three(
    levels: tuple[float, ...], advised: bool
) -> None:
    result = summary_of(made_sweep(*noise_decides(8, levels))).next
    assert [command for _, command in result] == (["orchestrate sweep s.yaml --confirm 3"] if advised else [])


def adaptive(**more: Any) -> LoggedAnswer:
    fields = {"first": 3, "most": 8, "seeds": 3, "trials": 6, "at_most": 16, "end": "answered", "best": None}
    return LoggedAnswer.model_validate({**fields, "comparisons": [], "earlier_designs": [], **more})


def test_the_best_is_one_of_those_that_an_answer_leaves() -> None:
    """Its leaderboard has another one first, which is stable once more often."""
    runs = [measured(made_run({NOISE: noise}, seed), 50 - 400 * noise) for noise in (0, 0.1) for seed in range(3)]
    runs[-1].verdict = "collapsed"
    free, one, both = (
        " ".join(summary_of(made_sweep(*runs, answer=answer)).answer)
        for answer in (
            None,
            adaptive(best=["g noise=0.1"]),
            adaptive(best=["g noise=0.1", "g noise=0"]),
        )
    )
    assert "Best is g noise=0: 3 of 3" in free
    assert "Best is g noise=0.1: 2 of 3" in one and "Riskiest" not in one
    assert "Best so far is g noise=0: 3 of 3" in both


def test_longer_training_is_advised_where_the_runs_of_a_sweep_with_an_answer_are_unfinished() -> None:
    runs = [made_run({NOISE: noise}, seed, "unfinished") for noise in (0, 0.1) for seed in range(3)]
    (reason, command), *others = summary_of(made_sweep(*runs, answer=adaptive())).next
    assert "train longer" in reason and "trial.steps=40" in command and not others


def test_the_lines_of_a_summary_are_its_answer_and_its_commands() -> None:
    result = summary_of(made_sweep(*noise_decides(1)))
    assert result.lines[:-1] == result.answer
    assert result.lines[-1].startswith("Next, more seeds, to tell settings from luck: orchestrate sweep s.yaml --set ")
