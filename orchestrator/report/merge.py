"""Several sweeps in one report."""

from __future__ import annotations

from dataclasses import replace

from gan_core import metric_names
from orchestrator.report.data import RunData, SweepData, mixed_hardware_cautions

SWEEP = "sweep"
"""The factor of trials that several sweeps ran with different results."""


def merged(sweeps: list[SweepData]) -> SweepData:
    """One sweep with the runs of all.

    A trial that several sweeps have with the same result is counted once, in the first of them. If a trial has two
    results (of two machines, or of two versions), the sweep is a setting like any other, and the runs of a trial are
    pairs that differ in it. If not, nothing but settings tells the sweeps apart, and each group of a sweep is a group
    of its own, which is compared with the others.
    """
    names = " and ".join(sweep.name for sweep in sweeps)
    cautions = [caution for sweep in sweeps for caution in sweep.cautions]
    cautions += [f"{sweep.name}: {added}" for sweep in sweeps if (added := sweep.added_seeds)]
    cautions += mixed_hardware_cautions([run for sweep in sweeps for run in sweep.runs])
    if any(sweep.imports for sweep in sweeps):
        cautions.append(
            "of imported runs only the mapped settings are known, so runs that seem alike may differ in other settings"
        )
    runs = _each_result_once([(sweep.name, run) for sweep in sweeps for run in sweep.runs])
    if repeats := sum(len(sweep.runs) for sweep in sweeps) - len(runs):
        cautions.append(
            f"{repeats} runs repeat those of an earlier sweep, with the same results, and are not counted again"
        )
    spaces = {(sweep.name, group): space for sweep in sweeps for group, space in sweep.spaces.items()}
    is_repeated = len({(run.key, run.confirms) for _, run in runs}) < len(runs)
    return SweepData(
        name=names,
        question=f"How do {names} differ?",
        tracking_uri=sweeps[0].tracking_uri,
        run_id=", ".join(sweep.run_id for sweep in sweeps),
        cautions=list(dict.fromkeys(cautions)),
        commands=[command for sweep in sweeps for command in sweep.commands],
        runs=[_with_sweep(name, run) if is_repeated else _in_group_of_sweep(name, run) for name, run in runs],
        real=list({picture: (caption, picture) for sweep in sweeps for caption, picture in sweep.real}.values()),
        compared={sweep.name: sweep.selection for sweep in sweeps},
        stop_early=any(sweep.stop_early for sweep in sweeps),
        imports={name: origin for sweep in sweeps for name, origin in sweep.imports.items()},
        spaces={group if is_repeated else f"{name}: {group}": space for (name, group), space in spaces.items()},
    )


def sweep_of_group(group: str, data: SweepData) -> str:
    """The sweep that a group of a comparison is of; "" in the report of a single sweep."""
    return next((name for name in data.compared if group.startswith(f"{name}: ")), "")


def _each_result_once(runs: list[tuple[str, RunData]]) -> list[tuple[str, RunData]]:
    """(name of the sweep, run), without runs that repeat an earlier one of their trial, or lack the result it has."""
    of_trial: dict[tuple[str, bool], list[tuple[str, RunData]]] = {}
    for name, run in runs:
        of_trial.setdefault((run.key, run.confirms), []).append((name, run))
    kept: list[tuple[str, RunData]] = []
    for copies in of_trial.values():
        ended = [(name, run) for name, run in copies if run.has_ended] or copies[:1]
        results: list[tuple[object, ...]] = []
        for name, run in ended:
            if (result := _result(run)) not in results:
                results.append(result)
                kept.append((name, run))
    order = {id(run): number for number, (_, run) in enumerate(runs)}
    return sorted(kept, key=lambda pair: order[id(pair[1])])


def _result(run: RunData) -> tuple[object, ...]:
    """What is equal in two runs of a trial if one is a copy of the other, or was computed bit for bit like it."""
    metrics = {name: value for name, value in run.latest.items() if not name.startswith(metric_names.TIME_DEPENDENT)}
    return run.outcome, run.since, run.hardware, metrics


def _with_sweep(sweep: str, run: RunData) -> RunData:
    return replace(_named(sweep, run), factors={SWEEP: sweep, **run.factors})


def _in_group_of_sweep(sweep: str, run: RunData) -> RunData:
    return replace(_named(sweep, run), group=f"{sweep}: {run.group}")


def _named(sweep: str, run: RunData) -> RunData:
    return replace(run, name=f"{sweep}: {run.name}", configuration=f"{sweep}: {run.configuration}")
