"""`orchestrate map`: what the map of a sweep says of a point. Needs neither Ray nor MLflow nor the data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from gan_core.config.identity import trial_key
from orchestrator.command_hints import orchestrate_command
from orchestrator.console.output import say
from orchestrator.errors import UserError, did_you_mean, short_repr
from orchestrator.formatting import count_of, format_level, short_key
from orchestrator.planning.outcome import end_of
from orchestrator.space import Dimension, Integers, Space
from orchestrator.statistics.result import Result
from orchestrator.statistics.stability_map import (
    Answer,
    Shares,
    StabilityMap,
    near_certain,
    ordered,
    parts_of_space,
    stability_map,
)
from orchestrator.store.sweep_document import PointDocument
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.sweepfile import model
from orchestrator.sweepfile.loader import load
from orchestrator.sweepfile.model import Sweep, Trial

NEAREST = 3
"""Trials that are named beside the answer."""


def answer(
    file: Path, overrides: list[str], at: Sequence[str], home: Path, console: Console, as_json: bool = False
) -> None:
    """Print what the map says at a point, or of the whole space if `at` is empty.

    at: `PATH=VALUE` of each setting of the map. Raises UserError.
    """
    sweep = load(file, overrides)
    if not isinstance(sweep.explores, model.StabilityMap):
        raise UserError(f"{file} is no map; a map has `map: {{trials: 80}}`, and its group a `sample:`")
    space = Space(tuple(_dimension(sweep, path) for path in sweep.explores.over))
    point = _point(space, at) if at else None
    results, keys = trained(sweep, file, home)
    found = stability_map(space, results)
    if found is None:
        hint = orchestrate_command(f"sweep {file}", home)
        raise UserError(f"no trial of {sweep.name} has ended yet, so there is no map; `{hint}` trains it")
    if point is None:
        lines, document = _of_space(found, found.shares)
    else:
        lines, document = _of_point(found, point, keys)
    if as_json:
        console.print_json(json.dumps({"sweep": sweep.name, "trials": len(results), **document}, allow_nan=False))
        return
    for line in lines:
        say(console, line)


def trained(sweep: Sweep, file: Path, home: Path) -> tuple[list[Result], dict[tuple[str, int], str]]:
    """(results of the trials of a map that have ended, (configuration, seed) -> key of the trial). Raises UserError."""
    folder = SweepFolder(home, sweep.name)
    hint = orchestrate_command(f"sweep {file}", home)
    if not folder.sweep_file.exists():
        raise UserError(f"{sweep.name} was not trained in {home} yet, so there is no map; `{hint}` trains it")
    written = folder.document()
    document = written.get("explored")
    space = {each.path: each.to_document() for each in sweep.explored_sample.space.dimensions}
    if document is None or document["kind"] != "map" or document["space"] != space:
        raise UserError(f"{sweep.name} was last trained with another space than that of {file}; `{hint}` trains it")
    trials = _trials(sweep, document["points"], list(written["data"]))
    if trials is None:
        raise UserError(f"{sweep.name} was last trained with other settings than those of {file}; `{hint}` trains it")
    results, keys, evaluators = [], {}, set()
    for point, trial in zip(document["points"], trials, strict=True):
        record = folder.trial(point["key"]).record()
        if record.has_ended:
            end = end_of(record)
            results.append(end.result(trial))
            keys[trial.configuration, trial.seed] = point["key"]
            evaluators |= {end.evaluator} if end.evaluator else set()
    if len(evaluators) > 1:  # their distances cannot be compared
        results = [replace(result, final=None, best=None) for result in results]
    return results, keys


def _trials(sweep: Sweep, points: list[PointDocument], fingerprints: list[str]) -> list[Trial] | None:
    """The trials of the points; None if one is not the trial that was chosen, because other settings are written now.

    fingerprints: of the data sets that it was trained on, which is one. Where its files lie does not matter.
    """
    trials = []
    for point in points:
        try:
            trial = sweep.trial_at(point["settings"], point["seed"])
        except UserError:  # the point contradicts what is written now
            return None
        if point["key"] not in [trial_key(trial.config, fingerprint) for fingerprint in fingerprints]:
            return None
        trials.append(trial)
    return trials


def _dimension(sweep: Sweep, path: str) -> Dimension:
    return next(each for each in sweep.explored_sample.space.dimensions if each.path == path)


def _point(space: Space, at: Sequence[str]) -> dict[str, float]:
    """The settings of `--at`. Raises UserError, a line for each mistake, unless each of the map is there once, within
    its range."""
    point: dict[str, float] = {}
    named, problems = set[str](), list[str]()
    for given in at:
        path = given.partition("=")[0]
        if path in named:
            problems.append(f"--at {given}: {path} is given twice; a point has one value of each setting")
            continue
        named.add(path)
        try:
            point[path] = _value(space, given)
        except ValueError as error:
            problems.append(f"--at {given}: {error}")
    if missing := [path for path in space.paths if path not in named]:
        more = " ".join(f"--at {path}={_example(space.dimensions[space.paths.index(path)])}" for path in missing)
        problems.append(f"a point of this map has a value of {' and '.join(missing)}, too: add {more}")
    if problems:
        raise UserError("\n".join(problems))
    return point


def _value(space: Space, given: str) -> float:
    """The value of `PATH=VALUE`. Raises ValueError with what would be right."""
    path, _, text = given.partition("=")
    if path not in space.paths:
        hint = did_you_mean(path, list(space.paths)) or f"; the map is over {', '.join(space.paths)}"
        raise ValueError(f"{short_repr(path)} is not a setting of the map{hint}")
    dimension = ordered(space.dimensions[space.paths.index(path)])
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"a number is needed after =, as in {path}={_example(dimension)}") from None
    if not dimension.contains(value):
        low, high = map(format_level, dimension.ends)
        step = f" in steps of {dimension.step}" if isinstance(dimension, Integers) and dimension.step != 1 else ""
        whole = "a whole number" if isinstance(dimension, Integers) else "a value"
        raise ValueError(f"the map knows {path} from {low} to {high}{step}; give {whole} in this range")
    return value


def _example(dimension: Dimension) -> str:
    return format_level(ordered(dimension).value_at(0.5))


def _of_point(
    found: StabilityMap, point: dict[str, float], keys: dict[tuple[str, int], str]
) -> tuple[list[str], dict[str, Any]]:
    says: Answer = found.at(point)
    near = [(result, keys[result.configuration, result.seed], far) for result, far in found.nearest(point, NEAREST)]
    place = " ".join(f"{path}={format_level(value)}" for path, value in point.items())
    lines = [
        f"{place}: {near_certain(says.stable)} of runs are expected to be stable "
        f"(90% interval {near_certain(says.low)} to {near_certain(says.high)})"
    ]
    if says.distance:
        middle, low, high = says.distance
        lines.append(f"Frechet distance of a run that draws: {middle:.3g} (90% of runs: {low:.3g} to {high:.3g})")
    else:
        lines.append("Frechet distance: too few runs drew to tell")
    for result, key, far in near:
        final = f", Frechet {result.final:.3g}" if result.final is not None else ""
        outcome = "unfinished" if result.stable is None else "stable" if result.stable else "not stable"
        lines.append(f"near     {short_key(key)} {result.configuration}: {outcome}{final} ({far:.0%} of a range away)")
    document = {
        "at": point,
        "stable": says.stable,
        "stable_90": [says.low, says.high],
        "frechet": says.distance[0] if says.distance else None,
        "frechet_90": list(says.distance[1:]) if says.distance else None,
        "nearest": [
            {"key": key, "settings": dict(result.factors), "stable": bool(result.stable), "frechet": result.final}
            for result, key, _ in near
        ],
    }
    return lines, document


def _of_space(found: StabilityMap, shares: Shares) -> tuple[list[str], dict[str, Any]]:
    lines = [f"{count_of(len(found.results), 'trial')}: {parts_of_space(shares)}"]
    if any(result.stable for result in found.results):
        safest = " ".join(f"--at {path}={format_level(value)}" for path, value in found.safest.items())
        lines.append(f"safest   {safest}, with {near_certain(found.at(found.safest).stable)}")
    else:
        lines.append("no run was stable, so no setting is known to train stably")
    return lines, {"space": shares._asdict(), "safest": found.safest, "best": found.best}
