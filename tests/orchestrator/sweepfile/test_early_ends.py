"""`stop_early` in a sweep file."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import problems, refuse

from gan_core.verdict.early_end import MAX_IMAGES_WITHOUT_VARIETY
from orchestrator.sweepfile.loader import load
from orchestrator.sweepfile.model import Sweep

TEXT = "sweep: s\ntrial: {{batch_size: 64, steps: {steps}}}\n{key}groups: [{{name: g}}]\n"


def sweep(folder: Path, key: str, *overrides: str, steps: int = 100) -> Sweep:
    file = folder / "sweep.yaml"
    file.write_text(TEXT.format(key=key, steps=steps))
    return load(file, list(overrides))


@pytest.mark.parametrize(("key", "is_on"), [("", False), ("stop_early: true\n", True), ("stop_early: false\n", False)])
def test_it_is_off_unless_asked_for(tmp_path: Path, key: str, is_on: bool) -> None:
    assert sweep(tmp_path, key).stop_early is is_on


def test_the_command_line_can_ask_for_it_and_it_makes_no_other_trials(tmp_path: Path) -> None:
    plain, asked = sweep(tmp_path, ""), sweep(tmp_path, "", "stop_early=true")
    assert asked.stop_early and asked.trials == plain.trials


@pytest.mark.parametrize("value", ["yes", "1", "[true]"])
def test_a_wrong_value_is_one_clear_line(tmp_path: Path, value: str) -> None:
    text = f"sweep: s\nstop_early: {value} # here\ngroups: [{{name: g}}]\n"
    refuse(tmp_path, text, "stop_early", "write true or false")
    assert len(problems(tmp_path, text.replace(value, "true"), f"stop_early={value}")) == 1


def test_it_warns_where_no_trial_is_long_enough(tmp_path: Path) -> None:
    steps = MAX_IMAGES_WITHOUT_VARIETY // 64
    (caution,) = [text for text in sweep(tmp_path, "stop_early: true\n", steps=steps).cautions if "stop_early" in text]
    assert "384,000 images" in caution and f"the longest trial has {64 * steps:,}" in caution
    longer = sweep(tmp_path, "stop_early: true\n", steps=steps + 1).cautions
    assert not any("stop_early" in text for text in longer)
    assert not any("stop_early" in text for text in sweep(tmp_path, "").cautions)
