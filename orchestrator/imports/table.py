"""Histories in a CSV or parquet file: a row for each step of each run, with the settings in columns of their own."""

from __future__ import annotations

import glob
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_core.error_text import first_line
from orchestrator.errors import Problem, SpecError, UserError, short_repr
from orchestrator.imports.mapping import TRAINING_METRICS, Mapping
from orchestrator.imports.names import names_in
from orchestrator.imports.source_run import Point, Series, SourceLog, SourceRun, named, no_such_name
from orchestrator.imports.values import number_of, setting_value

SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Table:
    """columns: name -> its cells. first_line: number of the first row of cells in the file; 0 if rows have no lines."""

    file: Path
    columns: dict[str, Sequence[Any]]
    first_line: int

    def place(self, row: int) -> str:
        return f"{self.file} line {self.first_line + row}" if self.first_line else f"{self.file} row {row + 1}"


def read(mapping: Mapping) -> SourceLog:
    """The runs of one file, or of each file that matches a pattern such as `logs/*.csv`. Raises UserError."""
    tables = [_load(file, mapping.kind) for file in files_of(mapping.source)]
    _check_columns(tables, mapping)
    runs: list[SourceRun] = []
    empty: dict[str, list[str]] = {}
    for table in tables:
        is_run = len(tables) > 1 or bool(mapping.pattern and not mapping.run)
        runs += _runs(table, mapping, empty, table.file.stem if is_run else "")
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    ends = [f"{column} is empty up to the end of {named(members)}" for column, members in empty.items()]
    if ends and mapping.empty_is_nan is None:
        raise UserError(
            f"{mapping.file}: empty_is_nan is missing: {'; '.join(ends)}. Write `empty_is_nan: true` if it was NaN "
            "there (pandas writes NaN as an empty cell), and such runs count as diverged; false if it was not logged"
        )
    return SourceLog(mapping.source, runs, names, [f"{end}: taken as not logged" for end in ends])


def files_of(source: str) -> list[Path]:
    """The file, or those that match a pattern, by name. Raises UserError if there is none."""
    if Path(source).is_file():
        return [Path(source)]
    files = sorted(Path(name) for name in glob.glob(source, recursive=True) if Path(name).is_file())
    if not files:
        state = "is a folder" if Path(source).is_dir() else "does not exist"
        raise UserError(f"{source} {state}; give a file, or a pattern such as logs/*.csv")
    return files


