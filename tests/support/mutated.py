"""Hypothesis strategies of damaged sweep files, as bytes."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from ruamel.yaml import YAML

from orchestrator.sweepfile.group_reader import GROUP_KEYS
from orchestrator.sweepfile.loader import SWEEP_KEYS
from orchestrator.sweepfile.settings import SETTINGS

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
BUILT = [
    "sweep: built\nseeds: [0, 1]\ntrial: &t {steps: 5, data: {name: digits}}\ngroups:\n"
    "- name: a\n  trial: *t\n  zip: {optimizer.lr: [1e-3, 1e-4], batch_size: [8, 16]}\n  grid: {steps: [1, 2, 3]}\n"
    "  exclude: [{steps: 2, batch_size: 8}]\n- name: b\n  trials: [{steps: 3}, {stabilizers: {ema: 0.9}}]\n",
    'sweep: json\ngroups: [{"name": "g", "trial": {"model": {"family": "acgan", "width": 8}, "loss.n_critic": 2}}]\n',
    "sweep: nested\nquestion: >\n  Long\n  text\ngroups:\n- name: c\n  grid:\n    optimizer:\n      generator:\n"
    "        lr: [1e-3]\n        betas: [[0, 0.9], [0.5, 0.999]]\n    stabilizers: {instance_noise: [0, 0.1]}\n",
]
VALID = [file.read_text() for file in sorted(EXPERIMENTS.rglob("*.yaml"))] + BUILT
NAMES = [*SWEEP_KEYS, *GROUP_KEYS, *SETTINGS, *{part for path in SETTINGS for part in path.split(".")}, "seed", "<<"]
PIECES = ["[", "]", "{", "}", ":", "- ", "\n", "  ", "\t", "&a ", "*a", "*t", "<<: *a", "null", "true", "[]", "{}", "0"]
PIECES += ["-1", ".nan", "-.inf", '"', "#", "|", "? ", "!!int x", "!foo ", "é", "\x00", "\ufeff", "2026-13-41", "..."]
PIECES += [
    "---",
    "x: y",
    "=",
    "!!set {a}",
    "!!python/object/apply:os.system ['exit']",
    "&b [*b]",
    "%YAML 1.1\n",
    "1e999",
]
PIECES += ["9" * 5000, "[" * 300, "{a: " * 300, "- " * 300, "é" * 3000, "\r", "\u2028", "!!binary x", "0x1F", "1_000"]

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 20),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(NAMES),
    st.sampled_from(["../x", "", "1e-3", "=1+1", "<b>", 10**30, -(2**63), 1e308, 5e-324, "\x1b[31m", "2026-01-01"]),
    st.dates(),
    st.binary(max_size=4),
)
anything = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner),
    max_leaves=8,
)


@st.composite
def files(draw: DrawFn) -> bytes:
    """A valid sweep file after some random changes."""
    text = draw(st.sampled_from(VALID))
    if draw(st.booleans()):
        text = _mutated_tree(draw, text)
    for _ in range(draw(st.integers(0, 2))):
        text = draw(st.sampled_from(TEXT_CHANGES))(draw, text)
    content = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(0, 4)) - 2):
        position = draw(st.integers(0, max(0, len(content) - 1)))
        content = content[:position] + bytes([draw(st.integers(0, 255))]) + content[position + 1 :]
    return content


def _mutated_tree(draw: DrawFn, text: str) -> str:
    tree = YAML(typ="safe", pure=True).load(text)
    for _ in range(draw(st.integers(1, 3))):
        tree = _one_change(draw, tree)
    written = io.StringIO()
    writer = YAML()
    writer.default_flow_style = draw(st.sampled_from([True, False, None]))
    writer.dump(tree, written)
    return written.getvalue()


def _one_change(draw: DrawFn, tree: Any) -> Any:
    """Deletes, renames, replaces, nests, lengthens or multiplies one entry, or copies another one over it."""
    entries = list(_entries(tree))
    if not entries:
        return tree
    container, key = draw(st.sampled_from(entries))
    change = draw(st.sampled_from(["delete", "rename", "replace", "nest", "copy", "long", "many"]))
    if change == "delete":
        del container[key]
    elif change == "rename" and isinstance(container, dict):
        container[draw(st.sampled_from(NAMES) | st.text(max_size=9) | st.integers() | st.floats())] = container.pop(key)
    elif change == "nest":
        for _ in range(draw(st.integers(1, 60))):
            container[key] = [container[key]] if draw(st.booleans()) else {"model": container[key]}
    elif change == "copy":
        other_container, other_key = draw(st.sampled_from(entries))
        container[key] = copy.deepcopy(other_container[other_key])
    elif change == "long":
        container[key] = draw(st.sampled_from(["x" * 50_000, "é\n" * 5_000, "9" * 5_000, "a." * 10_000]))
    elif change == "many" and isinstance(container[key], list):
        container[key] = [*container[key] * draw(st.integers(2, 30)), *range(draw(st.integers(0, 3_000)))]
    else:
        container[key] = draw(anything)
    return tree


def _entries(node: Any) -> Any:
    """(mapping or list, key or index) of everything in a tree."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        yield node, key
        yield from _entries(value)


def _spliced(draw: DrawFn, text: str) -> str:
    start = draw(st.integers(0, len(text)))
    return text[:start] + draw(st.sampled_from(PIECES)) + text[start + draw(st.sampled_from([0, 0, 1, 5])) :]


def _line_moved(draw: DrawFn, text: str) -> str:
    """Deletes, doubles, moves or indents one line."""
    lines = text.splitlines(keepends=True) or [""]
    number = draw(st.integers(0, len(lines) - 1))
    change = draw(st.sampled_from(["delete", "double", "move", "indent"]))
    if change == "double":
        lines.insert(number, lines[number])
    elif change == "indent":
        lines[number] = " " * draw(st.integers(0, 5)) + lines[number].lstrip(" ")
    else:
        line = lines.pop(number)
        if change == "move":
            lines.insert(draw(st.integers(0, len(lines))), line)
    return "".join(lines)


def _cut_off(draw: DrawFn, text: str) -> str:
    return text[: draw(st.integers(0, len(text)))]


def _aliased(draw: DrawFn, text: str) -> str:
    """Adds anchors that each refer several times to the one before, and one alias of the last."""
    levels, width = draw(st.integers(1, 12)), draw(st.integers(1, 9))
    lines = ["a0: &a0 [1, 2]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels + 1)]
    position = text.find(": ", draw(st.integers(0, len(text)))) + 2
    return "\n".join(lines) + "\n" + text[:position] + f"*a{levels} " + text[position:]


TEXT_CHANGES: list[Callable[[DrawFn, str], str]] = [_spliced, _line_moved, _cut_off, _aliased]
