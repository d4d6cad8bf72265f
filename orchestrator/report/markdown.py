"""report.md: the answer, the leaderboard and pictures, for code hosts, which show Markdown."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

import jinja2

from gan_core.files import write_atomically
from orchestrator.escaping import escape_markdown
from orchestrator.report import static_figures
from orchestrator.report.content import ReportContent
from orchestrator.report.held_out_baseline import frechet_baselines
from orchestrator.report.template_filters import mean_with_interval, number


def write(content: ReportContent, folder: Path) -> None:
    """Write report.md and the pictures that it shows. Raises OSError."""
    data = content.data
    packages = ", ".join(f"{name} {version}" for name, version in data.environment.get("packages", {}).items())
    text = (
        _environment()
        .get_template("report.md.j2")
        .render(
            data=data,
            rows=content.rows,
            baselines=frechet_baselines(data),
            summary=content.summary,
            pictures=static_figures.write(content, folder),
            command=" && ".join(map(shlex.join, data.commands)),
            machine=f"{data.machine}, {packages}" if data.environment else "",
        )
    )
    write_atomically(folder / "report.md", text.encode())


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("orchestrator.report")
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, finalize=_escaped)
    environment.filters |= {
        "mean": mean_with_interval,
        "number": number,
        "percent": "{:.0%}".format,
        "cell": lambda text: text.replace("\n", " "),
        "plain": _Plain,
    }
    return environment


class _Plain(str):
    """Text of a code block, in which nothing is markup."""


def _escaped(value: object) -> object:
    """Names come from the sweep file, so markup in them is escaped."""
    return escape_markdown(value) if type(value) is str else value
