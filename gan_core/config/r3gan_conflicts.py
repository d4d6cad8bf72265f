"""What cannot be combined with R3GAN's networks, which have no norms and initial weights of their own."""

from __future__ import annotations

from gan_core.config.residual_conflicts import is_residual
from gan_core.config.sections import TrialSections

WIDTH_STEP = 8
"""A block has twice as many channels inside, in groups of 16."""


def of_r3gan(config: TrialSections) -> list[tuple[str, str]]:
    """(path, message) of each setting that contradicts the family; of `init: msr`, too, where it is another family."""
    model, problems = config.model, list[tuple[str, str]]()
    if model.family != "r3gan":
        if model.init == "msr" and not is_residual(model):
            problems.append(
                ("model.init", f"msr is for r3gan, whose layers know their gains, not for {model.family}; use normal")
            )
        return problems
    if model.init != "msr":
        message = f"r3gan has no norms: with {model.init} weights its features would vanish or explode; use msr"
        problems.append(("model.init", message))
    if model.discriminator_norm != "none":
        problems.append(
            ("model.discriminator_norm", f"r3gan has no place for {model.discriminator_norm} norm; use none")
        )
    if model.width is not None and model.width % WIDTH_STEP:
        problems.append(
            (
                "model.width",
                f"r3gan needs a multiple of {WIDTH_STEP}, because its blocks convolve groups of 16 channels",
            )
        )
    if config.stabilizers.spectral_norm:
        problems.append(
            (
                "stabilizers.spectral_norm",
                "r3gan's blocks begin with weights of zero, which cannot be divided by their largest singular value; "
                "use stabilizers.r1",
            )
        )
    return problems
