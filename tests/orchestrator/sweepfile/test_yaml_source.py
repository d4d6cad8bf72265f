"""YAML with line numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from orchestrator.errors import SpecError
from orchestrator.sweepfile.yaml_source import (
    LocatedValue,
    elements,
    items,
    leaves,
    line_of,
    parse_text,
    plain,
    read_text,
)

TEXT = """\
# a comment
top: 1

nested:
  inner:
    deep: 2
  dotted.inner: 3
  1: number
list:
  - a
  # another comment
  - b
flow: [1,
  2]
empty:
"""


@pytest.fixture
def document(tmp_path: Path) -> Any:
    (tmp_path / "file.yaml").write_text(TEXT)
    return parse_text(read_text(tmp_path / "file.yaml"), str(tmp_path / "file.yaml"))


def parse(text: str) -> Any:
    return YAML(typ="rt").load(text)


def test_every_key_has_its_line(document: Any) -> None:
    assert {key: source for key, _, source in items(document, "f")} == {
        "top": "f:2",
        "nested": "f:4",
        "list": "f:9",
        "flow": "f:13",
        "empty": "f:15",
    }


def test_every_item_of_a_list_has_its_line(document: Any) -> None:
    assert list(elements(document["list"], "f", "f:9")) == [LocatedValue("a", "f:10"), LocatedValue("b", "f:12")]
    assert list(elements(document["flow"], "f", "f:13")) == [LocatedValue(1, "f:13"), LocatedValue(2, "f:14")]


def test_items_of_a_list_from_set_are_all_blamed_on_set() -> None:
    assert list(elements(parse("[5, 6]"), "f", "--set seeds")) == [
        LocatedValue(5, "--set seeds"),
        LocatedValue(6, "--set seeds"),
    ]


def test_a_list_without_lines_is_on_the_line_it_was_given(document: Any) -> None:
    assert line_of(["a"], 0, 7) == 7
    assert line_of(document, "absent", 7) == 7
    assert line_of(5, "key", 7) == 7


def test_leaves_have_dotted_paths_plain_values_and_lines(document: Any) -> None:
    flat = dict(leaves(document["nested"], "f"))
    assert flat == {
        "inner.deep": LocatedValue(2, "f:6"),
        "dotted.inner": LocatedValue(3, "f:7"),
        "1": LocatedValue("number", "f:8"),
    }


@pytest.mark.parametrize("nothing", [None, 5, "text", ["list"]])
def test_what_is_no_mapping_has_no_items(nothing: Any) -> None:
    assert list(items(nothing, "f")) == []
    assert list(leaves(nothing, "f")) == []


def test_leaves_without_a_value_are_found_too(document: Any) -> None:
    assert dict(leaves(parse("a:\nb: {}\n"), "f")) == {"a": LocatedValue(None, "f:1"), "b": LocatedValue({}, "f:2")}


def test_a_merged_key_is_on_a_line_of_the_mapping_that_merges_it() -> None:
    node = parse("base: &base\n  a: 1\nother:\n  <<: *base\n  b: 2\n")
    assert {key: source for key, _, source in items(node["other"], "f")} in (
        {"a": f"f:{line}", "b": "f:5"} for line in (2, 4)
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        ("0x10", 16),
        ("1_000", 1000),
        ("010", 10),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("'5'", "5"),
        ('"é"', "é"),
        ("|\n  text\n", "text\n"),
        ("1:30", "1:30"),
        ("[1, [2.0, x], {a: ~}]", [1, [2.0, "x"], {"a": None}]),
        ("{1: [true], b: {c: 1.5}}", {"1": [True], "b": {"c": 1.5}}),
    ],
)
def test_values_are_those_of_yaml_12_and_of_python_s_own_types(text: str, value: Any) -> None:
    converted = plain(parse(text))
    assert converted == value
    assert types(converted) == types(value)


def types(value: Any) -> Any:
    """The types of a value and of all within it."""
    if isinstance(value, dict):
        return dict, [(types(key), types(item)) for key, item in value.items()]
    return (list, [types(item) for item in value]) if type(value) is list else type(value)


def test_a_comment_mark_in_a_string_and_a_missing_last_newline_are_no_problem(tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text("a: 'x # y'\nb: 5 # z")
    assert plain(parse_text(read_text(tmp_path / "file.yaml"), str(tmp_path / "file.yaml"))) == {"a": "x # y", "b": 5}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_ends_them(tmp_path: Path, newline: str) -> None:
    (tmp_path / "file.yaml").write_bytes(newline.join(["a: 1", "b: 2", "c: [", "d: 3", ""]).encode())
    with pytest.raises(SpecError) as caught:
        parse_text(read_text(tmp_path / "file.yaml"), str(tmp_path / "file.yaml"))
    assert caught.value.problems[0].source in (f"{tmp_path / 'file.yaml'}:{line}" for line in (3, 4))
