"""What a wrong sweep file ends in: every problem at once, each with file, line, path and what would be right."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from support.sweep_texts import group, lines, marked_lines, problems, refuse

from orchestrator.errors import Problem, UserError
from orchestrator.sweepfile.loader import load

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


# Files that cannot be read


@pytest.mark.parametrize("name", ["none.yaml", "sweep.yaml/inside", ".", "no/such/folder.yaml", "x" * 300])
def test_a_file_that_cannot_be_read_is_one_line_with_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "sweep.yaml").write_text("sweep: s\n")
    with pytest.raises(UserError) as caught:
        load(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_the_name_of_an_unreadable_file_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path)
    assert str(caught.value).count(str(tmp_path)) == 1
    assert "irectory" in str(caught.value)


@pytest.mark.parametrize(("text", "line"), [(b"sweep: s\nquestion: caf\xe9?\n", 2), ("sweep: s\n".encode("utf-16"), 1)])
def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path, text: bytes, line: int) -> None:
    reported = problems(tmp_path, text)
    assert lines(reported) == [line]
    assert "UTF-8" in reported[0].message


# Broken YAML


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("sweep: s\ngroups:\n\t- name: g # here\n", id="tab before an item"),
        pytest.param("sweep: s\ntrial:\n\tsteps: 5 # here\n", id="tab before a key"),
        pytest.param("sweep: a: b # here\n", id="two colons"),
        pytest.param("sweep: s\n  trial: 5 # here\n", id="indented too far"),
        pytest.param("sweep: s\ntrial: {steps: 5\ngroups: [{name: g}] # here\n", id="brace left open"),
        pytest.param("sweep: @s # here\n", id="reserved character"),
        pytest.param("sweep: s\ntrial: *base # here\n", id="unknown alias"),
        pytest.param("sweep: s\ntrial: {<<: 5} # here\n", id="merge of a number"),
        pytest.param("sweep: s\ntrial: {<<: [1, 2]} # here\n", id="merge of a list of numbers"),
        pytest.param("sweep: s\n--- # here\nsweep: t\n", id="two documents"),
        pytest.param("sweep: s\nseeds: [0]\nseeds: [1] # here\n", id="key twice at the top"),
        pytest.param(
            group("grid:\n  optimizer.lr: [1e-3]\n  steps: [5]\n  optimizer.lr: [1e-4] # here"),
            id="key twice in a grid",
        ),
    ],
)
def test_broken_yaml_is_shown_with_its_line(tmp_path: Path, text: str) -> None:
    reported = problems(tmp_path, text)
    assert len(reported) == 1
    assert lines(reported) == marked_lines(text)
    assert reported[0].message.startswith("not valid YAML")
    assert text.splitlines()[marked_lines(text)[0] - 1].strip() in reported[0].message


@pytest.mark.parametrize("text", ["sweep: s\ngroups: [{name: g} # here\n", "sweep: 's # here\n\n"])
def test_what_is_left_open_until_the_end_is_shown_where_it_begins(tmp_path: Path, text: str) -> None:
    reported = problems(tmp_path, text)
    assert lines(reported) == marked_lines(text)
    assert text.splitlines()[marked_lines(text)[0] - 1] in reported[0].message


@pytest.mark.parametrize("character", [b"\x00", b"\x07", b"\x1b[31m", b"\x7f"])
def test_a_control_character_is_found_on_its_line_and_never_printed(tmp_path: Path, character: bytes) -> None:
    reported = problems(tmp_path, b"sweep: s\ntrial:\n  steps: 5" + character + b"\ngroups: [{name: g}]\n")
    assert lines(reported) == [3]
    assert str(reported[0]).isprintable()


@pytest.mark.parametrize(
    "trial",
    [
        pytest.param("{steps: !!int five}", id="a tag that does not fit"),
        pytest.param("{steps: 2026-13-41}", id="a date that does not exist"),
        pytest.param("{steps: " + "9" * 5000 + "}", id="a number too long to read"),
        pytest.param("{a: " * 400 + "1" + "}" * 400, id="nested too deep"),
        pytest.param("\n  ? {a: b}\n  : 5", id="a mapping as a key"),
        pytest.param("\n  ? [{a: b}]\n  : 5", id="a list of mappings as a key"),
        pytest.param("&t\n  <<: *t\n  steps: 5", id="an anchor merged into itself"),
        pytest.param("&t\n  model: *t\n  steps: x", id="an anchor inside itself"),
        pytest.param("!!set {a, b}", id="a set"),
        pytest.param("!!python/object/apply:os.system ['exit']", id="a Python object"),
    ],
)
def test_what_yaml_allows_and_a_sweep_has_no_use_for_is_refused_without_a_traceback(tmp_path: Path, trial: str) -> None:
    reported = problems(tmp_path, f"sweep: s\ntrial: {trial}\ngroups: [{{name: g}}]\n")
    assert all(str(tmp_path / "sweep.yaml") in problem.source for problem in reported)
    assert all("object has no attribute" not in problem.message for problem in reported)


def test_yaml_11_is_refused_because_it_means_something_else(tmp_path: Path) -> None:
    text = "# comment\n%YAML 1.1 # here\n---\nsweep: s\ngroups: [{name: g, trial: {steps: 1:30}}]\n"
    refuse(tmp_path, text, "", "YAML 1.2")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- sweep\n", "sweep\n", "5\n", "null\n"])
def test_a_file_that_is_no_mapping_is_told_its_keys(tmp_path: Path, text: str) -> None:
    reported = problems(tmp_path, text)
    assert all(key in reported[0].message for key in ("sweep", "seeds", "trial", "groups"))


# Unknown names


@pytest.mark.parametrize(
    ("text", "path", "right"),
    [
        (group("trial:\n  optimizer.lrr: 1e-3 # here"), "groups[0].trial.optimizer.lrr", "optimizer.lr?"),
        (group("trial:\n  optimiser:\n    lr: 1e-3 # here"), "groups[0].trial.optimiser.lr", "optimizer.lr?"),
        (group("trial:\n  lr: 1e-3 # here"), "groups[0].trial.lr", "optimizer.lr?"),
        (group("trial:", shared="model.famly: dcgan # here"), "trial.model.famly", "model.family?"),
        (group("trial:", shared="stepz: 5 # here"), "trial.stepz", "steps?"),
        (group("trial:", shared="gradient_penalty: 10 # here"), "trial.gradient_penalty", "loss.gradient_penalty?"),
        (group("trial:", shared="learning_rate: 1 # here"), "trial.learning_rate", "optimizer.lr?"),
        (group("trial:", shared="lambda: 10 # here"), "trial.lambda", "loss.gradient_penalty?"),
        (group("trial:", shared="smoothing: 0.1 # here"), "trial.smoothing", "stabilizers.label_smoothing?"),
        (group("trial:", shared="noise: 0.1 # here"), "trial.noise", "stabilizers.instance_noise.std?"),
        (group("trial:", shared="beta: [0, 0.9] # here"), "trial.beta", "optimizer.betas?"),
        (group("grid:\n  steps: [5]\n  batchsize: [8] # here"), "groups[0].grid.batchsize", "batch_size?"),
        (group("zip:\n  steps: [5]\n  batch-size: [8] # here"), "groups[0].zip.batch-size", "batch_size?"),
        (group("trials:\n  - steps: 5\n  - stepz: 6 # here"), "groups[0].trials[1].stepz", "steps?"),
        (group("grid: {steps: [5, 6]}\nexclude:\n  - stepz: 6 # here"), "groups[0].exclude[0].stepz", "steps?"),
        (group("gird: {steps: [5]} # here"), "groups[0].gird", "grid?"),
        (group("trail: {steps: 5} # here"), "groups[0].trail", "trial?"),
        ("sweep: s\nseed: [0] # here\ngroups: [{name: g}]\n", "seed", "seeds?"),
        ("sweep: s\ngroups: [{name: g}]\ngruops: [] # here\n", "gruops", "groups?"),
        (group("trial:\n  1: 5 # here"), "groups[0].trial.1", ""),
        (group("trial:\n  ? [steps, lr]\n  : 5 # here").replace("# here", "").replace("lr]", "lr] # here"), "", ""),
        (group("trial:\n  шаги: 5 # here"), "groups[0].trial.шаги", ""),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_right_one(
    tmp_path: Path, text: str, path: str, right: str
) -> None:
    refuse(tmp_path, text, path, "unknown", right and f", did you mean {right}")


@pytest.mark.parametrize("value", ["", "null", "{}", "[]"])
@pytest.mark.parametrize("name", ["stepz", "optimiser"])
def test_an_unknown_name_is_refused_even_without_a_value(tmp_path: Path, name: str, value: str) -> None:
    refuse(tmp_path, group("trial:", shared=f"{name}: {value} # here"), f"trial.{name}", "unknown setting")


@pytest.mark.parametrize(
    ("key", "right"),
    [("steps", "steps"), ("optimizer.lr", "optimizer.lr"), ("lr", "optimizer.lr"), ("optimizer", "optimizer")],
)
def test_a_setting_outside_trial_is_sent_there(tmp_path: Path, key: str, right: str) -> None:
    refuse(tmp_path, f"sweep: s\n{key}: 5 # here\ngroups: [{{name: g}}]\n", key, f"did you mean trial.{right}?")
    refuse(tmp_path, group(f"{key}: 5 # here"), f"groups[0].{key}", f"did you mean groups[0].trial.{right}?")


def test_a_seed_among_the_settings_is_sent_to_seeds(tmp_path: Path) -> None:
    refuse(tmp_path, group("grid:\n  seed: [0, 1] # here"), "groups[0].grid.seed", "`seeds:`")


@pytest.mark.parametrize("section", ["optimizer: 1e-3", "model: dcgan", "data: digits", "stabilizers: [0.1]"])
def test_a_section_given_a_value_lists_its_settings(tmp_path: Path, section: str) -> None:
    name = section.partition(":")[0]
    refuse(tmp_path, group("trial:", shared=f"{section} # here"), f"trial.{name}", "section", f"{name}.")


# Values


@pytest.mark.parametrize(
    "value",
    ["0", "0.0", "-1e-3", ".nan", ".inf", "-.inf", "fast", "'1e-4'", "true", "false", "[1e-4]", "1e999", "1e-999"],
)
def test_a_learning_rate_is_a_positive_number(tmp_path: Path, value: str) -> None:
    refuse(tmp_path, group(f"trial:\n  optimizer.lr: {value} # here"), "optimizer.lr", "is not allowed")


@pytest.mark.parametrize(
    "value",
    [
        "[0.5, 1]",
        "[-0.1, 0.9]",
        "[0.5, .nan]",
        "[0.5, 1.5]",
        "[0.5]",
        "[0.5, 0.9, 0.99]",
        "0.5",
        "[a, b]",
        "['0', '0']",
    ],
)
def test_betas_are_two_numbers_from_zero_to_less_than_one(tmp_path: Path, value: str) -> None:
    refuse(
        tmp_path, group(f"trial:\n  optimizer.betas: {value} # here"), "optimizer.betas", "two numbers", "less than 1"
    )


def test_betas_without_their_second_brackets_are_refused(tmp_path: Path) -> None:
    text = group("grid:\n  optimizer.betas: [0.5, 0.999] # here")
    reported = problems(tmp_path, text)
    assert set(lines(reported)) == set(marked_lines(text))
    assert "0.5 is not allowed" in reported[0].message


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("steps", "5.0"),
        ("steps", "'5'"),
        ("steps", "true"),
        ("steps", "0"),
        ("steps", "null"),
        ("steps", "9" * 400),
        ("batch_size", "1"),
        ("model.width", "8.0"),
        ("model.width", ".inf"),
        ("model.family", "wgan-gp"),
        ("model.family", "5"),
        ("model.family", "[dcgan]"),
        ("model.family", "null"),
        ("data.name", "minst"),
        ("data.image_size", "48"),
        ("data.image_size", "'32'"),
        ("data.classes", "3"),
        ("data.classes", "[]"),
        ("data.classes", "[1.0]"),
        ("data.classes", "[true]"),
        ("data.classes", "[0, -1]"),
        ("data.root", "5"),
        ("data.root", "!!binary aGVsbG8="),
        ("loss.name", "wgan"),
        ("loss.gradient_penalty", "true"),
        ("loss.gradient_penalty", "'10'"),
        ("loss.gradient_penalty", "-1"),
        ("loss.n_critic", "1.5"),
        ("stabilizers.label_smoothing", "0.5"),
        ("stabilizers.label_smoothing", "true"),
        ("stabilizers.label_smoothing", "no"),
        ("stabilizers.instance_noise", "much"),
        ("stabilizers.instance_noise", "true"),
        ("stabilizers.instance_noise", "-0.1"),
        ("stabilizers.instance_noise", "[0.1]"),
        ("stabilizers.instance_noise.anneal", "yes"),
        ("stabilizers.instance_noise.anneal", "1"),
        ("stabilizers.instance_noise.anneal", "'true'"),
        ("precision", "float16"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_and_never_converted(tmp_path: Path, setting: str, value: str) -> None:
    path = "stabilizers.instance_noise.std" if setting == "stabilizers.instance_noise" else setting
    refuse(tmp_path, group(f"trial:\n  {setting}: {value} # here"), path, "is not allowed")
    refuse(tmp_path, group(f"grid:\n  {setting}: [{value}] # here"), path, "is not allowed")


def test_a_wrong_name_is_answered_with_the_names_there_are(tmp_path: Path) -> None:
    refuse(tmp_path, group("trial:\n  model.family: dcgam # here"), "model.family", "'dcgan', 'acgan', 'wgan_gp'")


def test_a_very_long_value_does_not_fill_the_screen(tmp_path: Path) -> None:
    reported = problems(tmp_path, group(f"trial:\n  optimizer.lr: {'9' * 400}"))
    assert len(reported[0].message) < 200


def test_an_unknown_tag_is_shown_as_it_was_written(tmp_path: Path) -> None:
    refuse(tmp_path, group("trial:\n  steps: !foo 5 # here"), "steps", "'!foo 5'")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (group("trial:\n  loss.name: wasserstein\n  stabilizers.label_smoothing: 0.1 # here"), "label_smoothing"),
        (
            group("grid:\n  stabilizers.label_smoothing: [0, 0.1] # here\ntrial: {model.family: wgan_gp}"),
            "label_smoothing",
        ),
        (
            group("grid: {model.family: [dcgan, wgan_gp]}", shared="stabilizers.label_smoothing: 0.1 # here"),
            "_smoothing",
        ),
        (group("trial:\n  loss.auxiliary_loss: cross_entropy # here"), "loss.auxiliary_loss"),
        (group("trial: {data.name: npz}").replace("name: g", "name: g # here"), "data.path"),
        (group("trial:\n  data.path: images # here"), "data.path"),
    ],
)
def test_settings_that_mean_nothing_together_are_refused_where_they_are_written(
    tmp_path: Path, text: str, path: str
) -> None:
    refuse(tmp_path, text, path)


# Shapes: lists where mappings belong, and the other way round


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sweep: s\ntrial: 5 # here\ngroups: [{name: g}]\n", "trial"),
        ("sweep: s\ntrial: [steps] # here\ngroups: [{name: g}]\n", "trial"),
        ("sweep: s\ngroups: {name: g} # here\n", "groups"),
        ("sweep: s\ngroups: g # here\n", "groups"),
        ("sweep: s\ngroups: [] # here\n", "groups"),
        ("sweep: s\ngroups: # here\n", "groups"),
        ("sweep: s # here\n", "groups"),
        ("sweep: s\ngroups:\n  - g # here\n", "groups[0]"),
        ("sweep: s\ngroups:\n  - name: g\n  - # here\n", "groups[1]"),
        ("sweep: s\ngroups:\n  - name: g\n  - [name, h] # here\n", "groups[1]"),
        (group("trial: [steps] # here"), "groups[0].trial"),
        (group("grid: [steps] # here"), "groups[0].grid"),
        (group("grid: steps # here"), "groups[0].grid"),
        (group("zip: [steps] # here"), "groups[0].zip"),
        (group("trials: {steps: 5} # here"), "groups[0].trials"),
        (group("trials: # here"), "groups[0].trials"),
        (group("trials:\n  - {steps: 5}\n  - steps # here"), "groups[0].trials[1]"),
        (group("exclude: {steps: 5} # here\ngrid: {steps: [5, 6]}"), "groups[0].exclude"),
        (group("grid: {steps: [5, 6]}\nexclude:\n  - 5 # here"), "groups[0].exclude[0]"),
        (group("grid:\n  optimizer: [1e-3] # here"), "groups[0].grid.optimizer"),
        (group("grid:\n  optimizer.lr: {a: [1]} # here"), "groups[0].grid.optimizer.lr.a"),
        (group("trial:\n  steps: {a: 5} # here"), "groups[0].trial.steps.a"),
    ],
)
def test_a_list_is_no_mapping_and_a_mapping_no_list(tmp_path: Path, text: str, path: str) -> None:
    refuse(tmp_path, text, path)


@pytest.mark.parametrize("key", ["grid", "zip"])
@pytest.mark.parametrize("levels", ["", "[]", "5", "null", "digits"])
def test_levels_are_a_list_with_something_in_it(tmp_path: Path, key: str, levels: str) -> None:
    refuse(tmp_path, group(f"{key}:\n  steps: {levels} # here"), f"groups[0].{key}.steps", "at least one level")


@pytest.mark.parametrize("key", ["grid", "zip", "trials", "exclude"])
@pytest.mark.parametrize("empty", ["", "{}", "[]"])
def test_an_empty_grid_is_refused(tmp_path: Path, key: str, empty: str) -> None:
    refuse(tmp_path, group(f"{key}: {empty} # here"), f"groups[0].{key}")


def test_an_empty_section_in_a_grid_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path, group("grid:\n  steps: [5]\n  optimizer: {} # here"), "groups[0].grid.optimizer")


# What contradicts itself


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (group("trial:\n  optimizer.lr: 1e-3\n  optimizer: {lr: 1e-4} # here"), "groups[0].trial.optimizer.lr"),
        (group("trial:\n  optimizer: {lr: 1e-4}\n  optimizer.lr: 1e-3 # here"), "groups[0].trial.optimizer.lr"),
        (group("grid:\n  optimizer.lr: [1e-3]\n  optimizer: {lr: [1e-4]} # here"), "groups[0].grid.optimizer.lr"),
        (
            group("trial:\n  stabilizers.instance_noise: 0.1\n  stabilizers.instance_noise.std: 0.2 # here"),
            "groups[0].trial.stabilizers.instance_noise.std",
        ),
        (
            group("grid:\n  stabilizers.instance_noise: [0]\n  stabilizers.instance_noise.std: [0.2] # here"),
            "groups[0].grid.stabilizers.instance_noise.std",
        ),
    ],
)
def test_a_setting_written_twice_in_one_place_is_refused(tmp_path: Path, text: str, path: str) -> None:
    refuse(tmp_path, text, path, "twice")


def test_a_setting_in_both_grid_and_zip_is_refused(tmp_path: Path) -> None:
    text = group("grid: {stabilizers.instance_noise: [0, 1]}\nzip: {stabilizers.instance_noise.std: [0, 1]} # here")
    refuse(tmp_path, text, "groups[0].zip.stabilizers.instance_noise.std", "grid")


def test_lists_of_different_lengths_cannot_be_zipped(tmp_path: Path) -> None:
    refuse(tmp_path, group("zip: # here\n  steps: [5, 6]\n  batch_size: [8]"), "groups[0].zip", "[1, 2]")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (group("grid: {steps: [5, 6]}\nexclude:\n  - steps: 5\n  - steps: 7 # here"), "matches no combination"),
        (group("grid: {steps: [5, 6]}\nexclude:\n  - steps: [5, 6] # here"), "matches no combination"),
        (group("grid: {steps: [5, 6]}\nexclude:\n  - {steps: 5, batch_size: 8} # here"), "neither"),
        (group("trials:\n  - {steps: 5}\nexclude:\n  - {steps: 5} # here"), "neither"),
        (group("grid: {steps: [5, 6]}\nexclude: # here\n  - {}"), "empty"),
    ],
)
def test_an_exclusion_that_excludes_nothing_is_refused(tmp_path: Path, text: str, words: str) -> None:
    refuse(tmp_path, text, "", words)


def test_a_group_whose_trials_are_all_excluded_is_refused(tmp_path: Path) -> None:
    reported = problems(tmp_path, group("grid: {steps: [5, 6]}\nexclude:\n  - {steps: 5}\n  - {steps: 6}"))
    assert "no trial" in reported[0].message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(group("grid:\n  batch_size: [8]\n  steps:\n    - 5\n    - 6\n    - 5 # here"), id="level twice"),
        pytest.param(group("grid:\n  optimizer.lr:\n    - 1\n    - 1.0 # here"), id="level in two notations"),
        pytest.param(group("trials:\n  - {steps: 5}\n  - {steps: 5} # here"), id="by hand twice"),
        pytest.param(group("grid: {steps: [5, 6]}\ntrials:\n  - {steps: 6} # here"), id="by hand and in the grid"),
        pytest.param(group("zip:\n  batch_size: [8, 8] # here\n  steps: [5, 5]"), id="row of the zip twice"),
        pytest.param(group("trials:\n  - {optimizer.lr: 2e-4}\n  - {steps: 1000} # here"), id="defaults in two ways"),
        pytest.param("sweep: s\ngroups:\n  - name: a\n  - name: b # here\n", id="two groups of the same settings"),
        pytest.param(
            group(
                """
                trials:
                  - {optimizer.lr: 1e-3}
                  - {optimizer.generator.lr: 1e-3, optimizer.discriminator.lr: 1e-3} # here
                """
            ),
            id="a learning rate for both and for each",
        ),
        pytest.param(
            group(
                """
                trials:
                  - {stabilizers.instance_noise: {std: 0, anneal: true}}
                  - {stabilizers.instance_noise: {std: 0, anneal: false}} # here
                """
            ),
            id="annealing of no noise",
        ),
    ],
)
@pytest.mark.parametrize("seeds", ["", "seeds: [0, 1, 2]\n"])
def test_a_duplicate_trial_is_refused_once_where_the_second_is_written(tmp_path: Path, text: str, seeds: str) -> None:
    refuse(tmp_path, text.replace("sweep: s\n", f"sweep: s\n{seeds}"), "", "duplicate trial")


def test_a_grid_of_more_trials_than_a_plan_holds_is_refused_without_being_built(tmp_path: Path) -> None:
    settings = ["steps", "log_every", "checkpoint_every", "evaluation.every", "batch_size", "model.width"]
    grid = "\n".join(f"  {setting}: {list(range(4, 104))}" for setting in settings)
    reported = problems(tmp_path, group(f"grid:\n{grid}"))
    assert "1,000,000,000,000" in reported[0].message and "20,000" in reported[0].message
    assert lines(reported) == [3]


@pytest.mark.parametrize(
    ("other", "count"),
    [
        ("trials: [{log_every: 1}, {log_every: 2}]", "21,023"),
        ("zip: {log_every: [1, 2, 3], checkpoint_every: [1, 2, 3]}", "21,024"),
        ("grid: {log_every: [1, 2]}\nzip: {steps: [1, 2]}\ntrials: [{batch_size: 8}]", "21,026"),
        ("trial: {batch_size: 8}", "21,022"),
    ],
)
def test_the_bound_counts_every_group_and_every_way_to_write_trials(tmp_path: Path, other: str, count: str) -> None:
    text = group(f"grid: {{steps: {list(range(1, 22))}, batch_size: {list(range(2, 1003))}}}")
    reported = problems(tmp_path, f"{text}  - name: h\n{indent(other, '    ')}\n")
    assert reported[0].message.startswith(f"{count} trials")


def test_seeds_count_among_the_trials(tmp_path: Path) -> None:
    grid = f"grid: {{steps: {list(range(1, 102))}, log_every: {list(range(1, 101))}}}"
    assert "20,200" in problems(tmp_path, group(grid), "seeds=[0, 1]")[0].message


# Names and seeds


@pytest.mark.parametrize(
    "name",
    [
        "''",
        "..",
        ".",
        "a/b",
        "../x",
        "/x",
        "a b",
        ".x",
        "-x",
        "a..b",
        "é",
        "~",
        "[a]",
        "{a: b}",
        '"a\\n"',
        '"a\\0"',
        "x" * 65,
    ],
)
def test_a_sweep_needs_a_safe_folder_name(tmp_path: Path, name: str) -> None:
    refuse(tmp_path, f"sweep: {name} # here\ngroups: [{{name: g}}]\n", "sweep", "safe folder name")


@pytest.mark.parametrize("name", ["5", "1.5", "true", "2026-01-31"])
def test_a_sweep_whose_name_is_not_text_is_told_to_quote_it(tmp_path: Path, name: str) -> None:
    refuse(tmp_path, f"sweep: {name} # here\ngroups: [{{name: g}}]\n", "sweep", "quotes")


def test_a_sweep_needs_a_name(tmp_path: Path) -> None:
    refuse(tmp_path, "groups: [{name: g}] # here\n", "sweep", "missing")


@pytest.mark.parametrize(
    "seeds",
    ["", "3", "[]", "[-1]", "[1.0]", "[true]", "['0']", "[null]", "[[0]]", "{a: 1}", "[2147483648]", "[1e2]", "[.nan]"],
)
def test_seeds_are_a_list_of_whole_numbers(tmp_path: Path, seeds: str) -> None:
    refuse(tmp_path, f"sweep: s\nseeds: {seeds} # here\ngroups: [{{name: g}}]\n", "seeds", "whole numbers")


def test_a_seed_listed_twice_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path, "sweep: s\nseeds: [0, 1, 0] # here\ngroups: [{name: g}]\n", "seeds", "twice")


def test_a_seed_that_is_too_large_is_told_the_largest(tmp_path: Path) -> None:
    text = "sweep: s\nseeds: [2147483648] # here\ngroups: [{name: g}]\n"
    refuse(tmp_path, text, "seeds", "2147483647")


@pytest.mark.parametrize("question", ["5", "true", "[Why]", "{Why: not}", "2026-01-31"])
def test_a_question_is_text(tmp_path: Path, question: str) -> None:
    refuse(tmp_path, f"sweep: s\nquestion: {question} # here\ngroups: [{{name: g}}]\n", "question", "text")


@pytest.mark.parametrize("name", ["''", "' '", "", "~", "[a]", "{a: b}", '"a\\nb"', "2026-01-31"])
def test_a_group_needs_a_name_of_one_line(tmp_path: Path, name: str) -> None:
    refuse(tmp_path, f"sweep: s\ngroups:\n  - name: {name} # here\n", "groups[0].name", "name")


def test_groups_without_names_are_each_reported(tmp_path: Path) -> None:
    text = "sweep: s\ngroups:\n  - trial: {steps: 5} # here\n  - trial: {steps: 6} # here\n"
    reported = problems(tmp_path, text)
    assert lines(reported) == marked_lines(text)
    assert [problem.path for problem in reported] == ["groups[0].name", "groups[1].name"]


@pytest.mark.parametrize(("one", "other"), [("a", "a"), ("5", "'5'"), ("a", "' a '")])
def test_two_groups_of_one_name_are_refused(tmp_path: Path, one: str, other: str) -> None:
    text = f"sweep: s\ngroups:\n  - name: {one}\n  - name: {other} # here\n    trial: {{steps: 5}}\n"
    refuse(tmp_path, text, "groups[1].name", "two groups are called")


# All at once


def test_every_error_is_reported_with_its_line(tmp_path: Path) -> None:
    text = dedent(
        """\
        sweep: a/b # here
        seeds: [0, 0] # here
        qestion: Why? # here
        trial:
          stepz: 5 # here
          batch_size: 0 # here
        groups:
          - trial: {model.family: dcgam} # here and the missing name # here
          - name: b
            gird: {} # here
            trial:
              optimizer.lr: 0 # here
            grid:
              optimizer.betas:
                - [0.5, 0.999]
                - [0.5, 1.0] # here
              model.widht: [8] # here
              data.name: [] # here
            zip: # here
              log_every: [1, 2]
              checkpoint_every: [1]
          - name: c
            grid:
              stabilizers.label_smoothing: [0.1, 0.9] # here
        """
    )
    reported = problems(tmp_path, text)
    assert sorted(set(lines(reported))) == marked_lines(text)
    assert len(reported) == len(marked_lines(text)) + 1


def test_errors_in_several_groups_are_reported_together(tmp_path: Path) -> None:
    text = "sweep: s\ngroups:\n  - {name: a, trial: {steps: 0}} # here\n  - {name: b, trial: {steps: -5}} # here\n"
    assert lines(problems(tmp_path, text)) == marked_lines(text)


def test_an_unknown_name_does_not_hide_a_wrong_value(tmp_path: Path) -> None:
    text = group("trial:\n  optimizer.lrr: 1e-3 # here\n  optimizer.lr: 0 # here")
    assert lines(problems(tmp_path, text)) == marked_lines(text)


@pytest.mark.parametrize("levels", ["[0, -1, .nan, fast]", "\n    - 0\n    - -1\n    - .nan\n    - fast"])
def test_every_wrong_level_of_a_list_is_reported(tmp_path: Path, levels: str) -> None:
    reported = problems(tmp_path, group(f"grid:\n  optimizer.lr: {levels}"))
    assert [problem.message.split()[0] for problem in reported] == ["0", "-1", "nan", "'fast'"]


def test_a_shared_error_is_reported_once_however_many_groups_there_are(tmp_path: Path) -> None:
    groups = "groups: [{name: a, grid: {batch_size: [8, 9]}}, {name: b}]"
    refuse(tmp_path, f"sweep: s\nseeds: [0, 1]\ntrial:\n  steps: 0 # here\n{groups}\n", "steps")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(group("zip: # here\n  steps: [5, 6]\n  batch_size: [8]\nexclude:\n  - steps: 5"), id="zip"),
        pytest.param(group("grid:\n  steps: [] # here\nexclude:\n  - steps: 5"), id="grid"),
        pytest.param(group("grid:\n  steps: [5, 5]\n  batchsize: [8] # here"), id="duplicates"),
        pytest.param(
            group("trial:\n  data.name: npz\n  data.pth: images # here"), id="what a misspelled name leaves out"
        ),
    ],
)
def test_one_mistake_is_one_problem(tmp_path: Path, text: str) -> None:
    refuse(tmp_path, text, "")


def test_a_list_of_problems_that_was_cut_says_so(tmp_path: Path) -> None:
    reported = problems(tmp_path, group("trial:", shared="\n".join(f"unknown_{number}: 1" for number in range(100))))
    assert 20 <= len(reported) <= 30
    assert "more" in reported[-1].message


def test_a_problem_in_merged_settings_is_reported_on_a_line_of_its_own_group(tmp_path: Path) -> None:
    text = "sweep: s\ngroups:\n  - name: a\n    trial: &t\n      stepz: 5\n  - name: b\n    trial:\n      <<: *t\n"
    reported = problems(tmp_path, text)
    assert [problem.path for problem in reported] == ["groups[0].trial.stepz", "groups[1].trial.stepz"]
    assert lines(reported)[0] == 5
    assert lines(reported)[1] in (5, 7, 8)


def test_a_problem_reads_source_path_message() -> None:
    assert str(Problem("s.yaml:3", "trial.lr", "is wrong")) == "s.yaml:3: trial.lr: is wrong"
    assert str(Problem("s.yaml:3", "", "is wrong")) == "s.yaml:3: is wrong"
