"""report.md: the answer, the leaderboard and the pictures, as a code host shows them."""

from __future__ import annotations

import shlex
from pathlib import Path

import jinja2

from gan_core.files import write_atomically
from orchestrator.escaping import escape_markdown
from orchestrator.report import static_figures
from orchestrator.report.analysis import Analysis
from orchestrator.report.data import SweepData
from orchestrator.report.leaderboard import Row
from orchestrator.report.page import typical
from orchestrator.report.summary import Summary


def write(data: SweepData, rows: list[Row], analysis: Analysis, summary: Summary, folder: Path) -> None:
    """report.md and the pictures it shows. Raises OSError."""
    loader = jinja2.PackageLoader("orchestrator.report")
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, finalize=_escaped)
    environment.filters |= {
        "typical": typical,
        "percent": "{:.0%}".format,
        "cell": lambda text: text.replace("\n", " "),
        "plain": _Plain,
    }
    ran = data.environment
    packages = ", ".join(f"{name} {version}" for name, version in ran.get("packages", {}).items())
    text = environment.get_template("report.md.j2").render(
        data=data,
        rows=rows,
        summary=summary,
        pictures=static_figures.write(data, analysis, folder),
        command=" && ".join(map(shlex.join, data.commands)),
        machine=f"{data.machine}, {packages}" if ran else "nothing has run yet",
    )
    write_atomically(folder / "report.md", text.encode())


class _Plain(str):
    """Text of a code block: nothing in it is markup."""


def _escaped(value: object) -> object:
    """Names come from configurations: none of them is markup here."""
    return escape_markdown(value) if type(value) is str else value
