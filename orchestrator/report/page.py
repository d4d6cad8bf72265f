"""The page: one HTML file that needs nothing from anywhere."""

from __future__ import annotations

import base64
import shlex
import time
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import plotly.offline

from gan_core import stability
from gan_core.files import write_atomically
from orchestrator import __version__
from orchestrator.report import figures, summary
from orchestrator.report.collect import CURVES, SweepData


def write(data: SweepData, answer: list[str], file: Path) -> None:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("orchestrator.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "png": _data_uri,
        "number": _number,
        "percent": "{:.0%}".format,
        "script": _in_script,
    }
    page = environment.get_template("page.html.j2").render(
        data=data,
        answer=answer,
        rows=[summary.table_row(runs) for runs in data.configurations().values()],
        levels=summary.levels(data),
        groups=[_group(data, group) for group in data.groups],
        events=[run for run in data.runs if run.outcome not in ("stable", "pending", "running", "interrupted")],
        real=_real_pictures(data),
        verdict_rules=_verdict_rules(),
        command=shlex.join(["orchestrate", "sweep", data.file, *(w for o in data.overrides for w in ("--set", o))]),
        plotly_js=plotly.offline.get_plotlyjs(),
        began=_when(min((run.began_ms for run in data.runs if run.began_ms), default=0)),
        made=time.strftime("%Y-%m-%d %H:%M"),
        version=__version__,
    )
    write_atomically(file, page.encode())


def _verdict_rules() -> str:
    """The rules as `gan_core.stability` states them, with their thresholds."""
    rules = (stability.__doc__ or "").split("\n\n", 1)[1]
    for name in ("LOSS_LIMIT", "COLLAPSE_RATIO", "SATURATED_ACCURACY"):
        rules = rules.replace(name, f"{getattr(stability, name):g}")
    return rules


def _real_pictures(data: SweepData) -> list[tuple[str, bytes]]:
    """(caption, picture), each picture once."""
    groups: dict[bytes, list[str]] = {}
    for group, picture in data.real_pictures.items():
        groups.setdefault(picture, []).append(group)
    if len(groups) == 1:
        return [("real images", picture) for picture in groups]
    return [(f"real images of {', '.join(names)}", picture) for picture, names in groups.items()]


def _group(data: SweepData, group: str) -> dict[str, Any]:
    runs = [run for run in data.runs if run.group == group]
    drawn = [(metric, figures.curve_figure(data, group, metric)) for metric in CURVES]
    return {
        "name": group,
        "legend": figures.legend(data, group),
        "figures": [(CURVES[metric], figure.to_json()) for metric, figure in drawn if figure is not None],
        "configurations": [
            (name, [run for run in members if run.picture])
            for name, members in data.configurations().items()
            if members[0].group == group
        ],
        "stable": summary.stable_share(runs),
    }


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _in_script(json_text: str) -> markupsafe.Markup:
    """JSON inside a script element: `<` is written so that no name can end the element."""
    return markupsafe.Markup(json_text.replace("<", "\\u003c"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _when(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(milliseconds / 1000)) if milliseconds else "not yet"
