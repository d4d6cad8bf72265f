"""Several sweeps in one report."""

from __future__ import annotations

from support.made_runs import LR, NOISE, made_run, made_sweep, measured, noise_decides, png, summary_of

from orchestrator.report.analysis import analyse
from orchestrator.report.data import RunData, SweepData
from orchestrator.report.merge import merged


def sweeps_that_differ(seeds: int = 4) -> list[SweepData]:
    """`before`, of which every run collapsed, and `after`, of which none did; with the same settings and seeds."""

    def runs(verdict: str) -> list[RunData]:
        factors = [{LR: lr} for lr in (1e-3, 2e-4)]
        return [made_run(own, seed, verdict, since=10) for own in factors for seed in range(seeds)]

    return [
        made_sweep(*runs("collapsed"), name="before", run_id="1", commands=[["orchestrate", "sweep", "before.yaml"]]),
        made_sweep(*runs("stable"), name="after", run_id="2", commands=[["orchestrate", "sweep", "after.yaml"]]),
    ]


def test_runs_alike_in_all_else_are_pairs_that_differ_in_the_sweep() -> None:
    effect = next(effect for effect in analyse(merged(sweeps_that_differ())).effects if effect.factor == "sweep")
    assert (effect.before, effect.after) == ("before", "after")
    assert (effect.pairs, effect.seeds, effect.stable.mean) == (8, 4, 1.0)


def test_seeds_that_were_added_to_one_of_them_are_a_caution_with_its_name() -> None:
    first, second = sweeps_that_differ()
    first.reported_seeds, second.reported_seeds = [0, 1], [0, 1, 2, 3]
    (caution,) = merged([first, second]).cautions
    assert caution.startswith("before: 2 of 4 seeds were added by hand after a report")


def test_runs_that_only_one_sweep_has_make_no_pair_with_it() -> None:
    first, second = sweeps_that_differ()
    second.runs += [made_run({LR: 5e-2}, seed) for seed in range(4)]
    effect = next(effect for effect in analyse(merged([first, second])).effects if effect.factor == "sweep")
    assert effect.pairs == 8


def test_configurations_of_two_sweeps_stay_apart_and_say_whose_they_are() -> None:
    data = merged(sweeps_that_differ())
    assert set(data.configurations()) == {
        "before: g lr=1e-3", "before: g lr=2e-4", "after: g lr=1e-3", "after: g lr=2e-4",
    }  # fmt: skip
    assert data.runs[0].name == "before: g lr=1e-3 seed=0"


def test_a_comparison_asks_how_they_differ_and_says_how_to_run_each() -> None:
    data = merged(sweeps_that_differ())
    assert (data.name, data.question) == ("before and after", "How do before and after differ?")
    assert data.commands == [["orchestrate", "sweep", "before.yaml"], ["orchestrate", "sweep", "after.yaml"]]
    assert data.run_id == "1, 2"
    answer = summary_of(data).answer
    assert answer[0] == "before had 0 of 8 runs stable; after had 8 of 8 runs stable."
    assert answer[1] == "The sweeps do not differ in any setting."
    assert "with sweep from before to after stable runs change by +100 points (95% interval" in answer[2]
    assert "8 pairs): more than chance" in answer[2]
    assert answer[3].startswith("8 of 16 runs were stable")


def test_merging_leaves_the_sweeps_as_they_were() -> None:
    sweeps = sweeps_that_differ()
    merged(sweeps)
    assert sweeps[0].runs[0].factors == {LR: 1e-3}
    assert sweeps[0].runs[0].configuration == "g lr=1e-3"


def test_cautions_and_pictures_of_real_images_that_are_alike_stand_once() -> None:
    first, second = (
        made_sweep(
            made_run(hardware=name),
            name=name,
            cautions=["beware", name],
            real=[("real images", png()), ("more", png(shade))],
        )
        for name, shade in (("before", 1), ("after", 2))
    )
    data = merged([first, second])
    assert data.cautions[:3] == ["beware", "before", "after"]
    assert [picture for _, picture in data.real] == [png(), png(1), png(2)]


