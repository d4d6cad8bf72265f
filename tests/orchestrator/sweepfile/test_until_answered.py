"""A sweep file of a sweep that trains until its question is answered, and what wrong ones are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import problems, refuse

from orchestrator.sweepfile.loader import load
from orchestrator.sweepfile.model import Sweep, UntilAnswered

GROUPS = """\
groups:
  - name: g
    grid:
      optimizer.lr: [1e-4, 1e-3]
      stabilizers.instance_noise.std: [0.0, 0.1]
"""
RANGE = "seeds: {first: 3, most: 8}\n"


def sweep(folder: Path, text: str, *overrides: str) -> Sweep:
    file = folder / "sweep.yaml"
    file.write_text(f"sweep: s\n{text}{GROUPS}")
    return load(file, list(overrides))


def refuse_lines(folder: Path, text: str, path: str, *words: str) -> None:
    refuse(folder, f"sweep: s\n{text}{GROUPS}", path, *words)


def test_it_asks_about_every_factor_and_the_best_configuration_by_default(tmp_path: Path) -> None:
    read = sweep(tmp_path, f"{RANGE}until: answered\n")
    assert read.until == UntilAnswered(first=3, most=8)
    assert read.until.best and read.until.factors == ()
    assert read.seeds == list(range(8)) and len(read.trials) == 4 * 8


def test_it_asks_only_what_answer_names(tmp_path: Path) -> None:
    text = "answer:\n  factors: [optimizer.lr]\n  same_within: {stable: 0.3, quality: 0.2}\n"
    read = sweep(tmp_path, f"{RANGE}until: answered\n{text}").until
    assert read == UntilAnswered(3, 8, ("optimizer.lr",), False, 0.3, 0.2)
    assert sweep(tmp_path, f"{RANGE}until: answered\nanswer: {{factors: [optimizer.lr], best: true}}\n").until.best  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "hours", "worker_hours"),
    [
        ("budget: 2h", 2, None),
        ("budget: 90m", 1.5, None),
        ("budget: 36s", 0.01, None),
        ("budget: {hours: 2}", 2, None),
        ("budget: {worker_hours: 40}", None, 40),
        ("budget: {hours: 0.5, worker_hours: 1}", 0.5, 1),
    ],
)
def test_a_budget_is_of_the_clock_or_of_all_workers(
    tmp_path: Path, text: str, hours: float | None, worker_hours: float | None
) -> None:
    read = sweep(tmp_path, f"{RANGE}until: answered\n{text}\n").until
    assert read is not None
    assert (read.hours, read.worker_hours) == (pytest.approx(hours), worker_hours)


def test_the_command_line_can_ask_for_it(tmp_path: Path) -> None:
    read = sweep(tmp_path, RANGE, "until=answered", "budget=2h").until
    assert read == UntilAnswered(3, 8, hours=2.0)
    ranged = sweep(tmp_path, "seeds: [0]\n", "until=answered", "seeds={first: 2, most: 4}").until
    assert ranged == UntilAnswered(2, 4)


def test_a_time_of_the_command_line_keeps_the_worker_hours_of_the_file(tmp_path: Path) -> None:
    def limits(text: str, *overrides: str) -> tuple[float | None, float | None]:
        read = sweep(tmp_path, f"{RANGE}until: answered\n{text}", *overrides).until
        assert read
        return read.hours, read.worker_hours

    assert limits("budget: {worker_hours: 40}\n", "budget=2h") == (2, 40)
    assert limits("budget: {hours: 9, worker_hours: 40}\n", "budget=30m") == (0.5, 40)
    assert limits("budget: 9h\n", "budget=2h") == limits("", "budget=2h") == (2, None)
    assert limits("budget: {worker_hours: 40}\n", "budget={hours: 2}") == (2, None), "a mapping is the whole budget"
    assert limits("", "budget={worker_hours: 40}", "budget=2h") == (2, None), "the last --set counts, as in `status`"


def test_a_list_of_seeds_stays_what_it_is(tmp_path: Path) -> None:
    read = sweep(tmp_path, "seeds: [0, 7]\n")
    assert read.until is None and read.seeds == [0, 7]


UNTIL = f"{RANGE}until: answered\n"


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("seeds: {first: 9, most: 3} # here\nuntil: answered\n", "seeds.first", ["9", "above", "most: 3"]),
        ("seeds: {first: 1, most: 3} # here\nuntil: answered\n", "seeds.first", ["1", "from 2 to"]),
        ("seeds: {first: 2, most: 501} # here\nuntil: answered\n", "seeds.most", ["501", "500"]),
        ("seeds: {first: 2.5, most: 3} # here\nuntil: answered\n", "seeds.first", ["2.5", "whole number"]),
        ("seeds: {first: 3} # here\nuntil: answered\n", "seeds.most", ["missing", "{first: 3, most: 20}"]),
        ("seeds: {first: 3, most: 5, last: 6} # here\nuntil: answered\n", "seeds.last", ["unknown key", "most"]),
        (
            "seeds: {first: 3, most: 5} # here\n",
            "seeds",
            ["--set until=answered", "list of whole numbers"],
        ),
        ("seeds: [0, 1, 2]\nuntil: answered # here\n", "until", ["fixed list", "{first: 3, most: 20}"]),
        ("until: answered # here\n", "until", ["{first: 3, most: 20}"]),
        (f"{RANGE}until: done # here\n", "until", ["'done'", "answered"]),
        (f"{UNTIL}budget: 0h # here\n", "budget.hours", ["0.0", "above 0"]),
        (f"{UNTIL}budget: {{hours: -1}} # here\n", "budget.hours", ["-1", "above 0"]),
        (f"{UNTIL}budget: {{worker_hours: .inf}} # here\n", "budget.worker_hours", ["inf", "is no limit"]),
        (f"{UNTIL}budget: {{hours: '2'}} # here\n", "budget.hours", ["'2'", "not a number", "without quotes"]),
        (f"{UNTIL}budget: {{hours: true}} # here\n", "budget.hours", ["True", "not a number"]),
        (f"{UNTIL}budget: soon # here\n", "budget", ["'soon'", "2h"]),
        (f"{UNTIL}budget: {{days: 1}} # here\n", "budget", ["days", "hours"]),
        ("seeds: [0]\nbudget: 2h # here\n", "budget", ["until: answered", "--set until=answered"]),
        ("seeds: [0]\nanswer: {factors: [lr]} # here\n", "answer", ["until: answered"]),
        (
            f"{UNTIL}answer: {{factors: [loss.name]}} # here\n",
            "answer.factors",
            ["loss.name", "not varied", "optimizer.lr"],
        ),
        (f"{UNTIL}answer: {{factors: [optimizer.lrr]}} # here\n", "answer.factors", ["did you mean optimizer.lr"]),
        (f"{UNTIL}answer: {{factors: []}} # here\n", "answer.factors", ["list of settings"]),
        (f"{UNTIL}answer: {{best: 1}} # here\n", "answer.best", ["true or false"]),
        (f"{UNTIL}answer: {{same_within: {{stable: 0}}}} # here\n", "same_within.stable", ["above 0"]),
        (f"{UNTIL}answer: {{same_within: {{colour: 1}}}} # here\n", "same_within.colour", ["unknown key"]),
        (f"{UNTIL}answer: best # here\n", "answer", ["mapping"]),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, path: str, words: list[str]) -> None:
    refuse_lines(tmp_path, text, path, *words)


@pytest.mark.parametrize("number", ["1" + 400 * "0", "-1" + 400 * "0", "1e400", "0x" + 5000 * "f"])
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("budget: {{hours: {}}} # here\n", "budget.hours"),
        ("budget: {{worker_hours: {}}} # here\n", "budget.worker_hours"),
        ("budget: {} # here\n", "budget"),
        ("answer: {{same_within: {{stable: {}}}}} # here\n", "same_within.stable"),
        ("answer: {{same_within: {{quality: {}}}}} # here\n", "same_within.quality"),
    ],
)
def test_a_number_beyond_all_bounds_is_one_clear_line(tmp_path: Path, number: str, text: str, path: str) -> None:
    refuse_lines(tmp_path, UNTIL + text.format(number), path)


@pytest.mark.parametrize("number", ["1" + 400 * "0", "0x" + 5000 * "f"])
def test_seeds_beyond_all_bounds_are_one_clear_line(tmp_path: Path, number: str) -> None:
    refuse_lines(tmp_path, f"seeds: {{first: 2, most: {number}}} # here\nuntil: answered\n", "seeds.most", "from 2 to")


def test_more_hours_than_a_hundred_years_have_are_refused(tmp_path: Path) -> None:
    refuse_lines(tmp_path, f"{UNTIL}budget: {1000 * '9'}h # here\n", "budget.hours", "below 1,000,000")
    refuse_lines(tmp_path, f"{UNTIL}budget: {{worker_hours: 1e300}} # here\n", "budget.worker_hours", "1e+300")


def test_a_sweep_that_compares_nothing_has_nothing_to_answer(tmp_path: Path) -> None:
    refuse(tmp_path, f"sweep: s\n{RANGE}until: answered # here\ngroups: [{{name: g}}]\n", "until", "nothing to answer")


def test_what_the_command_line_has_wrong_is_said_of_it(tmp_path: Path) -> None:
    text = f"sweep: s\nseeds: [0]\n{GROUPS}"
    assert [str(problem) for problem in problems(tmp_path, text, "until=answered")] == [
        "--set until: needs a first and a last look, not a fixed list: write seeds: {first: 3, most: 20}"
    ]
    reported = problems(tmp_path, text, "until=answered", "seeds={first: 5, most: 4}")
    assert len(reported) == 1 and "above the last one" in reported[0].message
