"""The page: one HTML file that loads nothing from anywhere."""

from __future__ import annotations

import json
import shlex
import time
from functools import cache
from pathlib import Path

import jinja2
import markupsafe
import plotly.offline

from gan_core.files import write_atomically
from gan_core.verdict.early_end import LOST_RULES
from gan_core.verdict.names import VerdictName
from gan_core.verdict.rules import ORDER, RULES
from orchestrator.formatting import format_level
from orchestrator.report import (
    answer_section,
    drawn_settings,
    interactive_figures,
    map_section,
    page_data,
    page_sections,
    run_details,
    search_section,
    template_filters,
)
from orchestrator.report.content import ReportContent
from orchestrator.report.drawn_figures import drawn_figures
from orchestrator.report.held_out_baseline import frechet_baselines, held_out_text
from orchestrator.report.leaderboard import UNENDED
from orchestrator.report.shown_trials import MAX_WITH_SAMPLES
from orchestrator.statistics.sampled_effects import MIN_POINTS
from orchestrator.version import __version__

SCRIPTS = (
    "measure.js",
    "charts.js",
    "theme.js",
    "print.js",
    "filters.js",
    "curves.js",
    "factors.js",
    "leaderboard.js",
    "tables.js",
    "samples.js",
    "map.js",
)
LONG = 24
"""Rows of a table, and half of the pictures or trials, that are shown at once: a longer list scrolls in its place."""
GOOD_OR_UNENDED = (VerdictName.STABLE, *UNENDED)
"""Outcomes of runs that are not in the section on what went wrong."""


def write(content: ReportContent, file: Path, refresh: int | None = None) -> None:
    """Write the page. `refresh`: seconds after which a browser loads it again, while the sweep runs. Raises OSError."""
    write_atomically(file, render(content, refresh).encode())


def render(content: ReportContent, refresh: int | None) -> str:
    data, rows, analysis = content.data, content.rows, content.analysis
    shown = [(number, data.runs[number]) for number in content.shown]
    shared, own = run_details.shared_and_own([run_details.of_run(run) for _, run in shown])
    starts = [run.began_ms for run in data.runs if run.began_ms]
    sample_history = page_sections.earlier_samples(data)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            data=data,
            summary=content.summary,
            rows=rows,
            refresh=refresh,
            confirmed=page_sections.confirmed_rows(data, rows),
            extremes=page_sections.best_and_riskiest(rows),
            tables=page_sections.leaderboard_tables(data, rows),
            evaluator_text=page_sections.evaluator_text,
            baselines=frechet_baselines(data),
            held_out_text=held_out_text,
            factor_groups=[
                group
                for group in data.groups
                if not data.explored and any(run.factors for run in data.runs if run.group == group)
            ],
            answer=data.answer,
            answer_rows=answer_section.rows_of(data.answer) if data.answer else [],
            analysis=analysis,
            acting_together=page_sections.acting_together(analysis),
            effects=[(title, figure.to_json()) for title, figure in interactive_figures.effects_figures(analysis)],
            drawn=[(title, figure.to_json()) for title, figure in drawn_figures(analysis.drawn, analysis.names)],
            long=LONG,
            min_points=MIN_POINTS,
            drawn_rows=drawn_settings.rows_of(analysis.drawn, analysis.names, is_tested=data.answer is None),
            map=map_section.of_content(content.map, data.commands[0][2]) if content.map else None,
            search=content.search,
            search_rows=search_section.top_rows(content.search) if content.search else [],
            search_figures=[
                (title, figure.to_json())
                for title, figure in (search_section.figures(content.search) if content.search else [])
            ],
            survival=page_sections.survival_figures(analysis),
            galleries=page_sections.galleries(data),
            most_with_samples=MAX_WITH_SAMPLES,
            with_samples=sum(bool(run.pictures) for run in data.runs),
            has_samples=bool(data.real) or any(run.pictures for run in data.runs) or not data.imports,
            sample_history=sample_history,
            shown=shown,
            events=[run for _, run in shown if run.outcome not in GOOD_OR_UNENDED],
            shared=shared,
            details=[(number, run, texts) for (number, run), texts in zip(shown, own, strict=True)],
            verdict_rules=RULES,
            verdict_order=ORDER,
            lost_rules=LOST_RULES if data.stop_early else (),
            command="\n".join(map(shlex.join, data.commands)),
            model=json.dumps(page_data.page_model(data, content.shown), allow_nan=False),
            sample_history_json=json.dumps(sample_history),
            style=_template_text("style.css"),
            scripts=[_template_text(name) for name in SCRIPTS],
            plotly_js=plotly.offline.get_plotlyjs(),
            began=template_filters.local_time(min(starts)) if starts else "not yet",
            made=template_filters.local_time(int(time.time() * 1000)),
            version=__version__,
        )
    )


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("orchestrator.report")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {
        "png": template_filters.png_uri,
        "webp": template_filters.webp_uri,
        "number": template_filters.number,
        "mean": template_filters.mean_with_interval,
        "ratio": template_filters.ratio,
        "is_informative": page_sections.is_informative,
        "percent": "{:.0%}".format,
        "script": template_filters.script_json,
        "svg": markupsafe.Markup,
        "time": template_filters.local_time,
        "level": format_level,
    }
    return environment


def _template_text(name: str) -> markupsafe.Markup:
    return markupsafe.Markup((Path(__file__).parent / "templates" / name).read_text(encoding="utf-8"))
