"""What cannot be combined with the residual networks of SNGAN and WGAN-GP, whose layers draw their own weights."""

from __future__ import annotations

from gan_core.config.sections import ModelConfig, TrialSections

RESIDUAL_FAMILIES = ("sngan", "sngan_projection")


def is_residual(model: ModelConfig) -> bool:
    """Whether the networks are those of `gan_core/networks/residual.py`."""
    return model.family in RESIDUAL_FAMILIES or (model.family, model.networks) == ("wgan_gp", "resnet")


def of_residual(config: TrialSections) -> list[tuple[str, str]]:
    """(path, message) of each setting that contradicts these networks, and of those that only they have."""
    model, problems = config.model, list[tuple[str, str]]()
    if model.networks == "resnet" and model.family != "wgan_gp":
        has = f"{model.family}'s standard networks are residual" if is_residual(model) else "resnet is for wgan_gp only"
        return [("model.networks", f"{has}; use standard")]  # and no word of the initial weights that follow from it
    if model.networks == "resnet" and config.data.image_size > 64:
        problems.append(
            (
                "data.image_size",
                "wgan_gp's residual networks are for images of 32 or 64 pixels; use standard ones, or sngan",
            )
        )
    if is_residual(model):
        if model.init not in ("glorot", "normal"):
            problems.append(("model.init", f"{model.init} is not for residual networks; use glorot or normal"))
    elif model.init == "glorot":
        problems.append(
            ("model.init", f"glorot is for residual networks, whose layers know their gains, not for {model.family}")
        )
    return problems