def test_runs_that_confirm_are_no_part_of_the_pairs_in_a_comparison_either() -> None:
    first, second = sweeps_that_differ()
    first.runs.append(made_run({LR: 1e-3}, 9, "stable", confirms=True))
    second.runs.append(made_run({LR: 1e-3}, 9, "collapsed", confirms=True))
    effect = next(effect for effect in analyse(merged([first, second])).effects if effect.factor == "sweep")
    assert effect.seeds == 4


def test_three_sweeps_are_each_compared_with_the_first() -> None:
    sweeps = [
        made_sweep(*(measured(run, distance) for run in noise_decides(2)), name=name)
        for distance, name in enumerate(("one", "two", "three"), start=1)
    ]
    sweep_effects = [effect for effect in analyse(merged(sweeps)).effects if effect.factor == "sweep"]
    assert [(effect.before, effect.after) for effect in sweep_effects] == [("one", "two"), ("one", "three")]
    assert all(effect.stable.mean == 0 for effect in sweep_effects)
    assert {effect.factor for effect in analyse(merged(sweeps)).effects} == {"sweep", LR, NOISE}


def test_a_comparison_of_devices_or_precisions_is_warned_of() -> None:
    cpu, gpu = (made_sweep(made_run(hardware=kind), name=kind) for kind in ("cpu in bfloat16", "cuda in bfloat16"))
    assert not any("devices" in caution for caution in merged([cpu, cpu]).cautions)
    (caution,) = merged([cpu, gpu]).cautions
    assert "1 on cpu in bfloat16, 1 on cuda in bfloat16" in caution


def test_a_trial_that_two_sweeps_have_with_the_same_result_is_counted_once() -> None:
    first, second = (
        made_sweep(*(measured(run, 3.0) for run in noise_decides(2, levels)), name=name)
        for name, levels in (("before", (0.0, 0.1)), ("after", (0.0, 0.1, 0.2)))
    )
    for run in second.runs:
        run.latest["speed/images_per_second"] = 7.0
    data = merged([first, second])
    assert [run.group for run in data.runs] == ["before: g"] * 8 + ["after: g"] * 4
    assert data.cautions == [
        "8 runs repeat those of an earlier sweep, with the same results, and are not counted again"
    ]
    answer = summary_of(data).answer
    assert answer[0].startswith("before had 4 of 8 runs stable")
    assert "after had 8 of 12 runs stable" in answer[0]  # those that both have count in both
    assert answer[3].startswith("8 of 12 runs were stable")
    effects = [(e.group, e.factor, e.after) for e in analyse(data).effects]
    assert ("after: g against before: g", NOISE, 0.2) in effects
    assert len(effects) == len(set(effects))


def test_a_run_that_has_not_ended_gives_way_to_the_same_trial_that_has() -> None:
    pending, ended = (made_sweep(made_run(verdict=verdict), name=verdict or "pending") for verdict in ("", "stable"))
    assert [run.name for run in merged([pending, ended]).runs] == ["stable: g seed=0"]
    assert [run.name for run in merged([pending, pending]).runs] == ["pending: g seed=0"]


def test_sweeps_that_settings_tell_apart_are_compared_by_these() -> None:
    first, second = (
        made_sweep(
            *(made_run({}, seed, verdict, key=f"{name}{seed}", settings={NOISE: noise}) for seed in range(4)), name=name
        )
        for name, verdict, noise in (("before", "collapsed", "0.0"), ("after", "stable", "0.1"))
    )
    (effect,) = analyse(merged([first, second])).effects
    assert (effect.factor, effect.before, effect.after, effect.stable.mean) == (NOISE, 0.0, 0.1, 1.0)
    answer = summary_of(merged([first, second])).answer
    assert answer[1] == "They differ in noise (before: 0; after: 0.1)."
    assert "with noise from 0 to 0.1 (after: g against before: g) stable runs change by +100" in answer[2]


def test_sweeps_without_a_seed_in_common_say_that_nothing_shows_what_made_the_difference() -> None:
    first, second = (
        made_sweep(*(made_run({}, seed, "stable", settings={NOISE: noise}) for seed in seeds), name=name)
        for name, seeds, noise in (("before", (0, 1), "0.0"), ("after", (2, 3), "0.1"))
    )
    assert summary_of(merged([first, second])).answer[2].startswith("No run of one sweep has a partner")
