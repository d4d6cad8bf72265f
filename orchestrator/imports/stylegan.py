"""Runs of NVIDIA's StyleGAN2-ADA and StyleGAN3: `training_options.json`, `stats.jsonl`, `metric-*.jsonl`.

Their formats: `training/training_loop.py`, `torch_utils/training_stats.py` and `metrics/metric_main.py` in
https://github.com/NVlabs/stylegan3. A line of stats.jsonl has {"num", "mean", "std"} for each statistic and a timestamp
in seconds; one of metric-NAME.jsonl has `results` and the file of the snapshot, whose number is in thousands of images.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_core.config.identity import flatten
from orchestrator.errors import UserError
from orchestrator.imports.mapping import Mapping
from orchestrator.imports.source_run import Point, Series, SourceLog, SourceRun, folder_of, named
from orchestrator.imports.values import setting_value

OPTIONS, STATS = "training_options.json", "stats.jsonl"
KIMG = "Progress/kimg"
SIGNS = {"accuracy on real images": ("Loss/signs/real", 1.0), "accuracy on generated images": ("Loss/signs/fake", -1.0)}
"""D calls an image real if its score is above 0. The mean sign s of scores makes an accuracy of (1 + s) / 2 or, of
generated images, of (1 - s) / 2."""


def read(mapping: Mapping) -> SourceLog:
    """The runs below a folder, such as `training-runs`. Raises UserError."""
    root = folder_of(Path(mapping.source), "StyleGAN's runs")
    folders = sorted(file.parent for file in root.rglob(STATS))
    if not folders:
        raise UserError(f"{root} holds no {STATS}, nor does a folder in it: give StyleGAN's --outdir, or one run in it")
    runs, resumed = [], []
    for folder in folders:
        name = str(folder.relative_to(root)) if folder != root else root.resolve().name
        options = _options(folder)
        series = _statistics(folder / STATS) | _metrics(folder)
        if options.get("resume_pkl"):
            resumed.append(name)
            series = {tag: [point for point in points if point.position >= 1] for tag, points in series.items()}
        settings = {key: setting_value(value) for key, value in flatten(options).items()}
        data = settings.get("training_set_kwargs.path", "its data set")
        runs.append(SourceRun(name, settings, series, f"StyleGAN's metrics against {Path(str(data)).name}"))
    cautions = []
    if resumed:
        cautions.append(
            f"runs that began from a trained generator are not compared with an untrained one: {named(resumed)}"
        )
    names = sorted({name for run in runs for name in (*run.series, *run.settings)})
    return SourceLog(str(root), runs, names, cautions)


def _options(folder: Path) -> dict[str, Any]:
    file = folder / OPTIONS
    try:
        options = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(options, dict):
            return options
    except (OSError, ValueError):
        pass
    raise UserError(f"{file} is missing or no JSON: a run's settings and its batch size stand there")


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file. The last one of a run that was killed may be cut off, and is left out."""
    lines = file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            if number == len(lines):
                return
            raise UserError(f"{file} line {number} is no JSON") from None
        if not isinstance(row, dict):
            raise UserError(f"{file} line {number} is not a line of StyleGAN's: an object is needed")
        yield row


def _statistics(file: Path) -> Series:
    series: Series = {}
    for row in _lines(file):
        kimg, time_ms = _mean(row.get(KIMG)), _time_ms(row)
        if kimg is None:
            continue
        for name, value in row.items():
            mean = _mean(value)
            if mean is not None and name != KIMG:
                series.setdefault(name, []).append(Point(kimg, mean, time_ms))
    for accuracy, (signs, direction) in SIGNS.items():
        if signs in series:
            series[accuracy] = [
                Point(position, (1 + direction * value) / 2, time_ms) for position, value, time_ms in series[signs]
            ]
    return series


def _mean(value: Any) -> float | None:
    """The mean of a statistic, which may be NaN; None for anything else, or if nothing was measured since it began."""
    is_statistic = isinstance(value, dict) and isinstance(value.get("mean"), int | float) and value.get("num", 1)
    return float(value["mean"]) if is_statistic else None


def _time_ms(row: dict[str, Any]) -> int | None:
    time = row.get("timestamp")
    return int(1000 * time) if isinstance(time, int | float) else None


def _metrics(folder: Path) -> Series:
    """What `--metrics` has measured. A metric that `calc_metrics.py` computed again replaces the earlier value."""
    series: Series = {}
    for file in sorted(folder.glob("metric-*.jsonl")):
        for row in _lines(file):
            snapshot = re.search(r"([0-9]{6,})\.pkl$", str(row.get("snapshot_pkl")))
            results = row.get("results")
            if not snapshot or not isinstance(results, dict):
                continue
            for name, value in results.items():
                if isinstance(value, int | float):
                    series.setdefault(name, []).append(Point(int(snapshot[1]), float(value), _time_ms(row)))
    return series
