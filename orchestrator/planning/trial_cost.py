"""How long a trial takes compared with another one: seconds on a reference machine, from its settings alone.

A step is passes through the two networks. A pass costs a fixed part, for its many small calls, and a part that grows
with the batch, the images' area and the width: as the width where memory is the limit, as its square where arithmetic
is. The numbers were fitted to `benchmarks/trial_cost.py`, which prints how far the model is off on this machine.
Only ratios are used: what was measured on a machine says how many times as long it takes there.
"""

from __future__ import annotations

from gan_core.config.residual_conflicts import RESIDUAL_FAMILIES
from gan_core.config.sections import MAX_COMPARED
from gan_core.config.stabilizer_sections import StabilizerConfig
from gan_core.config.trial import TrialConfig

SECONDS_A_PASS, SECONDS_PER_WIDTH, SECONDS_PER_WIDTH_SQUARED = 6.8e-3, 1.7e-5, 1.15e-7
"""The last two are for an image of 32 x 32 pixels."""
FAMILY_FACTORS = {"acgan": 3.7, "sngan": 5.7, "sngan_projection": 6.0, "r3gan": 10.0}
RESNET_FACTORS = {32: 5.1, 64: 10.0}
"""Cost of wgan_gp's residual networks by image size, relative to its standard ones: those for 64 pixels are others."""
ORIGINAL_FACTORS = {"dcgan": 0.7, "acgan": 1.25, "wgan_gp": 2.0}
"""Cost of the original report's networks, relative to the standard ones of width 32."""
PENALTY_PASSES, PENALTY_PASSES_WITH_BATCH_NORM = 1.1, 2.2
"""Additional passes for each batch of a critic and each gradient penalty; the gradient through a batch is dear."""
CONSISTENCY_PASSES, MATCHING_PASSES, REDRAWING_PASSES = 0.77, 0.4, 0.6
"""Additional passes: for each batch that D sees twice (cr, bcr); for what D says of real images in G's update; and to
draw G's images again for its own update, as with `accumulate`."""
SPECTRAL_NORM_FACTOR = 1.13
"""Of a step; that of SNGAN's families is part of theirs."""
ADA_SECONDS_AN_IMAGE, DIFF_AUGMENT_SECONDS_AN_IMAGE = 1.2e-4, 8e-5
"""For an image of 32 x 32 pixels that D is given: each batch twice, and G's once more."""
SECONDS_AN_EVALUATION, SECONDS_A_SAMPLE, SECONDS_A_PAIR_OF_SAMPLES = 0.02, 7.5e-4, 1.3e-7
SECONDS_A_STACKED_SAMPLE = 3.4e-3
"""Of stacked MNIST, whose samples are three digits each: three times as many features, too."""
SECONDS_TO_BEGIN = 1.4
"""A trial's first calls load and set up much."""


def step_seconds(config: TrialConfig) -> float:
    """Seconds of one training step, without evaluations."""
    model, width = config.model, config.model.width or 32
    pixels = config.batch_size * (config.data.image_size / 32) ** 2
    pass_seconds = SECONDS_A_PASS * config.parts + pixels * (
        SECONDS_PER_WIDTH * width + SECONDS_PER_WIDTH_SQUARED * width**2
    )
    factor = FAMILY_FACTORS.get(model.family, 1.0)
    if model.networks == "original":
        factor *= ORIGINAL_FACTORS.get(model.family, 1.0)
    elif model.networks == "resnet":
        factor *= RESNET_FACTORS.get(config.data.image_size, 1.0)
    if config.stabilizers.spectral_norm and model.family not in RESIDUAL_FAMILIES:
        factor *= SPECTRAL_NORM_FACTOR
    augmented = (2 * config.loss.n_critic + 1) * pixels * _augmentation_seconds(config.stabilizers)
    return _passes(config) * factor * pass_seconds + augmented


def _passes(config: TrialConfig) -> float:
    """Passes through a network in a step, each forward and back."""
    stabilizers, n_critic = config.stabilizers, config.loss.n_critic
    lazy = sum(map(bool, (stabilizers.r1, stabilizers.r2))) / max(1, stabilizers.penalty_every)
    penalties = sum(map(bool, (config.loss.gradient_penalty, stabilizers.dragan))) + lazy
    has_batch_norm = config.model.discriminator_norm == "batch"
    of_penalties = penalties * (PENALTY_PASSES_WITH_BATCH_NORM if has_batch_norm else PENALTY_PASSES)
    seen_again = CONSISTENCY_PASSES * (2 if stabilizers.bcr else bool(stabilizers.cr))
    passes = n_critic * (2 + of_penalties + seen_again) + 1.5
    if config.accumulate and n_critic == 1:
        passes += REDRAWING_PASSES
    return passes + (MATCHING_PASSES if stabilizers.feature_matching else 0)


def _augmentation_seconds(stabilizers: StabilizerConfig) -> float:
    """Seconds for each image that D is given."""
    if stabilizers.ada.target:
        return ADA_SECONDS_AN_IMAGE
    return DIFF_AUGMENT_SECONDS_AN_IMAGE if stabilizers.diff_augment else 0.0


def evaluation_seconds(config: TrialConfig) -> float:
    """Seconds of one evaluation: to draw its samples, a seventh of a step for every batch of them; to measure them; and
    to compare each with each (precision, recall and repeats look for nearest neighbours)."""
    samples = config.evaluation.samples
    drawing = samples / config.batch_size * step_seconds(config) / 7
    measuring = samples * (SECONDS_A_STACKED_SAMPLE if config.data.name == "stacked_mnist" else SECONDS_A_SAMPLE)
    comparing = min(samples, MAX_COMPARED) ** 2 * SECONDS_A_PAIR_OF_SAMPLES
    return drawing + SECONDS_AN_EVALUATION + measuring + comparing


def mean_step_seconds(config: TrialConfig) -> float:
    """Seconds of one training step, with its share of the evaluations."""
    return step_seconds(config) + evaluation_seconds(config) / config.evaluation.every


def training_seconds(config: TrialConfig, first_step: int, last_step: int) -> float:
    """Seconds of training from one step to another. A trial is also evaluated before its first step."""
    every = config.evaluation.every
    evaluations = last_step // every - first_step // every
    if first_step < last_step == config.steps and last_step % every:  # the last step is always evaluated
        evaluations += 1
    begin = 0.0 if first_step else SECONDS_TO_BEGIN + evaluation_seconds(config)
    return begin + (last_step - first_step) * step_seconds(config) + evaluations * evaluation_seconds(config)
