"""What `--set path=value` changes, and what it refuses to."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import SpecError, UserError
from orchestrator.sweepfile.loader import load
from orchestrator.sweepfile.model import Sweep

TEXT = """\
sweep: s
question: Why?
seeds: [0]
trial: {steps: 5, optimizer: {lr: 1e-3}}
groups:
  - name: a
    trial: {model: {family: wgan_gp, width: 8}}
    grid: {batch_size: [8, 9]}
  - name: a.b
    zip: {log_every: [1, 2], checkpoint_every: [1, 2]}
  - name: b
    trials:
      - {evaluation.every: 7}
  - name: c
    trial:
    grid: {optimizer: {betas: [[0.5, 0.9]], generator: {lr: [1e-3]}}}
"""


def read(folder: Path, *overrides: str, text: str = TEXT) -> Sweep:
    file = folder / "sweep.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, list(overrides))


def refused(folder: Path, *overrides: str, text: str = TEXT) -> list[str]:
    """The lines that say why these overrides are refused."""
    with pytest.raises(UserError) as caught:
        read(folder, *overrides, text=text)
    return str(caught.value).splitlines()


# Settings of all trials


def test_what_is_set_reaches_every_trial_and_wins_over_its_group(tmp_path: Path) -> None:
    sweep = read(tmp_path, "trial.steps=9", "trial.model.width=16")
    assert {(trial.config.steps, trial.config.model.width) for trial in sweep.trials} == {(9, 16)}


@pytest.mark.parametrize(
    "options", [("trial.steps=9", "groups.a.trial.steps=7"), ("groups.a.trial.steps=7", "trial.steps=9")]
)
def test_what_is_set_for_one_group_wins_over_what_is_set_for_all(tmp_path: Path, options: tuple[str, str]) -> None:
    steps = {(trial.group, trial.config.steps) for trial in read(tmp_path, *options).trials}
    assert steps == {("a", 7), ("a.b", 9), ("b", 9), ("c", 9)}


def test_without_set_nothing_changes(tmp_path: Path) -> None:
    assert read(tmp_path).trials == load(tmp_path / "sweep.yaml").trials


def test_the_last_set_wins(tmp_path: Path) -> None:
    assert {trial.config.steps for trial in read(tmp_path, "trial.steps=9", "trial.steps=10").trials} == {10}


@pytest.mark.parametrize(
    "option", ["trial.optimizer.lr=1e-2", " trial.optimizer.lr = 0.01 ", "trial.optimizer.lr=1e-2 # x"]
)
def test_values_are_yaml(tmp_path: Path, option: str) -> None:
    assert {trial.config.optimizer.lr for trial in read(tmp_path, option).trials} == {0.01}


def test_a_list_and_a_value_with_an_equals_sign_can_be_set(tmp_path: Path) -> None:
    text = "sweep: s\ngroups: [{name: g}]\n"
    sweep = read(tmp_path, "trial.optimizer.betas=[0, 0.9]", "question='Is a=b?'", text=text)
    assert sweep.trials[0].config.optimizer.betas == (0.0, 0.9)
    assert sweep.question == "Is a=b?"


@pytest.mark.parametrize("name", ["instance_noise", "instance_noise.std"])
@pytest.mark.parametrize("written", ["instance_noise", "instance_noise.std"])
@pytest.mark.parametrize("layer", ["trial", "groups.g.trial"])
def test_instance_noise_is_short_for_its_std_in_set_too(tmp_path: Path, layer: str, name: str, written: str) -> None:
    text = f"sweep: s\ngroups:\n  - name: g\n    trial: {{stabilizers: {{{written}: 0.1}}}}\n"
    sweep = read(tmp_path, f"{layer}.stabilizers.{name}=0.3", text=text)
    assert sweep.trials[0].config.stabilizers.instance_noise.std == 0.3


def test_a_trial_says_that_a_setting_came_from_set(tmp_path: Path) -> None:
    assert read(tmp_path, "trial.steps=9").trials[0].sources["steps"] == "--set trial.steps"


# Seeds, name, question


def test_seeds_can_be_set(tmp_path: Path) -> None:
    sweep = read(tmp_path, "seeds=[4, 5]")
    assert sweep.seeds == [4, 5]
    assert len(sweep.trials) == 2 * len(read(tmp_path).trials)


def test_name_and_question_can_be_set_even_where_the_file_has_none(tmp_path: Path) -> None:
    sweep = read(tmp_path, "sweep=t", "question=What now", "seeds=[7]", text="groups: [{name: g}]\n")
    assert (sweep.name, sweep.question, sweep.seeds) == ("t", "What now", [7])


@pytest.mark.parametrize(
    "option", ["seeds=3", "seeds=[-1]", "seeds=0,1", "seeds=[0, 0]", "seeds=", "sweep=a/b", "sweep="]
)
@pytest.mark.parametrize("text", [TEXT, "question: q\ngroups: [{name: g}]\nsweep: s\n"])
def test_a_wrong_value_is_blamed_on_set_and_not_on_a_line_of_the_file(tmp_path: Path, option: str, text: str) -> None:
    lines = refused(tmp_path, option, text=text)
    assert len(lines) == 1
    assert lines[0].startswith(f"--set {option.partition('=')[0]}: ")


# Levels and settings of one group


def levels(sweep: Sweep, group: str, setting: str) -> list[object]:
    return [trial.factors[setting] for trial in sweep.trials if trial.group == group]


def test_levels_of_a_grid_can_be_replaced(tmp_path: Path) -> None:
    sweep = read(tmp_path, "groups.a.grid.batch_size=[16]")
    assert levels(sweep, "a", "batch_size") == [16]
    assert len(sweep.trials) == len(read(tmp_path).trials) - 1


def test_levels_written_in_a_nested_grid_can_be_replaced(tmp_path: Path) -> None:
    sweep = read(tmp_path, "groups.c.grid.optimizer.generator.lr=[1e-4, 1e-5]")
    assert levels(sweep, "c", "optimizer.generator.lr") == [1e-4, 1e-5]
    assert levels(sweep, "c", "optimizer.betas") == [[0.5, 0.9], [0.5, 0.9]]


def test_levels_can_be_added_to_a_grid_and_to_a_group_without_one(tmp_path: Path) -> None:
    sweep = read(tmp_path, "groups.a.grid.log_every=[3, 4]", "groups.b.grid.log_every=[5]")
    assert levels(sweep, "a", "log_every") == [3, 4, 3, 4]
    assert [trial.configuration for trial in sweep.trials if trial.group == "b"] == ["b log_every=5", "b every=7"]


def test_levels_of_a_zip_can_be_replaced(tmp_path: Path) -> None:
    sweep = read(tmp_path, "groups.a.b.zip.log_every=[3, 4]")
    assert levels(sweep, "a.b", "log_every") == [3, 4]
    assert levels(sweep, "a.b", "checkpoint_every") == [1, 2]


@pytest.mark.parametrize("group", ["a", "a.b"])
def test_a_group_with_a_dot_in_its_name_is_told_from_the_one_that_its_name_begins_with(
    tmp_path: Path, group: str
) -> None:
    sweep = read(tmp_path, f"groups.{group}.trial.evaluation.every=3")
    assert {trial.group for trial in sweep.trials if trial.config.evaluation.every == 3} == {group}


@pytest.mark.parametrize("name", ["生成", "my group", "5", "' padded '"])
def test_a_group_of_any_name_can_be_set(tmp_path: Path, name: str) -> None:
    text = f"sweep: s\ngroups:\n  - name: {name}\n    grid: {{steps: [5]}}\n"
    sweep = read(tmp_path, f"groups.{name.strip(chr(39)).strip()}.grid.steps=[6]", text=text)
    assert [trial.config.steps for trial in sweep.trials] == [6]


@pytest.mark.parametrize("section", ["grid:", "zip:", "trial:", "grid: ~"])
def test_an_empty_section_can_be_filled(tmp_path: Path, section: str) -> None:
    text = f"sweep: s\ngroups:\n  - name: g\n    {section}\n"
    value = "7" if section == "trial:" else "[7]"
    sweep = read(tmp_path, f"groups.g.{section.partition(':')[0]}.steps={value}", text=text)
    assert [trial.config.steps for trial in sweep.trials] == [7]


@pytest.mark.parametrize(
    "section", ["grid: [5]", "zip: 5", "trial: dcgan", "grid: 1e-4", "zip: !foo x", "trial: |\n      x"]
)
def test_a_section_of_the_wrong_kind_is_reported_and_not_filled(tmp_path: Path, section: str) -> None:
    text = f"sweep: s\ngroups:\n  - name: g\n    {section}\n"
    name = section.partition(":")[0]
    lines = refused(tmp_path, f"groups.g.{name}.steps={'5' if name == 'trial' else '[5]'}", text=text)
    assert lines[0].startswith(f"{tmp_path / 'sweep.yaml'}:4: groups[0].{name}: ")


@pytest.mark.parametrize(
    "other", ["grid: *shared", "grid: {<<: *shared}", "grid: {<<: *shared, batch_size: [3]}", "grid: {steps: [5]}"]
)
def test_setting_one_group_leaves_the_groups_that_share_its_anchor_alone(tmp_path: Path, other: str) -> None:
    groups = f"  - name: g\n    grid: &shared {{steps: [5]}}\n  - name: h\n    trial: {{log_every: 2}}\n    {other}\n"
    sweep = read(tmp_path, "groups.g.grid.steps=[6]", text=f"sweep: s\ngroups:\n{groups}")
    assert (levels(sweep, "g", "steps"), levels(sweep, "h", "steps")) == ([6], [5])


# What cannot be set


@pytest.mark.parametrize("option", ["trial.steps", "nothing", "=5", " =5", "", "trial.steps:5"])
def test_an_option_without_path_and_value_is_shown_how_to_write_it(tmp_path: Path, option: str) -> None:
    lines = refused(tmp_path, option)
    assert len(lines) == 1
    assert "path=value" in lines[0]


@pytest.mark.parametrize(
    "value",
    [
        "[1",
        "a: b: c",
        "'5",
        "@",
        "*unknown",
        "\t- x",
        "\x07",
        "1\n---\n2",
        "!!int five",
        "2026-13-41",
        "9" * 5000,
        "&a [*a]",
        "&a {b: *a}",
        "{[]: 5, {a: b}: 6}",
        "[" * 400,
    ],
)
@pytest.mark.parametrize("path", ["trial.steps", "seeds", "groups.a.grid.batch_size"])
def test_what_is_no_yaml_value_is_refused_in_one_short_line_with_its_path(
    tmp_path: Path, path: str, value: str
) -> None:
    lines = refused(tmp_path, f"{path}={value}")
    assert len(lines) == 1
    assert lines[0].startswith(f"--set {path}: ")
    assert lines[0].isprintable() and len(lines[0]) < 250


@pytest.mark.parametrize(
    ("option", "right"),
    [
        ("trial.stepz=5", "steps"),
        ("trial.optimizer.lrr=5", "optimizer.lr"),
        ("groups.a.grid.batchsize=[5]", "batch_size"),
        ("groups.a.zip.stepz=[5]", "steps"),
        ("groups.a.trial.stepz=5", "steps"),
        ("steps=5", "trial.steps"),
        ("optimizer.lr=5", "trial.optimizer.lr"),
        ("trials.steps=5", "trial.steps"),
        ("Trial.steps=5", "trial.steps"),
        ("seed=[5]", "seeds"),
    ],
)
def test_an_unknown_path_is_refused_once_with_the_nearest_right_one(tmp_path: Path, option: str, right: str) -> None:
    path = option.partition("=")[0]
    lines = refused(tmp_path, option)
    assert len(lines) == 1
    assert lines[0].startswith(f"--set {path}: ")
    assert lines[0].endswith(f", did you mean {right}?")
    assert not lines[0].removeprefix(f"--set {path}: ").startswith(path)


@pytest.mark.parametrize(
    "option",
    [
        "groups=5",
        "groups.a=5",
        "groups.a.grid=5",
        "groups.a.name=b",
        "groups.x.grid.steps=[5]",
        "groups.0.trial.steps=5",
        "groups.b.trials.steps=5",
        "groups.a.exclude.steps=5",
        "trial=5",
        "trial.=5",
        "sweep.x=5",
        "seeds.0=5",
        "x.y=5",
    ],
)
def test_what_cannot_be_set_is_refused(tmp_path: Path, option: str) -> None:
    lines = refused(tmp_path, option)
    assert [line.partition(": ")[0] for line in lines] == [f"--set {option.partition('=')[0]}"]


def test_a_group_that_does_not_exist_is_answered_with_those_that_do(tmp_path: Path) -> None:
    assert refused(tmp_path, "groups.dcgan.grid.steps=[5]")[0].endswith("a, a.b, b, c")


def test_a_section_cannot_be_set_as_a_whole(tmp_path: Path) -> None:
    assert "is a section" in refused(tmp_path, "trial.optimizer={lr: 1e-3}")[0]


def test_a_seed_among_the_settings_is_sent_to_seeds(tmp_path: Path) -> None:
    assert "`seeds:`" in refused(tmp_path, "trial.seed=5")[0]


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("trial.batch_size=4", "--set groups.a.grid.batch_size=[...]"),
        ("groups.a.trial.batch_size=4", "--set groups.a.grid.batch_size=[...]"),
        ("trial.log_every=4", "--set groups.a.b.zip.log_every=[...]"),
        ("trial.optimizer.generator.lr=4", "--set groups.c.grid.optimizer.generator.lr=[...]"),
    ],
)
def test_a_swept_setting_is_not_fixed_silently(tmp_path: Path, option: str, instead: str) -> None:
    lines = refused(tmp_path, option)
    assert len(lines) == 1
    assert lines[0].startswith(f"--set {option.partition('=')[0]}: ")
    assert lines[0].endswith(instead)


def test_a_setting_swept_by_hand_is_not_fixed_silently_nor_said_to_be_in_a_grid(tmp_path: Path) -> None:
    lines = refused(tmp_path, "trial.evaluation.every=4")
    assert lines[0].startswith("--set trial.evaluation.every: group b sweeps evaluation.every")
    assert "grid" not in lines[0]


@pytest.mark.parametrize("value", ["1e-2", "[]", "", "fast", "{a: 1}"])
def test_levels_must_be_a_list(tmp_path: Path, value: str) -> None:
    lines = refused(tmp_path, f"groups.a.grid.optimizer.lr={value}")
    assert len(lines) == 1
    assert lines[0].startswith("--set groups.a.grid.optimizer.lr: ")
    assert "at least one level" in lines[0]


@pytest.mark.parametrize(
    ("option", "path"),
    [
        ("trial.optimizer.lr=0", "optimizer.lr"),
        ("trial.optimizer.lr='1e-3'", "optimizer.lr"),
        ("trial.steps=", "steps"),
        ("groups.a.grid.optimizer.lr=[0]", "optimizer.lr"),
        ("groups.a.trial.optimizer.lr=0", "optimizer.lr"),
        ("trial.stabilizers.label_smoothing=0.1", "stabilizers.label_smoothing"),
        ("groups.a.zip.stabilizers.label_smoothing=[0.1]", "stabilizers.label_smoothing"),
    ],
)
def test_a_wrong_setting_names_its_option(tmp_path: Path, option: str, path: str) -> None:
    lines = refused(tmp_path, option)
    assert len(lines) == 1
    given = option.partition("=")[0]
    assert given.endswith(path)
    assert lines[0].startswith(f"--set {given}: ") and f": {path}: " not in lines[0]  # the option names it already


def test_a_setting_cannot_be_in_grid_and_zip(tmp_path: Path) -> None:
    lines = refused(tmp_path, "groups.a.zip.batch_size=[1]")
    assert lines[0].startswith("--set groups.a.zip.batch_size: ")
    assert "grid" in lines[0]


def test_wrong_options_and_wrong_lines_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read(tmp_path, "trial.stepz=5", "x=1", "seeds=3", text="sweep: s\ntrial: {famly: dcgan}\ngroups: [{name: g}]\n")
    sources = [problem.source for problem in caught.value.problems]
    assert sorted(sources) == ["--set seeds", "--set trial.stepz", "--set x", f"{tmp_path / 'sweep.yaml'}:2"]
