"""A sweep of more trials than a plan holds is refused before they are built."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest
from support.sweep_texts import group, lines, problems


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
