"""Texts of sweep files, and what those that are refused are told. The wrong line says `# here`."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from orchestrator.errors import Problem, SpecError
from orchestrator.sweepfile.loader import load


def problems(folder: Path, text: str | bytes, *overrides: str) -> list[Problem]:
    """The problems of this file; there must be some."""
    file = folder / "sweep.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SpecError) as caught:
        load(file, list(overrides))
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return caught.value.problems


def group(text: str, shared: str = "") -> str:
    """A sweep file with the one group `g` that has these keys, and these settings shared in `trial`."""
    trial = f"trial:\n{indent(dedent(shared).strip(), '  ')}\n" if shared else ""
    return f"sweep: s\n{trial}groups:\n  - name: g\n{indent(dedent(text).strip(), '    ')}\n"


def marked_lines(text: str) -> list[int]:
    return [number for number, line in enumerate(text.splitlines(), 1) if "# here" in line]


def lines(reported: list[Problem]) -> list[int]:
    """The lines that the problems are on."""
    return [int(problem.source.rsplit(":", 1)[1]) for problem in reported]


def refuse(folder: Path, text: str, path: str, *words: str) -> None:
    """This file has one problem: on the line that says `# here`, at `path`, with these words."""
    reported = problems(folder, text)
    assert lines(reported) == marked_lines(text), reported
    assert reported[0].source.startswith(str(folder / "sweep.yaml"))
    assert reported[0].path.endswith(path), reported
    assert all(word in reported[0].message for word in words), reported
