"""`orchestrate plan --pilot`: a few steps of each group's first trial in this process, to know what a step takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from gan_core.training.divergence import Diverged
from gan_core.training.trainer import Trainer
from orchestrator.planning.evaluators import build_evaluators
from orchestrator.planning.plan import Plan, PlannedTrial
from orchestrator.planning.runtime_estimate import TimedTrial
from orchestrator.trial.execution import choose_device

SECONDS_A_GROUP = 3.0
MIN_STEPS = 3


def time_groups(plan: Plan, home: Path, note: Callable[[str], None]) -> list[TimedTrial]:
    """Times the first trial of each group that has something left. Leaves nothing but the evaluators."""
    firsts: dict[str, PlannedTrial] = {}
    for planned in plan.unfinished:
        firsts.setdefault(planned.trial.group, planned)
    alone = replace(plan, trials=list(firsts.values()))
    evaluators = build_evaluators(alone, home, doing=note, note=note)
    device = choose_device()
    if device.type == "cpu":
        torch.set_num_threads(1)  # as a worker has
    found = []
    for planned in alone.trials:
        images, evaluator = plan.images[planned.fingerprint], evaluators[planned.evaluation]
        measured = time_steps(Trainer(planned.config, images, device, evaluator))
        note(f"pilot of {planned.trial.name}: {measured.seconds_per_step * 1000:.3g} ms a step, evaluations included")
        found.append(measured)
    return found


def time_steps(trainer: Trainer) -> TimedTrial:
    """Times steps for a few seconds, and one evaluation, of which each step bears its part.

    The first step is left out: it evaluates the untrained generator and warms up.
    """
    config, took = trainer.config, list[float]()
    try:
        trainer.step()
        deadline = time.perf_counter() + SECONDS_A_GROUP
        while trainer.step_count < config.steps:
            began = time.perf_counter()
            evaluated = trainer.step().snapshot is not None
            _wait(trainer)
            if not evaluated:
                took.append(time.perf_counter() - began)
            if time.perf_counter() > deadline and len(took) >= MIN_STEPS:
                break
    except Diverged:
        pass  # the steps before it were as long as any
    began = time.perf_counter()
    trainer.evaluate()
    trainer.snapshot()
    evaluation = time.perf_counter() - began
    step = sum(took) / len(took) if took else evaluation  # of a trial that evaluates at every step
    return TimedTrial(config, step + evaluation / config.evaluation.every)


def _wait(trainer: Trainer) -> None:
    if trainer.device.type == "cuda":
        torch.cuda.synchronize(trainer.device)
