"""CSV files that were downloaded from W&B: of a chart, with a column for each run; or of one run's history.

A chart's columns are `Step` (or another x axis), then for each run `NAME - METRIC`, with `__MIN` and `__MAX` beside it.
"""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.errors import UserError, short_repr
from orchestrator.imports.mapping import Mapping
from orchestrator.imports.source_run import Point, Series, SourceLog, SourceRun
from orchestrator.imports.table import Table, files_of, load_csv
from orchestrator.imports.values import number_of

STEP, TIME = "_step", "_timestamp"


def read(mapping: Mapping) -> SourceLog:
    """The runs of one file, or of all files that match a pattern. Raises UserError."""
    by_run: dict[str, Series] = {}
    for file in files_of(mapping.source):
        table = load_csv(file)
        found = _history(table, mapping.step.name) or _chart(table, mapping.step.name)
        if not found:
            raise UserError(
                f"{file} is no CSV of a W&B chart (Step, then `RUN - METRIC`), nor of a run's history ({STEP}, then "
                "metrics); other tables are read with `from: {csv: ...}`"
            )
        for run, series in found.items():
            by_run.setdefault(run, {}).update(series)
    names = sorted({name for series in by_run.values() for name in series})
    return SourceLog(mapping.source, [SourceRun(run, {}, series) for run, series in by_run.items()], names)


def _history(table: Table, step_name: str) -> dict[str, Series]:
    """A file written by `run.history().to_csv(...)`: the run has the name of the file."""
    step = step_name or STEP
    if step not in table.columns or STEP not in table.columns:
        return {}
    times = [_number(table, TIME, row) for row in range(len(table.columns[step]))] if TIME in table.columns else None
    series = {name: _points(table, step, name, times) for name in table.columns if name not in (step, TIME, "")}
    return {table.file.stem: {name: points for name, points in series.items() if points}}


def _chart(table: Table, step_name: str) -> dict[str, Series]:
    names = list(table.columns)
    if step_name not in ("", *names[:1]):
        raise UserError(
            f"{table.file}: the x axis of the chart is {names[0]}, not {step_name}; name that under `step:`"
        )
    by_run: dict[str, Series] = {}
    for name in names[1:]:
        run, dash, metric = name.rpartition(" - ")
        if dash and not re.search(r"__(MIN|MAX)$", metric):
            points = _points(table, names[0], name, None)
            if points:
                by_run.setdefault(run, {})[metric] = points
    return by_run


def _points(table: Table, step: str, name: str, times: list[float | None] | None) -> list[Point]:
    """The cells of a column that hold numbers; [] if one holds something else, such as the name of a picture."""
    points = []
    for row, cell in enumerate(table.columns[name]):
        try:
            value = number_of(cell)
        except ValueError:
            return []
        position = _number(table, step, row) if value is not None else None
        if value is not None and position is not None:
            time = times[row] if times else None
            points.append(Point(position, value, None if time is None else int(1000 * time)))
    return points


def _number(table: Table, name: str, row: int) -> float | None:
    cell = table.columns[name][row]
    try:
        return number_of(cell)
    except ValueError:
        raise UserError(f"{table.place(row)}: {name} is {short_repr(cell)}, which is not a number") from None


def is_export(source: str) -> bool:
    """Whether the source is a CSV file or a pattern of some, and not a folder of offline runs."""
    return Path(source).suffix.lower() == ".csv"
