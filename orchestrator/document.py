"""YAML with line numbers: reads a sweep file, applies `--set`, and turns mappings into located settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from orchestrator.errors import Problem, SpecError, UserError


@dataclass(frozen=True)
class Located:
    """A value and where it was written."""

    value: Any
    source: str


def read(file: Path) -> CommentedMap:
    """The file's top mapping, its nodes knowing their lines. Raises UserError or SpecError."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{file}: no such file; give the path of a sweep file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read ({error})") from None
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        lines = text.splitlines()
        shown = lines[line - 1].strip() if line <= len(lines) else ""
        what = (error.problem or error.context or "cannot be parsed").splitlines()[0]
        raise SpecError([Problem(f"{file}:{line}", "", f"not valid YAML, {what}: {shown!r}")]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        raise SpecError([Problem(str(file), "", f"not valid YAML, {cause}")]) from None
    if not isinstance(document, CommentedMap):
        raise SpecError([Problem(f"{file}:1", "", "a sweep file is a mapping with keys sweep, seeds, trial, groups")])
    return document


def parse_value(text: str) -> Any:
    """The value of a `--set`: a YAML scalar, or a list such as [0, 1]."""
    try:
        return YAML(typ="rt").load(text)
    except YAMLError:
        raise UserError(f"--set: {text!r} is not a YAML value") from None


def line_of(node: Any, key: Any, fallback: int = 1) -> int:
    """The line (from 1) on which `key` of a mapping, or item number `key` of a list, is written."""
    try:
        position = node.lc.key(key) if isinstance(node, CommentedMap) else node.lc.item(key)
        return int(position[0]) + 1
    except (AttributeError, KeyError, IndexError, TypeError):
        return fallback


def items(node: Any, file: str) -> Iterator[tuple[str, Any, str]]:
    """(key, value, source) of a mapping; nothing for anything else."""
    if isinstance(node, CommentedMap):
        for key, value in node.items():
            yield str(key), value, f"{file}:{line_of(node, key)}"


def elements(node: CommentedSeq, file: str, source: str) -> Iterator[Located]:
    """The items of a list, each with its line."""
    own_line = int(source.rsplit(":", 1)[1]) if source.rsplit(":", 1)[-1].isdigit() else 1
    for number, value in enumerate(node):
        line = line_of(node, number, own_line)
        yield Located(value, f"{file}:{line}" if source.rsplit(":", 1)[-1].isdigit() else source)


def leaves(node: Any, file: str, prefix: str = "") -> Iterator[tuple[str, Located]]:
    """(dotted path, value) of every leaf below a mapping. Keys may be dotted themselves."""
    for key, value, source in items(node, file):
        path = f"{prefix}{key}"
        if isinstance(value, CommentedMap):
            yield from leaves(value, file, f"{path}.")
        elif value is not None:
            yield path, Located(plain(value), source)


def plain(value: Any) -> Any:
    """Ruamel's lists, numbers and strings as Python's own."""
    if isinstance(value, CommentedMap | dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
