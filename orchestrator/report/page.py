"""The page: one HTML file that needs nothing from anywhere."""

from __future__ import annotations

import base64
import io
import json
import shlex
import time
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import plotly.offline
from PIL import Image

from gan_core import metric_names, verdict
from gan_core.files import write_atomically
from orchestrator import __version__
from orchestrator.formatting import format_level
from orchestrator.report import interactive_figures, leaderboard, page_data, run_details
from orchestrator.report.analysis import Analysis
from orchestrator.report.data import RunData, SweepData
from orchestrator.report.leaderboard import Row
from orchestrator.report.summary import Summary
from orchestrator.statistics.intervals import InterquartileMean
from orchestrator.store.trial_status import TrialStatus

SCRIPTS = ("charts.js", "theme.js", "curves.js", "factors.js", "leaderboard.js", "samples.js")
COLUMNS = {
    "Frechet at the end": lambda row: row.final and row.final.mean,
    "Frechet at best": lambda row: row.best and row.best.mean,
    "worse since": lambda row: row.gap and row.gap.mean,
    "precision": lambda row: row.numbers[metric_names.PRECISION],
    "recall": lambda row: row.numbers[metric_names.RECALL],
    "classes covered": lambda row: row.numbers[metric_names.MODES],
    "asked class drawn": lambda row: row.numbers[metric_names.CLASS_AGREEMENT],
    "diversity": lambda row: row.numbers[metric_names.DIVERSITY_RATIO],
    "D accuracy": lambda row: row.numbers[metric_names.ACCURACY_DISCRIMINATOR],
    "ROC area": lambda row: row.numbers[metric_names.ACCURACY_AUC],
    "G loss": lambda row: row.numbers[metric_names.LOSS_GENERATOR],
    "D loss": lambda row: row.numbers[metric_names.LOSS_DISCRIMINATOR],
}


def write(
    data: SweepData, rows: list[Row], analysis: Analysis, summary: Summary, file: Path, refresh: int | None = None
) -> None:
    """Writes the page. `refresh`: seconds after which a browser loads it again, while a sweep runs."""
    loader = jinja2.PackageLoader("orchestrator.report")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {
        "png": lambda picture: _data_uri(picture, "png"),
        "webp": _webp,
        "number": number,
        "typical": typical,
        "percent": "{:.0%}".format,
        "script": _in_script,
        "when": when,
        "level": format_level,
    }
    shared, own = run_details.shared_and_own([run_details.of_run(run) for run in data.runs])
    began = [run.began_ms for run in data.runs if run.began_ms]
    moments = _moments(data)
    page = environment.get_template("page.html.j2").render(
        data=data,
        summary=summary,
        rows=rows,
        refresh=refresh,
        confirmed=_confirmed(data, rows),
        extremes=rows if len(rows) <= 6 else rows[:3] + rows[-3:],
        tables=_tables(data, rows),
        evaluator_says=_evaluator_says,
        factor_groups=[group for group in data.groups if any(run.factors for run in data.runs if run.group == group)],
        analysis=analysis,
        effects=[(title, figure.to_json()) for title, figure in interactive_figures.effects_figures(analysis)],
        survival=_survival(data, analysis),
        galleries=_galleries(data),
        moments=moments,
        events=[
            run
            for run in data.runs
            if run.outcome not in ("stable", TrialStatus.PENDING, TrialStatus.RUNNING, TrialStatus.INTERRUPTED)
        ],
        shared=shared,
        details=list(zip(data.runs, own, strict=True)),
        verdict_rules=verdict.RULES,
        verdict_order=verdict.ORDER,
        command="\n".join(map(shlex.join, data.commands)),
        model=json.dumps(page_data.model(data), allow_nan=False),
        moments_json=json.dumps(moments),
        style=_text("style.css"),
        scripts=[_text(name) for name in SCRIPTS],
        plotly_js=plotly.offline.get_plotlyjs(),
        began=when(min(began)) if began else "not yet",
        made=when(int(time.time() * 1000)),
        version=__version__,
    )
    write_atomically(file, page.encode())


def _text(name: str) -> markupsafe.Markup:
    return markupsafe.Markup((Path(__file__).parent / "templates" / name).read_text(encoding="utf-8"))


