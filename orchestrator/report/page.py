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
from orchestrator.report.collect import SweepData, curve_titles


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
        tables=_tables(data),
        evaluator_says=_evaluator_says,
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
    for name in stability.THRESHOLDS:
        rules = rules.replace(name, f"{getattr(stability, name):g}")
    return rules


def _tables(data: SweepData) -> list[dict[str, Any]]:
    """A table of configurations for each evaluator: numbers of two evaluators never share a column.

    Runs that nothing has measured yet stand with their configuration's other seeds, else in the first table.
    """
    ids = list(data.evaluators) or [""]
    tables: dict[str, list[dict[str, Any]]] = {evaluator: [] for evaluator in ids}
    for runs in data.configurations().values():
        known = list(dict.fromkeys(run.evaluator["id"] for run in runs if run.evaluator)) or ids[:1]
        for evaluator in known:
            own = [run for run in runs if (run.evaluator.get("id") or known[0]) == evaluator]
            tables[evaluator].append(summary.table_row(own))
    return [
        {
            "evaluator": data.evaluators.get(evaluator),
            "rows": rows,
            "asked": any(row["class_agreement"] is not None for row in rows),
        }
        for evaluator, rows in tables.items()
    ]


def _evaluator_says(card: dict[str, Any]) -> str:
    """What the numbers of an evaluator were computed from."""
    right = "never tested" if card["accuracy"] is None else f"right on {card['accuracy']:.1%} of test images"
    features = {
        "classifier": f"embedding of a classifier of these classes, {right}",
        "random": "features of an untrained network",
        "inception": "Inception-v3's pool of 2048",
    }[card["features"]]
    some = f" ({card['compared']:,} of them for precision and recall)" if card["compared"] < card["samples"] else ""
    kept_out = " Fewer images score a larger Frechet distance." if card["kept_out"] else ""
    return (
        f"{features} (weights {card['weights']}); {card['samples']:,} samples{some} at fixed latents against the "
        f"{card['real']:,} images of the {card['split']} part; images as {card['preprocessing']}.{kept_out}"
    )


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
    titles = curve_titles(data)
    drawn = [(title, figures.curve_figure(data, group, metric, title)) for metric, title in titles.items()]
    return {
        "name": group,
        "legend": figures.legend(data, group),
        "figures": [(title, figure.to_json()) for title, figure in drawn if figure is not None],
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
    if value is None:
        return "–"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _when(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(milliseconds / 1000)) if milliseconds else "not yet"
