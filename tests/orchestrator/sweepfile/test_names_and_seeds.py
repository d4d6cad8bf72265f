"""Names are safe for folders, seeds are whole numbers, each stands once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import lines, marked_lines, problems, refuse


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


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("5", "'5'"), ("a", "' a '")])
def test_two_groups_of_one_name_are_refused(tmp_path: Path, first: str, second: str) -> None:
    text = f"sweep: s\ngroups:\n  - name: {first}\n  - name: {second} # here\n    trial: {{steps: 5}}\n"
    refuse(tmp_path, text, "groups[1].name", "two groups are called")
