"""Estimates the disk space of a sweep: a rough upper bound from the number of weights of its networks."""

from __future__ import annotations

from typing import NamedTuple

from gan_core import families, sampling
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.networks.build import build_networks, classes_of
from orchestrator.planning.confirmation import expected_confirmations
from orchestrator.planning.plan import Plan

BYTES_PER_WEIGHT = 4
BYTES_PER_ROW = 2000
"""A row of the history has about 40 numbers with their names; packed in a checkpoint it takes less than half."""
GRID_OVERHEAD = 1.2
"""Bytes of an image grid divided by the pixels of its images; the grid also has lines between them."""


def count_parameters(config: TrialConfig, images: ImageSet) -> tuple[int, int]:
    """Number of weights of G and D. A plug-in family counts as a DCGAN, because only workers run its code."""
    model = config.model
    if model.family not in families.BUILT_IN:
        model = model.model_copy(update={"family": "dcgan", "discriminator_norm": "batch"})
    pair = build_networks(
        model, config.stabilizers, images.channels, classes_of(config, images), config.data.image_size, seed=0
    )
    generator, discriminator = (sum(weight.numel() for weight in network.parameters()) for network in pair)
    return generator, discriminator


def checkpoint_bytes(generator: int, discriminator: int, averaged: bool, rows: int) -> int:
    """Bytes of the weights and Adam's moments of both networks, the EMA of G if there is one, and the packed rows."""
    return BYTES_PER_WEIGHT * (3 * (generator + discriminator) + averaged * generator) + rows * BYTES_PER_ROW // 2


class TrialBytes(NamedTuple):
    """Disk space of a trial.

    kept: files of the finished trial, its copy in MLflow included. temporary: what it needs in addition while it runs.
    """

    kept: int
    temporary: int


def trial_bytes(config: TrialConfig, images: ImageSet) -> TrialBytes:
    generator, discriminator = count_parameters(config, images)
    evaluations = config.steps // config.evaluation.every + 2
    rows = config.steps // config.log_every + evaluations + 1
    checkpoint = checkpoint_bytes(generator, discriminator, bool(config.stabilizers.ema), rows)
    size = config.data.image_size
    rows_of_grid = sampling.classes_in_grid(classes_of(config, images), size) or sampling.GRID_SIDE
    grid = int(rows_of_grid * sampling.GRID_SIDE * size**2 * images.channels * GRID_OVERHEAD)
    copied = 2 * BYTES_PER_WEIGHT * generator + evaluations * grid + rows * BYTES_PER_ROW
    return TrialBytes(kept=checkpoint + 2 * copied, temporary=2 * checkpoint)


def bytes_needed(plan: Plan, workers: int) -> int:
    """Bytes that the trials that are left will add to the home folder, with those that confirm what a search names.

    Files that are there already are not counted.
    """
    added, temporary, sizes = 0, 0, dict[str, TrialBytes]()
    left = [*plan.to_train, *expected_confirmations(plan)]
    for planned in left:
        same_size = planned.config.model_dump_json(exclude={"seed", "optimizer"})
        if same_size not in sizes:
            sizes[same_size] = trial_bytes(planned.config, plan.images[planned.fingerprint])
        size = sizes[same_size]
        files = plan.folder.trial(planned.key).folder.rglob("*")
        existing = sum(file.stat().st_size for file in files if file.is_file())
        added, temporary = added + max(0, size.kept - existing), max(temporary, size.temporary)
    return added + temporary * min(workers, len(left))
