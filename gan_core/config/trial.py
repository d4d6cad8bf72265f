"""The configuration of one trial: frozen, validated, every setting documented.

`TrialConfig.model_validate(mapping)` fills in the defaults of the family (the optimiser and the loss of its paper). It
refuses unknown keys, values out of range, and settings that contradict each other (`conflicts.py`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from gan_core import families
from gan_core.config.conflicts import Conflict, conflicts
from gan_core.config.optimizer_sections import OPTIMIZERS_WITH_BETAS
from gan_core.config.sections import TrialSections
from gan_core.config.setting_types import Whole

SNGAN_DEFAULTS: dict[str, dict[str, Any]] = {
    "model": {"latent_dim": 128, "discriminator_norm": "none", "init": "glorot"},
    "optimizer": {"lr": 2e-4, "betas": (0.0, 0.9)},
    "loss": {"name": "hinge", "n_critic": 5},
    "stabilizers": {"spectral_norm": True},
}
"""Miyato et al. 2018, section 4 and appendix B.4 (residual networks: n_critic 5)."""
FAMILY_DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    # Radford et al. 2016, section 4
    "dcgan": {"optimizer": {"lr": 2e-4, "betas": (0.5, 0.999)}, "loss": {"name": "bce", "n_critic": 1}},
    # Odena et al. 2017, appendix A
    "acgan": {
        "optimizer": {"lr": 2e-4, "betas": (0.5, 0.999)},
        "loss": {
            "name": "bce",
            "n_critic": 1,
            "auxiliary_loss": "cross_entropy",
            "auxiliary_weight": 1.0,
            "auxiliary_real_share": 0.5,
        },
    },
    # Gulrajani et al. 2017, algorithm 1
    "wgan_gp": {
        "optimizer": {"lr": 1e-4, "betas": (0.0, 0.9)},
        "loss": {"name": "wasserstein", "gradient_penalty": 10.0, "n_critic": 5},
    },
    "sngan": SNGAN_DEFAULTS,
    "sngan_projection": SNGAN_DEFAULTS,  # Miyato & Koyama 2018, section 5: the same
    # Huang et al. 2024; the numbers are those of the authors' preset for CIFAR-10, beta2 and gamma without schedules
    "r3gan": {
        "model": {"latent_dim": 64, "discriminator_norm": "none", "init": "msr"},
        "optimizer": {"lr": 2e-4, "betas": (0.0, 0.99)},
        "loss": {"name": "rpgan", "n_critic": 1},
        "stabilizers": {"r1": 0.05, "r2": 0.05},
    },
}
RESNET_DEFAULTS = {"optimizer": {"lr": 2e-4, "betas": (0.0, 0.9)}}
"""Of wgan_gp's residual networks for 32 pixels: Gulrajani et al. 2017, appendix F, where the rate falls linearly to 0.
For larger ones the authors' `gan_64x64.py` has the family's, and layer norm in the critic."""
NETWORK_DEFAULTS: dict[str, dict[str, Any]] = {
    "standard": {"width": 32, "init": "normal"},
    "resnet": {"width": 32, "init": "glorot", "latent_dim": 128},  # those of Gulrajani et al. 2017, and their latents
    "original": {"init": "pytorch"},
}


def _family_defaults(name: Any) -> dict[str, Any]:
    """A copy of the family's defaults; {} for an unknown family, which is refused later."""
    if name in families.BUILT_IN:
        return dict(FAMILY_DEFAULTS[name])
    with suppress(ValueError):
        return dict(families.load(str(name)).defaults)
    return {}


class TrialConfig(TrialSections):
    """One GAN with one choice of settings and one seed."""

    log_every: Whole = Field(
        10, ge=1, description="steps per row of the history, whose metrics are means over these steps"
    )
    checkpoint_every: Whole = Field(100, ge=1, description="steps between checkpoints")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 autocast if the processor or GPU has hardware for it, else float32"
    )
    seed: Whole = Field(0, ge=0, lt=2**31, description="seed of all random numbers of the trial")

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        raw = {k: v.model_dump(exclude_unset=True) if isinstance(v, BaseModel) else v for k, v in raw.items()}
        model = raw.get("model", {})
        if not isinstance(model, dict):
            return raw
        defaults = _family_defaults(model.get("family", "dcgan"))
        networks = str(model.get("networks", "standard"))
        plain_critic = model.get("family") == "wgan_gp" and networks in ("standard", "resnet")
        norm = {"discriminator_norm": "none" if plain_critic else "batch"}
        data = raw.get("data", {})
        if networks == "resnet":
            if isinstance(data, dict) and data.get("image_size", 32) != 32:
                norm = {"discriminator_norm": "layer"}
            else:
                defaults |= RESNET_DEFAULTS
        defaults["model"] = NETWORK_DEFAULTS.get(networks, {}) | norm | dict(defaults.get("model", {}))
        optimizer = raw.get("optimizer", {})
        if isinstance(optimizer, dict) and optimizer.get("name", "adam") not in OPTIMIZERS_WITH_BETAS:
            defaults["optimizer"] = {**dict(defaults.get("optimizer", {})), "betas": None}
        filled = dict(raw)
        for section, values in defaults.items():
            given = raw.get(section, {})
            if isinstance(given, dict):
                filled[section] = given | {name: v for name, v in values.items() if given.get(name) is None}
        return filled

    @model_validator(mode="after")
    def _refuse_conflicts(self) -> TrialConfig:
        if problems := conflicts(self):
            raise Conflict(problems)
        return self
