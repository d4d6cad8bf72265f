"""Reads YAML with line numbers: the sweep file, the values of `--set`, and mappings as settings with their source."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, TaggedScalar
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.reader import ReaderError

from gan_core.error_text import first_line
from orchestrator.errors import Problem, SpecError, UserError, short_repr
from orchestrator.sweepfile import yaml_limits

UNREADABLE = (YAMLError, ValueError, TypeError, AttributeError, KeyError, RecursionError)
"""The exceptions of ruamel: its own, and others for a tag, a date, a key or a reference that makes no sense."""


@dataclass(frozen=True)
class LocatedValue:
    """A value, and the file and line (or the option) where it is written."""

    value: Any
    source: str


A_SWEEP_FILE = "a sweep file is a mapping with keys sweep, seeds, trial, groups"


def parse_text(text: str, file: str, rule: str = A_SWEEP_FILE) -> CommentedMap:
    """The top mapping of the text of `file`; its nodes have line numbers. rule: said where there is none.

    Raises SpecError.
    """
    if directive := re.search(r"^%YAML +1\.[01]", text, re.MULTILINE):
        line = text.count("\n", 0, directive.start()) + 1
        raise SpecError([Problem(f"{file}:{line}", "", "sweep files are YAML 1.2; leave this line out")])
    try:
        document = _load(text)
    except yaml_limits.YamlTooLarge as error:
        raise SpecError([Problem(f"{file}:{error.line}", "", f"too large: {error}")]) from None
    except MarkedYAMLError as error:
        lines = text.splitlines()
        marks = [mark.line for mark in (error.problem_mark, error.context_mark) if mark and mark.line < len(lines)]
        number = marks[0] if marks else len(lines) - 1
        reason = (error.problem or error.context or "cannot be parsed").splitlines()[0]
        message = f"not valid YAML, {reason}: {short_repr(lines[number].strip())}"
        raise SpecError([Problem(f"{file}:{number + 1}", "", message)]) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"not valid YAML, the character #x{error.character:02x} is not allowed"
        raise SpecError([Problem(f"{file}:{line}", "", message)]) from None
    except UNREADABLE as error:
        cause = "a list or a mapping as a key, or an anchor merged into itself"
        if isinstance(error, YAMLError | ValueError | RecursionError):
            cause = first_line(error)
        raise SpecError([Problem(file, "", f"not valid YAML, {cause}")]) from None
    if not isinstance(document, CommentedMap):
        raise SpecError([Problem(f"{file}:1", "", rule)])
    return document


def read_text(file: Path, kind: str = "sweep") -> str:
    """The text of the file; one that is too large is not read to its end. `kind`: of file, for messages.

    Raises UserError or SpecError.
    """
    try:
        if file.exists() and not file.is_file() and not file.is_dir():
            raise UserError(f"{file}: not a file (a pipe or a device); give the path of a {kind} file")
        with open(file, "rb") as opened:
            content = opened.read(yaml_limits.MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"{file}: no such file; give the path of a {kind} file") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None
    except ValueError:  # a path with a null character
        raise UserError(f"{short_repr(str(file))}: no such file; give the path of a {kind} file") from None
    if len(content) > yaml_limits.MAX_BYTES:
        raise SpecError(
            [Problem(f"{file}:1", "", f"too large: a {kind} file has at most {yaml_limits.MAX_BYTES:,} bytes")]
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SpecError([Problem(f"{file}:{line}", "", "not UTF-8 text; save the file as UTF-8")]) from None


def _load(text: str) -> Any:
    yaml_limits.check_limits(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML allows it: the last anchor counts
        return YAML(typ="rt").load(text)


def parse_value(path: str, text: str) -> Any:
    """The value of `--set path=text`: a YAML scalar or a list such as [0, 1], as plain Python. Raises UserError."""
    try:
        return plain(_load(text))
    except yaml_limits.YamlTooLarge as error:
        raise UserError(f"--set {path}: too large: {error}") from None
    except UNREADABLE:
        raise UserError(f"--set {path}: {short_repr(text)} is not a YAML value") from None


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
        own_line = (node.lc.line or 0) + 1
        for key, value in node.items():
            yield str(key), value, f"{file}:{line_of(node, key, own_line)}"


def elements(node: list[Any], file: str, source: str) -> Iterator[LocatedValue]:
    """The items of a list, each with its line. `source`: of the list itself, for items without a line."""
    own_line = int(source.rsplit(":", 1)[1]) if source.rsplit(":", 1)[-1].isdigit() else 1
    for number, value in enumerate(node):
        line = line_of(node, number, own_line)
        yield LocatedValue(value, f"{file}:{line}" if source.rsplit(":", 1)[-1].isdigit() else source)


def leaves(node: Any, file: str, prefix: str = "") -> Iterator[tuple[str, LocatedValue]]:
    """(dotted path, value) of every leaf below a mapping; an empty mapping is a leaf. Keys may be dotted."""
    for key, value, source in items(node, file):
        path = f"{prefix}{key}"
        if isinstance(value, CommentedMap) and value:
            yield from leaves(value, file, f"{path}.")
        else:
            yield path, LocatedValue(plain(value), source)


def plain(value: Any) -> Any:
    """The lists, numbers and strings of ruamel as plain Python types."""
    if isinstance(value, CommentedMap | dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return f"{value.tag} {value.value}" if isinstance(value, TaggedScalar) else value
