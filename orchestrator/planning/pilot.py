"""`orchestrate plan --pilot`: times a few steps of the first trial of each group, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from gan_core.training.divergence import Diverged
from gan_core.training.trainer import Trainer
from orchestrator.planning.evaluators import build_evaluators
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.runtime_estimate import TimedTrial
from orchestrator.planning.trial_cost import mean_step_seconds
from orchestrator.store.kernel_file import KernelFile
from orchestrator.trial.device import choose_device

SECONDS_A_GROUP = 3.0
MIN_STEPS = 3


def time_groups(plan: Plan, home: Path, note: Callable[[str], None]) -> list[TimedTrial]:
    """Times the first unfinished trial of each group. Leaves no files but those of evaluators and kernels."""
    firsts: dict[str, PlannedTrial] = {}
    for planned in plan.to_train:
        firsts.setdefault(planned.trial.group, planned)
    pilot_plan = replace(plan, trials=list(firsts.values()), expected=[])
    evaluators = build_evaluators(pilot_plan, home, on_phase=note, note=note)
    device = choose_device()
    if device.type == "cpu":
        torch.set_num_threads(1)  # as in a worker
    timed_trials = []
    for planned in pilot_plan.trials:
        images, evaluator = plan.images[planned.fingerprint], evaluators[planned.evaluation]
        seconds = time_steps(Trainer(planned.config, images, device, evaluator, kernels=KernelFile(home.absolute())))
        if seconds is None:
            reason = "it diverged or ended in its first steps, so no time could be measured"
            note(f"pilot of {planned.trial.name}: {reason}")
            continue
        note(f"pilot of {planned.trial.name}: {seconds * 1000:.3g} ms a step, evaluations included")
        slowness = seconds / mean_step_seconds(planned.config)
        timed_trials.append(TimedTrial(planned.config, slowness, pilot_of=planned.trial.group))
    return timed_trials


def time_steps(trainer: Trainer) -> float | None:
    """Seconds of a step with its share of the evaluations: times steps for SECONDS_A_GROUP, and one evaluation.

    The first step is not counted: it evaluates the untrained generator and warms up. None if there was no other.
    """
    steps, every, durations = trainer.config.steps, trainer.config.evaluation.every, list[float]()
    try:
        trainer.step()
        deadline = time.perf_counter() + SECONDS_A_GROUP
        while trainer.step_count < steps:
            start = time.perf_counter()
            evaluated = trainer.step().snapshot is not None
            _synchronize(trainer)
            if not evaluated or every == 1:
                durations.append(time.perf_counter() - start)
            if time.perf_counter() > deadline and len(durations) >= MIN_STEPS:
                break
    except Diverged:
        pass  # the steps before it took as long as others
    start = time.perf_counter()
    trainer.evaluate()
    trainer.snapshot()
    evaluation = time.perf_counter() - start
    if not durations:
        return None
    step = sum(durations) / len(durations)
    return step if every == 1 else step + evaluation / every


def _synchronize(trainer: Trainer) -> None:
    if trainer.device.type == "cuda":
        torch.cuda.synchronize(trainer.device)