def load_csv(file: Path) -> Table:
    """All cells as text: an empty cell and NaN are different things. Raises UserError."""
    import pandas as pd

    try:
        with open(file, encoding="utf-8-sig") as opened:
            header = opened.readline()
        separator = max(SEPARATORS, key=header.count)
        frame = pd.read_csv(file, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{file}: not UTF-8 text; save the file as UTF-8") from None
    except (OSError, ValueError) as error:  # pandas' errors of parsing are ValueErrors
        raise UserError(f"{file} cannot be read as CSV: {first_line(error)}") from None
    return Table(file, {str(name): frame[name].tolist() for name in frame.columns}, 2)


def _load(file: Path, kind: str) -> Table:
    if kind == "csv":
        return load_csv(file)
    import pyarrow as pa
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(file)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{file} cannot be read as parquet: {first_line(error)}") from None
    return Table(file, {name: table[name].to_pylist() for name in table.column_names}, 0)


def _runs(table: Table, mapping: Mapping, empty: dict[str, list[str]], file_name: str) -> Iterator[SourceRun]:
    """file_name: the name of its only run; "" if columns tell several apart. empty: column -> runs where it ends
    early, which are added.
    """
    told = [name for name in _told(mapping) if name in table.columns]
    identity = [mapping.run] if mapping.run in table.columns else told
    rows: dict[tuple[Any, ...], list[int]] = {}
    cells = [table.columns[name] for name in identity]
    for row in range(len(next(iter(table.columns.values()), []))):
        rows.setdefault(tuple(_hashable(column[row]) for column in cells), []).append(row)
    for key, members in rows.items():
        pairs = " ".join(f"{name}={value}" for name, value in zip(identity, key, strict=True))
        name = str(key[0]) if identity == [mapping.run] else file_name or pairs or table.file.stem
        settings = {column: _constant(table, column, members, name) for column in told}
        yield SourceRun(name, settings, _series(table, mapping, members, name, empty))


def _told(mapping: Mapping) -> list[str]:
    """The names in the source that are the same in all rows of a run."""
    of_step = (mapping.step.batch_size, mapping.step.steps_per_epoch)
    others = [mapping.group, mapping.seed, mapping.loss.column, *(name for name in of_step if isinstance(name, str))]
    return list(dict.fromkeys(name for name in (*mapping.settings.values(), *others) if name))


def _check_columns(tables: Sequence[Table], mapping: Mapping) -> None:
    """Raises SpecError for every name that no column has, before rows are taken for those of wrong runs."""
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    wanted = {"step": mapping.step.name, "run": mapping.run, "seed": mapping.seed, "group": mapping.group}
    wanted |= {"loss.column": mapping.loss.column}
    wanted |= {f"step.{key}": getattr(mapping.step, key) for key in ("batch_size", "steps_per_epoch")}
    wanted |= {f"settings.{name}": source for name, source in mapping.settings.items()}
    wanted |= {f"metrics.{name}": source.name for name, source in mapping.metrics.items()}
    of_pattern = names_in(mapping.pattern)
    problems = [
        Problem(mapping.line_of(path), path, no_such_name(f"{tables[0].file} has no column", name, columns, path))
        for path, name in wanted.items()
        if isinstance(name, str) and name and name not in columns and name not in of_pattern
    ]
    problems += [
        Problem(mapping.line_of("step"), "step", f"{table.file} has no column {mapping.step.name!r}")
        for table in tables
        if mapping.step.name in columns and mapping.step.name not in table.columns
    ]
    if problems:
        raise SpecError(problems)


def _constant(table: Table, column: str, rows: list[int], run: str) -> Any:
    """The value of a column that is the same in all rows of a run, empty cells left out. Raises UserError."""
    distinct = {_hashable(table.columns[column][row]): row for row in rows}
    values = [value for value in distinct if value not in ("", None)]
    if len(values) > 1:
        listed = ", ".join(map(str, values[:3]))
        raise UserError(
            f"{table.place(distinct[values[1]])}: the run {short_repr(run)} has several values of {column} ({listed}); "
            "a setting is the same in all rows of a run: map another column, or name the right column under `run:`"
        )
    return setting_value(values[0]) if values else None


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else str(value) if isinstance(value, dict) else value


def _series(table: Table, mapping: Mapping, rows: list[int], run: str, empty: dict[str, list[str]]) -> Series:
    steps = [_step(table, mapping.step.name, row) for row in rows]
    series: Series = {}
    for metric, source in mapping.metrics.items():
        if source.name not in table.columns:
            continue
        cells = [_number(table, source.name, row) for row in rows]
        order = sorted(range(len(rows)), key=lambda index: steps[index])
        if metric in TRAINING_METRICS:
            ending = _empty_ending([cells[index] for index in order])
            if ending and mapping.empty_is_nan:
                cells[order[-ending]] = math.nan
            elif ending:
                empty.setdefault(source.name, []).append(run)
        points: dict[float, tuple[float, int]] = {}
        for step, cell, row in zip(steps, cells, rows, strict=True):
            if cell is None:
                continue
            if step in points and not _equal(points[step][0], cell):
                raise UserError(
                    f"{table.place(row)}: {source.name} of the run {short_repr(run)} has a second value at step "
                    f"{step:g} (the first: line {table.first_line + points[step][1]}); if these are several runs, name "
                    "the column that tells them apart: `run: COLUMN`"
                )
            points[step] = (cell, row)
        if points:
            series[source.name] = [Point(step, value) for step, (value, _) in points.items()]
    return series


def _equal(first: float, second: float) -> bool:
    return first == second or (math.isnan(first) and math.isnan(second))


def _empty_ending(cells: list[float | None]) -> int:
    """How many cells at the end are empty, if they are more than between two values: else it is logged that rarely."""
    filled = [index for index, cell in enumerate(cells) if cell is not None]
    gaps = [after - before for before, after in zip([-1, *filled], filled, strict=False)]
    ending = len(cells) - 1 - filled[-1] if filled else 0
    return ending if gaps and ending > max(gaps) else 0


def _step(table: Table, column: str, row: int) -> float:
    step = _number(table, column, row)
    if step is None or not math.isfinite(step) or step < 0:
        written = short_repr(table.columns[column][row])
        raise UserError(f"{table.place(row)}: the step ({column}) is {written}; a number from 0 on is needed")
    return step


def _number(table: Table, column: str, row: int) -> float | None:
    try:
        return number_of(table.columns[column][row])
    except (ValueError, TypeError):
        raise UserError(
            f"{table.place(row)}: {column} is {short_repr(table.columns[column][row])}, which is not a number"
        ) from None
