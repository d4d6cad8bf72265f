"""Runs under the names of their source -> runs under the names of the report. All mistakes are found at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from gan_core import metric_names
from orchestrator.errors import Problem, SpecError, short_repr
from orchestrator.imports.history import history
from orchestrator.imports.imported_run import ImportedRun, evaluator_id
from orchestrator.imports.mapping import LOSSES, QUALITY_METRICS, Mapping
from orchestrator.imports.source_run import Point, SourceLog, SourceRun, no_such_name
from orchestrator.imports.values import NOT_SET, same_kind, seed_of
from orchestrator.sweepfile.loader import MAX_TRIALS

GROUP = "imported"
"""The name of the only group."""
SHARES = (
    metric_names.ACCURACY_DISCRIMINATOR,
    metric_names.ACCURACY_REAL,
    metric_names.ACCURACY_FAKE,
    metric_names.ACCURACY_AUC,
    metric_names.PRECISION,
    metric_names.RECALL,
    metric_names.COVERAGE,
    metric_names.DISTINCT_IMAGES,
    metric_names.DISTINCT,
    metric_names.CLASS_AGREEMENT,
    metric_names.CLASS_RECALL,
    metric_names.AUTHENTICITY,
)
"""They are from 0 to 1."""
AT_LEAST_ZERO = (metric_names.FRECHET, metric_names.DENSITY, metric_names.DIVERSITY_RATIO, metric_names.MODES)
LONGER_BY = 1.05
"""Runs are of different length if the longest has more than this times the steps of the shortest."""


def convert(log: SourceLog, mapping: Mapping, default_ms: int) -> tuple[list[ImportedRun], list[str]]:
    """The runs, and cautions about them. default_ms: the time of points without one. Raises SpecError."""
    return _Converter(log, mapping, default_ms).convert()


class _Converter:
    def __init__(self, log: SourceLog, mapping: Mapping, default_ms: int):
        self.log, self.mapping, self.default_ms = log, mapping, default_ms
        self.problems: dict[Problem, None] = {}

    def convert(self) -> tuple[list[ImportedRun], list[str]]:
        if len(self.log.runs) > MAX_TRIALS:
            self._report("from", f"{len(self.log.runs):,} runs; at most {MAX_TRIALS:,} can be imported")
        self._check_names()
        self._raise()
        settings = self._settings()
        seeds = self._seeds(settings)
        runs = [self._run(run, own, seed) for run, own, seed in zip(self.log.runs, settings, seeds, strict=True)]
        self._raise()
        self._check_duplicates(runs)
        self._raise()
        return runs, [*self.log.cautions, *cautions(runs)]

    def _report(self, path: str, message: str) -> None:
        self.problems[Problem(self.mapping.line_of(path), path, message)] = None

    def _raise(self) -> None:
        if self.problems:
            raise SpecError(list(self.problems))

    # Names

    def _check_names(self) -> None:
        """Reports every name that no run has, with the nearest one that some run has."""
        mapping = self.mapping
        settings = {name for run in self.log.runs for name in run.settings}
        series = {name for run in self.log.runs for name in run.series}
        wanted = {f"settings.{name}": source for name, source in mapping.settings.items()}
        wanted |= {"seed": mapping.seed, "group": mapping.group, "loss.column": mapping.loss.column}
        wanted |= {f"step.{key}": getattr(mapping.step, key) for key in ("batch_size", "steps_per_epoch")}
        for path, name in wanted.items():
            if isinstance(name, str) and name and name not in settings:
                self._unknown(path, name, settings)
        for metric, source in mapping.metrics.items():
            if source.name not in series and f"metrics.{metric}" in mapping.written:
                self._unknown(f"metrics.{metric}", source.name, series)

    def _unknown(self, path: str, name: str, known: set[str]) -> None:
        names = sorted(known | set(self.log.names))
        self._report(path, no_such_name("no run has", name, names, path))

    # Settings and seeds

    def _settings(self) -> list[dict[str, Any]]:
        """The settings of each run, by their names in the report."""
        columns = {
            name: same_kind(run.settings.get(source) for run in self.log.runs)
            for name, source in self.mapping.settings.items()
        }
        return [{name: values[index] for name, values in columns.items()} for index in range(len(self.log.runs))]

    def _group(self, run: SourceRun) -> str:
        if not self.mapping.group:
            return GROUP
        value = run.settings.get(self.mapping.group)
        return NOT_SET if value is None or value == "" else str(value)

    def _seeds(self, settings: list[dict[str, Any]]) -> list[int]:
        if self.mapping.without_seeds:
            return self._numbered(settings)
        seeds = []
        for run in self.log.runs:
            seed = seed_of(run.settings.get(self.mapping.seed))
            if seed is None:
                value = run.settings.get(self.mapping.seed)
                state = "has none" if value is None or value == "" else f"has {short_repr(value)}"
                self._report(
                    "seed",
                    f"the run {short_repr(run.name)} {state}; a whole number from 0 on is needed, or write "
                    "`without_seeds: true` in place of `seed:`",
                )
            seeds.append(seed or 0)
        return seeds

    def _numbered(self, settings: list[dict[str, Any]]) -> list[int]:
        """The runs of each configuration from 0 on, in the order of their names, where 10 is after 9."""
        order = sorted(range(len(self.log.runs)), key=lambda index: _natural(self.log.runs[index].name))
        counts: dict[str, int] = {}
        seeds = [0] * len(order)
        for index in order:
            key = _key(self._group(self.log.runs[index]), settings[index])
            seeds[index] = counts.get(key, 0)
            counts[key] = seeds[index] + 1
        return seeds

    def _check_duplicates(self, runs: list[ImportedRun]) -> None:
        first: dict[tuple[str, int], ImportedRun] = {}
        for run in runs:
            key = (_key(run.group, run.settings), run.seed)
            if key in first:
                self._report(
                    "settings",
                    f"the runs {short_repr(first[key].name)} and {short_repr(run.name)} have the same settings and "
                    f"seed {run.seed}; map the setting in which they differ, leave one of them out, or write "
                    "`without_seeds: true` in place of `seed:` if they are repetitions",
                )
            first.setdefault(key, run)

    # One run

    def _run(self, run: SourceRun, settings: dict[str, Any], seed: int) -> ImportedRun:
        mapping = self.mapping
        has_quality = any(m in QUALITY_METRICS and s.name in run.series for m, s in mapping.metrics.items())
        evaluator = (mapping.evaluator or run.evaluator) if has_quality else ""
        batch_size = self._size(run, "batch_size")
        factor = self._steps_of_a_unit(run, batch_size)
        series = {
            metric: [
                Point(point.position * factor, point.value / source.divide_by, point.time_ms)
                for point in run.series[source.name]
            ]
            for metric, source in mapping.metrics.items()
            if source.name in run.series
        }
        self._check_values(run.name, series)
        made = history(series, evaluator_id(evaluator), batch_size, self.default_ms)
        if made.diverged is None and (not made.rows or made.rows[-1]["step"] < 1):
            self._report("from", f"the run {short_repr(run.name)} has no value of a mapped metric after step 0")
        return ImportedRun(run.name, self._group(run), settings, seed, self._loss(run), evaluator, made)

    def _size(self, run: SourceRun, key: str) -> int | None:
        value = getattr(self.mapping.step, key)
        if not isinstance(value, str):
            return None if value is None else int(value)
        size = run.settings.get(value)
        if isinstance(size, int | float) and not isinstance(size, bool) and size >= 1:
            return int(size)
        self._report(f"step.{key}", f"{value} of the run {short_repr(run.name)} is {short_repr(size)}, not a number")
        return None

    def _steps_of_a_unit(self, run: SourceRun, batch_size: int | None) -> float:
        match self.mapping.step.unit:
            case "images":
                return 1 / (batch_size or 1)
            case "kimg":
                return 1000 / (batch_size or 1)
            case "epochs":
                return float(self._size(run, "steps_per_epoch") or 1)
            case _:
                return 1.0

    def _loss(self, run: SourceRun) -> str:
        loss = self.mapping.loss
        if not loss.column:
            return loss.name
        value = str(run.settings.get(loss.column))
        name = loss.values.get(value, value)
        if name not in LOSSES:
            message = f"{value!r} is no loss; say what it means: {{column: {loss.column}, values: {{{value}: bce}}}}"
            self._report("loss", f"{message}; known: {', '.join(LOSSES)}")
        return name

    def _check_values(self, run: str, series: dict[str, list[Point]]) -> None:
        """Reports shares that are no shares, and distances below 0, such as -1 for what was not measured."""
        for metric, points in series.items():
            if metric not in (*SHARES, *AT_LEAST_ZERO):
                continue
            highest = 1 + 1e-6 if metric in SHARES else float("inf")
            wrong = next((p for p in points if p.value < -1e-6 or highest < p.value < float("inf")), None)
            if wrong and metric in SHARES:
                source = self.mapping.metrics[metric].name
                right = f"it is a share, from 0 to 1; of percent write {{name: {source}, divide_by: 100}}"
            else:
                right = "it is at least 0; leave out what was not measured"
            if wrong:
                self._report(f"metrics.{metric}", f"{wrong.value:g} in the run {short_repr(run)}: {right}")


def cautions(runs: list[ImportedRun]) -> list[str]:
    """What to keep in mind when these runs are compared."""
    texts = []
    lengths = [run.last_step for run in runs if run.history.diverged is None]
    if lengths and max(lengths) > LONGER_BY * min(lengths):
        texts.append(
            f"the runs have different lengths ({min(lengths):,} to {max(lengths):,} steps), and each counts as it ended"
        )
    left_out: dict[str, int] = {}
    for run in runs:
        for metric, count in run.history.left_out.items():
            left_out[metric] = left_out.get(metric, 0) + count
    texts += [f"{metric} was not finite {count} times, and is left out there" for metric, count in left_out.items()]
    if len({run.evaluator for run in runs if run.evaluator}) > 1:
        texts.append("the quality of these runs was measured in several ways, and is compared within each of them only")
    return texts


def factors_of(runs: Iterable[ImportedRun]) -> list[str]:
    """The settings in which these runs differ."""
    listed = list(runs)
    names = listed[0].settings if listed else {}
    return [name for name in names if len({_level(run.settings[name]) for run in listed}) > 1]


def _key(group: str, settings: dict[str, Any]) -> str:
    return json.dumps([group, settings], sort_keys=True)


def _level(value: Any) -> str:
    return json.dumps(value)


def _natural(name: str) -> list[tuple[int, str]]:
    """Numbers in a name by their value: `run-9` is before `run-10`."""
    parts = re.split("([0-9]+)", name)
    return [(int(part), "") if number % 2 else (-1, part) for number, part in enumerate(parts)]
