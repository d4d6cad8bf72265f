"""A sweep file that cannot be read, or is no YAML, is refused with its name and the line."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import group, lines, marked_lines, problems, refuse

from orchestrator.errors import UserError
from orchestrator.sweepfile.loader import load


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