def _tables(data: SweepData, rows: list[Row]) -> list[dict[str, Any]]:
    """A table for each evaluator, with the columns that it has numbers for.

    Runs that nothing has measured yet stand in the first table.
    """
    ids = list(data.evaluators) or [""]
    tables = []
    for evaluator in ids:
        own = [row for row in rows if (row.evaluator or ids[0]) == evaluator]
        columns = [(get, title) for title, get in COLUMNS.items() if any(get(row) is not None for row in own)]
        tables.append({"evaluator": data.evaluators.get(evaluator), "rows": own, "columns": columns})
    return tables


def _confirmed(data: SweepData, rows: list[Row]) -> list[tuple[Row, Row]]:
    """(as selected, again on fresh seeds) for each configuration that was confirmed."""
    selected = {(row.configuration, row.evaluator): row for row in rows}
    again = leaderboard.rows(data.confirmation)
    return [
        (selected[row.configuration, row.evaluator], row)
        for row in again
        if (row.configuration, row.evaluator) in selected
    ]


def _survival(data: SweepData, analysis: Analysis) -> list[tuple[str, str]]:
    """(what it shows, figure) for every factor of the groups in which something happened."""
    found = []
    for group, factors in analysis.survival.items():
        last = max(run.steps for run in data.runs)
        for factor, curves in factors.items():
            parts = [group] if len(analysis.names) > 1 else []
            title = ": ".join([*parts, f"by {analysis.names[group][factor]}" if factor else "all runs"])
            found.append((title, interactive_figures.survival_figure(title, curves, last).to_json()))
    return found


def _evaluator_says(card: dict[str, Any]) -> str:
    """What the numbers of an evaluator were computed from."""
    right = "never tested" if card["accuracy"] is None else f"right on {card['accuracy']:.1%} of test images"
    features = {
        "classifier": f"embedding of a classifier of these classes, {right}",
        "random": "features of an untrained network",
        "inception": "Inception-v3's pool of 2048",
    }[card["features"]]
    some = f" ({card['compared']:,} of them for precision and recall)" if card["compared"] < card["samples"] else ""
    kept_out = ""
    if scores := card["kept_out"]:
        frechet, precision, recall = (
            number(scores[name]) for name in (metric_names.FRECHET, metric_names.PRECISION, metric_names.RECALL)
        )
        kept_out = (
            f" The {scores['count']} images kept out have a Frechet distance of {frechet}, precision {precision} and "
            f"recall {recall}; fewer images score a larger distance."
        )
    return (
        f"{features} (weights {card['weights']}); {card['samples']:,} samples{some} at fixed latents against the "
        f"{card['real']:,} images of the {card['split']} part; images as {card['preprocessing']}.{kept_out}"
    )


def _galleries(data: SweepData) -> list[tuple[str, list[tuple[int, RunData]]]]:
    """group -> (number, trial) of those that have drawn something."""
    drawn = [(number, run) for number, run in enumerate(data.runs) if run.pictures]
    return [(group, own) for group in data.groups if (own := [pair for pair in drawn if pair[1].group == group])]


def _moments(data: SweepData) -> dict[int, list[tuple[int, str]]]:
    """A trial's number -> its earlier sample grids; the last one stands in the page itself. Empty if there are none."""
    if not any(len(run.pictures) > 1 for run in data.runs):
        return {}
    return {
        number: [(step, _webp(picture)) for step, picture in run.pictures[:-1]] + [(run.pictures[-1][0], "")]
        for number, run in enumerate(data.runs)
        if run.pictures
    }


def _webp(png: bytes) -> str:
    """As WebP, which takes less than half; every browser of today shows it."""
    made = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.save(made, "WEBP", quality=70)
    return _data_uri(made.getvalue(), "webp")


def _data_uri(picture: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _in_script(json_text: str) -> markupsafe.Markup:
    """JSON inside a script element: `<` is written so that no name can end the element."""
    return markupsafe.Markup(json_text.replace("<", "\\u003c"))


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def typical(found: InterquartileMean | None) -> str:
    """What is typical, with its interval where there are values enough for one."""
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return number(found.mean)
    return f"{number(found.mean)} ({number(found.low)} to {number(found.high)})"


def when(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(milliseconds / 1000))
