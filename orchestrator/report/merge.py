"""Several sweeps in one report: the sweep becomes a setting like any other."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.report.data import RunData, SweepData, mixed_hardware_cautions


def merged(sweeps: list[SweepData]) -> SweepData:
    """One sweep with the runs of all. Runs of the same group, seed and settings are pairs that differ in the sweep."""
    names = " and ".join(sweep.name for sweep in sweeps)
    cautions = [caution for sweep in sweeps for caution in sweep.cautions]
    cautions += mixed_hardware_cautions([run for sweep in sweeps for run in sweep.runs])
    return SweepData(
        name=names,
        question=f"How do {names} differ?",
        tracking_uri=sweeps[0].tracking_uri,
        run_id=", ".join(sweep.run_id for sweep in sweeps),
        cautions=list(dict.fromkeys(cautions)),
        commands=[command for sweep in sweeps for command in sweep.commands],
        runs=[_with_sweep(sweep.name, run) for sweep in sweeps for run in sweep.runs],
        real=list({picture: (caption, picture) for sweep in sweeps for caption, picture in sweep.real}.values()),
    )


def _with_sweep(sweep: str, run: RunData) -> RunData:
    return replace(
        run,
        name=f"{sweep}: {run.name}",
        configuration=f"{sweep}: {run.configuration}",
        factors={"sweep": sweep, **run.factors},
    )
