"""Regularisers of the discriminator that contradict each other, or the loss."""

from __future__ import annotations

from collections.abc import Iterator

from gan_core.config.sections import TrialSections


def of_regularisers(config: TrialSections) -> Iterator[tuple[str, str]]:
    """(path, what is wrong with it) of each."""
    name, stabilizers = config.loss.name, config.stabilizers
    if stabilizers.penalty_every and not (stabilizers.r1 or stabilizers.r2):
        yield "stabilizers.penalty_every", "says how often r1 and r2 are paid, which are off; leave this out"
    if stabilizers.cr and stabilizers.bcr:
        yield "stabilizers.bcr", "bcr and cr cannot be combined: bcr is cr on generated images too; use one of them"
    if stabilizers.ada.target and stabilizers.diff_augment:
        message = "ada and diff_augment cannot be combined: both augment all images that D sees; use one of them"
        yield "stabilizers.ada", message
    if stabilizers.ada.target and name == "wasserstein":
        message = "reads the sign of D's logits, and the zero of a critic's scores is arbitrary; use diff_augment"
        yield "stabilizers.ada", message
    if stabilizers.top_k and name in ("rpgan", "ragan"):
        message = f"chooses generated images by themselves, and the {name} loss compares them with real ones; use 0"
        yield "stabilizers.top_k", message
