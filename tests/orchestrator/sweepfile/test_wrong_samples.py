"""What is wrong with a sample is said in one line, and whether a file is refused does not depend on the draw."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import group, problems, refuse

LR = "  optimizer.lr: {log_uniform: [1e-5, 1e-1]}\n"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{loguniform: [1e-5, 1e-1]}", "did you mean log_uniform?"),
        ("{log-uniform: [1e-5, 1e-1]}", "did you mean log_uniform?"),
        ("{randint: [1, 5]}", "did you mean integers?"),
        ("{gaussian: [0, 1]}", "gaussian is no way to draw values"),
        ("{log_uniform: [1e-1, 1e-5]}", "upside down; write log_uniform: [1e-5, 0.1]"),
        ("{log_uniform: [0, 1e-1]}", "a logarithm needs numbers above 0, and the range begins at 0"),
        ("{log_uniform: [-1, 1e-1]}", "a logarithm needs numbers above 0, and the range begins at -1"),
        ("{uniform: [0.1, 0.1]}", "the range is empty, it holds 0.1 alone"),
        ("{uniform: [0.1]}", "is no range; write its two ends"),
        ("{uniform: [0.1, .inf]}", "is no range; write its two ends"),
        ("{uniform: [a, b]}", "is no range; write its two ends"),
        ("{uniform: [1, 1.0000000001]}", "too close to each other"),
        ("{uniform: [0.1, 0.2], choice: [1, 2]}", "two ways to draw values"),
        ("{uniform: [0.1, 0.2], step: 2}", "a step belongs to integers"),
        ("{step: 2}", "no way to draw values"),
        ("{integers: [8, 60], step: 8}", "steps of 8 from 8 do not reach 60; write [8, 56] or [8, 64]"),
        ("{integers: [1, 2.5]}", "integers go from one whole number to another"),
        ("{integers: [1, 5], step: 0}", "step 0 is not allowed"),
        ("{choice: [1e-4]}", "a choice of one value, 1e-4, is none: move it to `trial:`"),
        ("{choice: [1e-4, 1.0e-4]}", "1e-4 is listed twice"),
        ("{choice: 1e-4}", "a choice is a list of levels"),
        ("[1e-5, 1e-1]", "write {choice: [1e-5, 0.1]}, or list levels under `grid:`"),
        ("loguniform(1e-5, 1e-1)", "is text; write {log_uniform: [1e-5, 1e-1]}"),
        ("1e-4", "is one value: move it to `trial:`"),
        ("", "a way to draw values is needed"),
    ],
)
def test_a_wrong_dimension_is_answered_with_what_would_be_right(tmp_path: Path, written: str, words: str) -> None:
    refuse(tmp_path, group(f"sample:\n  count: 4\n  optimizer.lr: {written} # here"), "sample.optimizer.lr", words)


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        (f"sample:\n{LR}  count: 0 # here", "sample.count", "write a whole number from 1 to 20,000"),
        (f"sample:\n{LR}  count: 1e9 # here", "sample.count", "write a whole number from 1 to 20,000"),
        (f"sample:\n{LR}  count: 1000000000 # here", "sample.count", "write a whole number from 1 to 20,000"),
        (f"sample: # here\n{LR}", "sample.count", "missing"),
        ("sample: # here\n  count: 4", "groups[0].sample", "draws no setting"),
        (
            f"sample:\n  count: 4\n{LR}  optimizer: {{lr: {{uniform: [0.1, 0.2]}}}} # here",
            "optimizer.lr",
            "is written twice here",
        ),
        ("sample: 4 # here", "groups[0].sample", "a mapping is needed"),
        (f"sample:\n{LR}  count: 4\n  method: sobl # here", "sample.method", "did you mean sobol?"),
        (f"sample:\n{LR}  count: 4\n  method: halton # here", "sample.method", "sobol, random, latin_hypercube"),
        (f"sample:\n{LR}  count: 4\n  seed: -1 # here", "sample.seed", "write a whole number from 0"),
        ("sample:\n  count: 4\n  optimizer.lrr: {uniform: [1, 2]} # here", "optimizer.lrr", "did you mean"),
        (f"sample:\n  count: 4\n{LR.rstrip()} # here\ngrid:\n  optimizer.lr: [1]", "optimizer.lr", "in its grid"),
        (f"sample:\n  count: 4\n{LR.rstrip()} # here\nzip:\n  optimizer.lr: [1]", "optimizer.lr", "in its zip"),
        (f"sample:\n  count: 4\n{LR.rstrip()} # here\ntrial:\n  optimizer.lr: 1", "optimizer.lr", "in its `trial:`"),
        (
            "sample:\n  count: 9 # here\n  model.width: {integers: [8, 32], step: 8}\n  batch_size: {choice: [8, 4]}",
            "sample.count",
            "9 points of a space that holds 8",
        ),
        (f"sample:\n  count: 4\n{LR}exclude:\n  - {{optimizer.lr: 5}} # here", "exclude", "matches no combination"),
        (f"sample:\n  count: 4\n{LR}exclude:\n  - {{steps: 5}} # here", "steps", "nor in the sample"),
        ("grid:\n  optimizer.lr: {log_uniform: [1e-5, 1e-1]} # here", "log_uniform", "drawn under `sample:`"),
    ],
)
def test_a_wrong_sample_is_refused(tmp_path: Path, text: str, path: str, words: str) -> None:
    refuse(tmp_path, group(text), path, words)


@pytest.mark.parametrize(
    ("dimension", "words"),
    [
        ("stabilizers.label_smoothing: {uniform: [0, 0.6]}", "the range reaches 0.6, which is not allowed"),
        ("optimizer.lr: {uniform: [0, 0.1]}", "the range reaches 0, which is not allowed"),
        ("optimizer.betas[0]: {uniform: [0, 1]}", "write a number less than 1"),
        ("model.width: {integers: [1, 64]}", "the range reaches 1, which is not allowed"),
        ("model.width: {uniform: [8, 64]}", "takes whole numbers: write {integers: [8, 64]}"),
        ("stabilizers.spectral_norm: {uniform: [0, 1]}", "has no range; write {choice: [...]} (true or false)"),
        ("optimizer.betas: {uniform: [0, 0.5]}", "draw an element, as optimizer.betas[0]"),
    ],
)
def test_a_range_that_breaks_a_limit_is_refused_though_no_point_is_there(
    tmp_path: Path, dimension: str, words: str
) -> None:
    text = group(f"sample:\n  count: 1\n  {dimension} # here")
    reported = problems(tmp_path, text)
    assert all(problem.source.endswith(":6") for problem in reported)
    assert words in reported[0].message


def test_settings_that_contradict_each_other_are_one_line_with_their_points(tmp_path: Path) -> None:
    text = f"sample:\n  count: 32\n{LR}  stabilizers.packing: {{integers: [0, 4]}} # here"
    refuse(
        tmp_path,
        group(text),
        "stabilizers.packing",
        "packs of 3 images do not divide a batch of 64; drawn in points ",
        "of 32, as lr=",
        "list what cannot be together under `exclude:`, such as `- {stabilizers.packing: 3}`",
    )


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_contradiction_is_refused_whether_or_not_a_point_has_it(tmp_path: Path, count: int) -> None:
    space = "  loss.name: {choice: [bce, wasserstein]}\n  stabilizers.label_smoothing: {choice: [0, 0.1]}"
    reported = problems(tmp_path, group(f"sample:\n  count: {count}\n{space}"))
    assert len(reported) == 1
    assert "the wasserstein loss has no targets" in reported[0].message


def test_an_excluded_contradiction_is_allowed(tmp_path: Path) -> None:
    space = "  loss.name: {choice: [bce, wasserstein]}\n  stabilizers.label_smoothing: {choice: [0, 0.1]}\n"
    exclude = "exclude:\n  - {loss.name: wasserstein, stabilizers.label_smoothing: 0.1}\n"
    with pytest.raises(pytest.fail.Exception):
        problems(tmp_path, group(f"sample:\n  count: 4\n{space}{exclude}"))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("groups[0].sample.count=8", "a group is called by its name"),
        ("groups.g.sample.cout=8", "did you mean count?"),
        ("groups.g.sample.count=x", "write a whole number"),
        ("groups.g.sample.optimizer.lr=[1, 2]", "write {choice: [1, 2]}"),
        ("trial.optimizer.lr=1", "group g draws optimizer.lr"),
    ],
)
def test_a_wrong_override_of_a_sample_is_refused(tmp_path: Path, override: str, words: str) -> None:
    reported = problems(tmp_path, group(f"sample:\n  count: 4\n{LR}"), override)
    assert len(reported) == 1
    assert words in reported[0].message
