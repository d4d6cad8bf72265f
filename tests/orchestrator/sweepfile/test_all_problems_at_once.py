"""Every mistake is reported in one go, each once, with file, line and path."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from support.sweep_texts import group, lines, marked_lines, problems, refuse

from orchestrator.errors import Problem


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
