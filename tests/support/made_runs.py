"""Small runs with made-up results, and the report that is made of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from orchestrator.formatting import configuration_name
from orchestrator.report import page
from orchestrator.report.artifact_schemas import LoggedEvaluator
from orchestrator.report.content import report_content
from orchestrator.report.data import CURVES, QUALITY_CURVES, RunData, SweepData
from orchestrator.report.summary import Summary
from orchestrator.store.trial_status import TrialStatus

LR, NOISE = "optimizer.lr", "stabilizers.instance_noise.std"
ONE, TWO = "classifier-11111111", "random-22222222"
"""Ids of two evaluators."""


def png(shade: int = 0) -> bytes:
    """A tiny grey picture."""
    buffer = io.BytesIO()
    Image.new("L", (4, 4), shade).save(buffer, format="PNG")
    return buffer.getvalue()


def made_run(
    factors: dict[str, Any] | None = None, seed: int = 0, verdict: str = "stable", group: str = "g", **more: Any
) -> RunData:
    """A run of 20 steps. `more`: further fields of `RunData`, such as the `status` of a run without a verdict."""
    factors = {} if factors is None else factors
    configuration = configuration_name(group, factors)
    name = f"{configuration} seed={seed}"
    run = RunData(f"key of {name}", name, group, configuration, seed, factors, 20)
    run.status = TrialStatus.FINISHED if verdict else TrialStatus.PENDING
    run.verdict, run.reason, run.run_id = verdict, f"because {group}" if verdict else "", f"run of {name}"
    for field, value in more.items():
        assert hasattr(run, field)
        setattr(run, field, value)
    return run


def drawn(run: RunData) -> RunData:
    """The run with curves and with sample grids at steps 0 and 20."""
    run.history |= {metric: (np.array([10, 20]), np.array([0.5, 0.25])) for metric in CURVES}
    run.latest = run.latest | dict.fromkeys(CURVES, 0.25)
    run.pictures = [(0, png(50)), (20, png(100 + run.seed))]
    return run


def card(evaluator: str) -> LoggedEvaluator:
    """The card of ONE, a classifier, or of TWO, random features."""
    features = evaluator.split("-")[0]
    kept_out = {"count": 256, "frechet": 1.1 if evaluator == ONE else 0.05, "precision": 0.5, "recall": 0.25}
    values = {"weights": "abcdef", "samples": 5120, "compared": 4096, "real": 1541, "split": "train"}
    values |= {"preprocessing": "area means", "accuracy": 0.987 if features == "classifier" else None}
    return LoggedEvaluator.model_validate({"id": evaluator, "features": features, "kept_out": kept_out, **values})


def measured(run: RunData, frechet: float, evaluator: str = ONE) -> RunData:
    """The run as `evaluator` measured it, with metrics of the other evaluator that must not be used."""
    run.evaluator = card(evaluator)
    quality = {"frechet": frechet, "best_frechet": frechet / 2, "precision": 0.75, "recall": 0.5, "modes": 9.0}
    other = TWO if evaluator == ONE else ONE
    run.latest = run.latest | {f"{name}/{other}": 7777.0 for name in quality}
    run.latest |= {f"{name}/{evaluator}": value for name, value in quality.items()}
    for name in QUALITY_CURVES:
        run.history[f"{name}/{evaluator}"] = (np.array([10, 20]), np.array([2 * frechet, frechet]))
    return run


def made_sweep(*runs: RunData, **more: Any) -> SweepData:
    fields = {"name": "s", "question": "Why?", "tracking_uri": "sqlite:///x", "run_id": "parent", "cautions": []}
    return SweepData(**({**fields, "commands": [["orchestrate", "sweep", "s.yaml"]], "runs": list(runs)} | more))


def noise_decides(seeds: int, levels: tuple[float, ...] = (0.0, 0.1), group: str = "g") -> list[RunData]:
    """Two learning rates by so many levels of noise and seeds: stable with noise, collapsed at step 10 without."""
    return [
        made_run({LR: lr, NOISE: noise}, seed, "stable", group)
        if noise
        else made_run({LR: lr, NOISE: noise}, seed, "collapsed", group, since=10)
        for lr in (1e-3, 2e-4)
        for noise in levels
        for seed in range(seeds)
    ]


def summary_of(data: SweepData) -> Summary:
    return report_content(data).summary


def page_of(data: SweepData, folder: Path, refresh: int | None = None) -> str:
    """The page's HTML."""
    page.write(report_content(data), folder / "report.html", refresh)
    return (folder / "report.html").read_text(encoding="utf-8")
