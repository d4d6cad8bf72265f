"""How much of the disk a sweep will take: a rough upper bound from the sizes of the networks."""

from __future__ import annotations

from gan_core import families, sampling
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.networks.build import build_networks, classes_of
from orchestrator.planning.plan import Plan

NUMBER = 4
"""Bytes of a weight."""
ROW = 2000
"""Bytes of a history row, about 40 numbers with their names; packed in a checkpoint it takes less than half."""
PICTURE_BORDER = 1.2
"""A grid of pictures against its pixels: the lines between them."""


def parameters(config: TrialConfig, images: ImageSet) -> tuple[int, int]:
    """How many weights G and D have; of a family from outside, whose code only workers run, as many as of ours."""
    model = config.model
    if model.family not in families.BUILT_IN:
        model = model.model_copy(update={"family": "dcgan", "discriminator_norm": "batch"})
    pair = build_networks(
        model, config.stabilizers, images.channels, classes_of(config, images), config.data.image_size, seed=0
    )
    generator, discriminator = (sum(weight.numel() for weight in network.parameters()) for network in pair)
    return generator, discriminator


def checkpoint_bytes(generator: int, discriminator: int, averaged: bool, rows: int) -> int:
    """Weights and Adam's two moments of both players, the average of G where there is one, the packed rows."""
    return NUMBER * (3 * (generator + discriminator) + averaged * generator) + rows * ROW // 2


def trial_bytes(config: TrialConfig, images: ImageSet) -> tuple[int, int]:
    """(what a finished trial keeps, its MLflow copy included; what it takes beside that while it runs)."""
    generator, discriminator = parameters(config, images)
    evaluations = config.steps // config.evaluation.every + 2
    rows = config.steps // config.log_every + evaluations + 1
    checkpoint = checkpoint_bytes(generator, discriminator, bool(config.stabilizers.ema), rows)
    side = config.data.image_size * sampling.GRID_SIDE
    picture = int(side**2 * images.channels * PICTURE_BORDER)
    copied = 2 * NUMBER * generator + evaluations * picture + rows * ROW
    return checkpoint + 2 * copied, 2 * checkpoint


def bytes_needed(plan: Plan, workers: int) -> int:
    """Bytes that the home folder needs for what is left of the plan; what is there already is not counted again."""
    kept, beside, sizes = 0, 0, dict[str, tuple[int, int]]()
    for planned in plan.unfinished:
        alike = planned.config.model_dump_json(exclude={"seed", "optimizer"})
        if alike not in sizes:
            sizes[alike] = trial_bytes(planned.config, plan.images[planned.fingerprint])
        keeps, takes = sizes[alike]
        place = plan.folder.trial(planned.key).folder
        there = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        kept, beside = kept + max(0, keeps - there), max(beside, takes)
    return kept + beside * min(workers, len(plan.unfinished))
