"""Cautions about trials that are too short for what they are asked to show."""

from __future__ import annotations

import math

from gan_core.config.sections import TrialSections
from gan_core.top_k_schedule import DECAY, share_kept

MIN_EVALUATIONS = 4
"""Fewest evaluations, after that of the untrained generator, that a verdict can be trusted with."""


def cautions_about_length(config: TrialSections) -> list[str]:
    """Those that need no data to be told."""
    return [
        *_about_regularisers(config),
        *_about_schedule(config),
        *_about_measuring(config),
    ]


def _about_regularisers(config: TrialSections) -> list[str]:
    warnings: list[str] = []
    stabilizers, updates = config.stabilizers, config.steps * config.loss.n_critic
    ada, every = stabilizers.ada, stabilizers.penalty_every
    if ada.target and updates * config.batch_size / 1000 < ada.speed / 2:
        warnings.append(
            f"adaptive augmentation of speed {ada.speed:g} needs {1000 * ada.speed / 2:,.0f} real images until half of "
            "them are augmented, more than a trial shows D: use a smaller stabilizers.ada.speed"
        )
    if every and updates <= every:
        warnings.append(
            f"a penalty in one of {every} updates of D is paid once in a trial of {updates:,} updates, before D has "
            "learned anything: use a smaller stabilizers.penalty_every"
        )
    return warnings


def _about_schedule(config: TrialSections) -> list[str]:
    schedule, steps = config.optimizer.schedule, config.steps
    if schedule.warm_up >= steps:  # without `until` it is refused
        return [
            f"a warm-up of {schedule.warm_up:,} steps is longer than a trial: its learning rate is never the one that "
            "was asked for; use a smaller optimizer.schedule.warm_up"
        ]
    if schedule.until is not None and schedule.until > steps:
        return [
            f"a schedule that ends after {schedule.until:,} steps is longer than a trial, which ends on the way; leave "
            "optimizer.schedule.until out to end with the last step"
        ]
    return []


def _about_measuring(config: TrialSections) -> list[str]:
    warnings: list[str] = []
    decay = config.stabilizers.ema
    if decay and config.steps < (reached := steps_of_ramp_up(decay)):
        warnings.append(
            f"a moving average with decay {decay} needs {reached:,} steps to ramp up to this decay: in a shorter "
            "trial it is over about the last tenth of the steps, whatever the decay"
        )
    if math.ceil(config.steps / config.evaluation.every) < MIN_EVALUATIONS:
        warnings.append(
            f"fewer than {MIN_EVALUATIONS} evaluations of the trained generator: too few to tell how a trial ended; "
            "use a smaller evaluation.every"
        )
    return warnings


def steps_of_ramp_up(decay: float) -> int:
    """The steps after which (1 + t) / (10 + t), the ramp-up of the moving average, reaches `decay`, below 1."""
    return math.ceil(round(max(0.0, (10 * decay - 1) / (1 - decay)), 6))


def cautions_about_epochs(config: TrialSections, images: int) -> list[str]:
    """Those that depend on the number of training images: what changes from epoch to epoch."""
    share = config.stabilizers.top_k
    if not share:
        return []
    updates, an_epoch = config.steps * config.loss.n_critic, max(1, images // config.batch_size)
    kept = share_kept(share, (updates - config.loss.n_critic) // an_epoch)
    if kept <= (1 + share) / 2:
        return []
    epochs = math.ceil(round(math.log(share) / math.log(DECAY), 6))
    return [
        f"top-k training narrows by {1 - DECAY:.0%} in each pass of D over the data, and needs {epochs:,} passes to "
        f"come to {share:g}: in {updates * config.batch_size / images:.2g} passes G learns from {kept:.0%} of its "
        "images or more"
    ]
