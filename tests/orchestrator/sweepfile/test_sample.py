"""Points that are drawn from a space: which they are, and how they combine with the rest of a group."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import group

from gan_core.config.identity import effective_settings
from orchestrator.formatting import configuration_name
from orchestrator.sweepfile.loader import load
from orchestrator.sweepfile.model import Sweep
from orchestrator.sweepfile.sample import METHODS, Method, unit_points

SPACE = """
sample:
  count: 4
  optimizer.lr: {log_uniform: [1e-5, 1e-1]}
  optimizer.betas[0]: {uniform: [0.0, 0.9]}
  stabilizers.instance_noise: {choice: [0.0, 0.1, 0.3]}
  model.width: {integers: [8, 64], step: 8}
"""


def read(folder: Path, text: str, *overrides: str) -> Sweep:
    file = folder / "sweep.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, list(overrides))


def names(sweep: Sweep) -> list[str]:
    return [trial.configuration for trial in sweep.trials]


def test_the_same_file_gives_these_points_on_every_machine(tmp_path: Path) -> None:
    """If a version of SciPy draws others, sweeps that were begun with an earlier one do not go on."""
    assert names(read(tmp_path, group(SPACE))) == [
        "g lr=0.02695 betas[0]=0.8677 noise=0.1 width=32",
        "g lr=8.788e-4 betas[0]=0.2374 noise=0.1 width=48",
        "g lr=4.682e-3 betas[0]=0.6211 noise=0.3 width=56",
        "g lr=1.6e-5 betas[0]=0.021 noise=0 width=8",
    ]


@pytest.mark.parametrize("method", METHODS)
def test_points_fill_the_unit_cube(method: Method) -> None:
    points = unit_points(method, 3, 64, seed=0)
    assert points.shape == (64, 3)
    assert points.min() >= 0 and points.max() < 1
    assert abs(points.mean(axis=0) - 0.5).max() < 0.15


@pytest.mark.parametrize("method", ["sobol", "random"])
@pytest.mark.parametrize("count", [1, 5, 16, 33])
def test_a_larger_count_keeps_the_earlier_points(method: Method, count: int) -> None:
    assert (unit_points(method, 4, 100, seed=3)[:count] == unit_points(method, 4, count, seed=3)).all()


def test_a_latin_hypercube_has_one_point_in_each_part_of_each_dimension() -> None:
    points = unit_points("latin_hypercube", 2, 10, seed=0)
    assert sorted(map(int, points[:, 0] * 10)) == sorted(map(int, points[:, 1] * 10)) == list(range(10))


@pytest.mark.parametrize("method", METHODS)
def test_another_seed_draws_other_points_and_the_same_seed_the_same(tmp_path: Path, method: str) -> None:
    text = group(SPACE)
    of_method = f"groups.g.sample.method={method}"
    first, again = (names(read(tmp_path, text, of_method)) for _ in range(2))
    other = names(read(tmp_path, text, of_method, "groups.g.sample.seed=1"))
    assert first == again
    assert not set(first) & set(other)


def test_every_point_meets_every_combination_of_grid_and_zip_point_by_point(tmp_path: Path) -> None:
    text = "sample:\n  count: 2\n  optimizer.lr: {log_uniform: [1e-5, 1e-1]}\ngrid: {batch_size: [8, 4]}\n"
    sweep = read(tmp_path, group(f"{text}zip: {{steps: [5, 6], log_every: [1, 2]}}"))
    first, second = dict.fromkeys(trial.factors["optimizer.lr"] for trial in sweep.trials)
    assert [tuple(trial.factors.values()) for trial in sweep.trials] == [
        (lr, batch, steps, every) for lr in (first, second) for batch in (8, 4) for steps, every in ((5, 1), (6, 2))
    ]
    assert {trial.sampled for trial in sweep.trials} == {("optimizer.lr",)}


def test_every_point_has_every_seed(tmp_path: Path) -> None:
    sweep = read(tmp_path, "seeds: [3, 5]\n" + group(SPACE))
    assert [trial.seed for trial in sweep.trials] == [3, 5] * 4
    assert names(sweep)[::2] == names(sweep)[1::2]


def test_trials_that_are_listed_come_after_the_points_and_are_not_drawn(tmp_path: Path) -> None:
    sweep = read(tmp_path, group(SPACE + "trials:\n  - {steps: 5}"))
    assert [len(trial.sampled) for trial in sweep.trials] == [4, 4, 4, 4, 0]


def test_groups_with_the_same_space_have_the_same_points(tmp_path: Path) -> None:
    sample = "sample: {count: 3, optimizer.lr: {uniform: [0.1, 0.2]}}"
    groups = f"  - name: a\n    {sample}\n  - name: b\n    {sample}\n    trial: {{model.width: 8}}\n"
    sweep = read(tmp_path, f"sweep: s\ngroups:\n{groups}")
    values = [trial.factors["optimizer.lr"] for trial in sweep.trials]
    assert values[:3] == values[3:]


def test_an_element_of_a_list_is_drawn_and_the_rest_of_the_list_stays(tmp_path: Path) -> None:
    text = "sample:\n  count: 3\n  optimizer.betas[0]: {uniform: [0.0, 0.9]}\n"
    sweep = read(tmp_path, group(text + "trial: {optimizer.betas: [0.5, 0.7]}"))
    for trial in sweep.trials:
        drawn = trial.factors["optimizer.betas[0]"]
        assert trial.config.optimizer.betas == (drawn, 0.7)
        assert effective_settings(trial.config)["optimizer.generator.betas"] == [drawn, 0.7]
        assert trial.configuration == configuration_name("g", {"optimizer.betas[0]": drawn})


def test_exclude_leaves_out_levels_of_drawn_settings_and_says_how_many_points(tmp_path: Path) -> None:
    sweep = read(tmp_path, group(SPACE + "exclude:\n  - {stabilizers.instance_noise: 0.3}"))
    assert len(sweep.trials) == 3
    assert any("leaves out 1 of 4 points" in caution for caution in sweep.cautions)


def test_an_exclusion_that_another_draw_would_use_is_no_mistake(tmp_path: Path) -> None:
    assert len(read(tmp_path, group(SPACE + "exclude:\n  - {model.width: 40}")).trials) == 4


def test_equal_points_are_trained_once_and_the_command_says_so(tmp_path: Path) -> None:
    text = "sample:\n  count: 8\n  model.width: {integers: [8, 16], step: 8}\n  steps: {integers: [1, 4]}\n"
    sweep = read(tmp_path, group(text + "  method: random"))
    assert len(sweep.trials) == len(set(names(sweep))) < 8
    assert any("equal an earlier one and are trained once" in caution for caution in sweep.cautions)


def test_points_change_by_set(tmp_path: Path) -> None:
    text = group(SPACE)
    more = read(tmp_path, text, "groups.g.sample.count=9")
    assert names(more)[:4] == names(read(tmp_path, text))
    assert len(more.trials) == 9
    other = read(tmp_path, text, "groups.g.sample.optimizer.lr={uniform: [0.5, 0.6]}")
    assert all(0.5 <= trial.factors["optimizer.lr"] <= 0.6 for trial in other.trials)
    added = read(tmp_path, text, "groups.g.sample.batch_size={choice: [8, 16]}")
    assert {trial.config.batch_size for trial in added.trials} == {8, 16}


def test_the_order_in_which_settings_are_written_does_not_matter(tmp_path: Path) -> None:
    lines = SPACE.strip().splitlines()
    other = read(tmp_path, group("\n".join([*lines[:2], *reversed(lines[2:])])))
    assert [trial.config for trial in other.trials] == [trial.config for trial in read(tmp_path, group(SPACE)).trials]


def test_settings_may_be_nested(tmp_path: Path) -> None:
    nested = "sample:\n  count: 4\n  optimizer:\n    lr: {log_uniform: [1e-5, 1e-1]}\n"
    dotted = "sample:\n  count: 4\n  optimizer.lr: {log_uniform: [1e-5, 1e-1]}\n"
    assert names(read(tmp_path, group(nested))) == names(read(tmp_path, group(dotted)))


def test_a_sweep_until_answered_asks_about_grids_within_points_and_not_about_drawn_settings(tmp_path: Path) -> None:
    head = "until: answered\nseeds: {first: 3, most: 5}\n"
    sweep = read(tmp_path, head + group(SPACE + "grid: {batch_size: [8, 16]}"))
    assert sweep.until and len(sweep.trials) == 4 * 2 * 5
    with pytest.raises(
        Exception, match=r"answer\.factors: optimizer\.lr is drawn: the report has its effect as a curve"
    ):
        read(tmp_path, head + "answer: {factors: [optimizer.lr]}\n" + group(SPACE))
