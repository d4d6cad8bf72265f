"""What one trial is: a frozen, fully documented configuration.

`TrialConfig.model_validate(mapping)` fills in the defaults of the family (its paper's optimiser, its paper's loss) and
refuses unknown keys, values out of range and settings that mean nothing together.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Family = Literal["dcgan", "acgan", "wgan_gp"]
DataName = Literal["digits", "mnist", "fashion_mnist", "cifar10", "svhn", "npz", "image_folder"]
Player = Literal["generator", "discriminator"]


def _false_is_zero(value: Any) -> Any:
    """`false` switches a stabiliser off; `true` does not say how strong it should be and is refused as a number."""
    return 0.0 if value is False else value


def _countable(value: int) -> int:
    """Not `lt`, which a setting's own `lt` would be merged with."""
    if value >= 2**53:
        raise ValueError("less than 2**53")
    return value


Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True), AfterValidator(_countable)]
Text = Annotated[str, Field(strict=True)]
Index = Annotated[int, Field(strict=True, ge=0)]
LearningRate = Annotated[float, Field(strict=True, gt=0)]
Beta = Annotated[float, Field(strict=True, ge=0, lt=1)]
Betas = tuple[Beta, Beta]
Strength = Annotated[float, Field(strict=True, ge=0), BeforeValidator(_false_is_zero)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataConfig(Section):
    name: DataName = Field("digits", description="the data set; npz and image_folder read your own images from `path`")
    root: Text | None = Field(None, description="folder of torchvision's data sets (default: HOME/datasets)")
    path: Text | None = Field(None, description="an .npz file, or a folder of images (subfolders are classes)")
    classes: tuple[Index | Text, ...] | None = Field(
        None, min_length=1, description="keep only these classes, by name or else by index"
    )
    image_size: Literal[32, 64] = Field(32, description="pixels a side")


class ModelConfig(Section):
    family: Family = Field("dcgan", description="dcgan, acgan or wgan_gp")
    networks: Literal["standard", "original"] = Field(
        "standard", description="the paper's networks, or exactly those of the original report"
    )
    width: Whole | None = Field(
        None, ge=4, description="channels of the layer next to the image (standard only; default 32)"
    )
    latent_dim: Whole = Field(100, ge=1, description="length of the latent vector z")
    init: Literal["normal", "pytorch"] | None = Field(
        None, description="N(0, 0.02) or PyTorch's default (default: normal for standard, pytorch for original)"
    )


class PlayerOptimizer(Section):
    lr: LearningRate | None = Field(None, description="learning rate of this player (default: optimizer.lr)")
    betas: Betas | None = Field(None, description="Adam's betas of this player (default: optimizer.betas)")


class OptimizerConfig(Section):
    lr: LearningRate = Field(2e-4, description="Adam's learning rate (default: the family's paper)")
    betas: Betas = Field((0.5, 0.999), description="Adam's betas (default: the family's paper)")
    generator: PlayerOptimizer = PlayerOptimizer()
    discriminator: PlayerOptimizer = PlayerOptimizer()

    def adam(self, player: Player) -> tuple[float, Betas]:
        """The learning rate and betas that `player` trains with."""
        own = self.generator if player == "generator" else self.discriminator
        return (self.lr if own.lr is None else own.lr, self.betas if own.betas is None else own.betas)


class LossConfig(Section):
    name: Literal["bce", "wasserstein"] = Field("bce", description="non-saturating BCE, or the Wasserstein distance")
    gradient_penalty: Strength = Field(0.0, description="lambda of the gradient penalty (Gulrajani 2017); 0 is off")
    n_critic: Whole = Field(1, ge=1, description="discriminator updates before each generator update")
    auxiliary_loss: Literal["cross_entropy", "nll_of_probabilities"] | None = Field(
        None, description="ACGAN's class loss; nll_of_probabilities repeats the original report's mistake"
    )
    auxiliary_weight: Strength | None = Field(None, description="weight of the class loss (acgan; default 1)")


class InstanceNoise(Section):
    std: Strength = Field(0.0, description="standard deviation of the noise on images in [-1, 1]; 0 is off")
    fake_only: bool = Field(False, strict=True, description="noise on generated images only (the original report's)")
    anneal: bool = Field(False, strict=True, description="fall linearly to zero at the last step (Sonderby 2017)")


def expand_shorthand(path: str) -> str:
    """`stabilizers.instance_noise: 0.1` is short for `stabilizers.instance_noise.std: 0.1`."""
    return f"{path}.std" if path == "stabilizers.instance_noise" else path


class StabilizerConfig(Section):
    label_smoothing: Strength = Field(
        0.0, lt=0.5, description="one-sided: D's target for real images is 1 - this (Salimans 2016)"
    )
    instance_noise: Annotated[
        InstanceNoise, BeforeValidator(lambda v: v if isinstance(v, dict | InstanceNoise) else {"std": v})
    ] = Field(InstanceNoise(), description="Gaussian noise on D's inputs (Sonderby 2017); a number is its std")


class EvaluationConfig(Section):
    every: Whole = Field(100, ge=1, description="steps between snapshots: sample grid and diversity")
    samples: Whole = Field(512, ge=16, description="generated images that the diversity is measured on")


class Conflict(ValueError):
    """Settings that mean nothing together: (path, message) of each."""

    def __init__(self, problems: list[tuple[str, str]]):
        self.problems = problems
        super().__init__("; ".join(f"{path}: {message}" for path, message in problems))


FAMILY_DEFAULTS: dict[str, dict[str, dict[str, Any]]] = {
    # Radford et al. 2016, section 4
    "dcgan": {"optimizer": {"lr": 2e-4, "betas": (0.5, 0.999)}, "loss": {"name": "bce", "n_critic": 1}},
    # Odena et al. 2017, appendix A
    "acgan": {
        "optimizer": {"lr": 2e-4, "betas": (0.5, 0.999)},
        "loss": {"name": "bce", "n_critic": 1, "auxiliary_loss": "cross_entropy", "auxiliary_weight": 1.0},
    },
    # Gulrajani et al. 2017, algorithm 1
    "wgan_gp": {
        "optimizer": {"lr": 1e-4, "betas": (0.0, 0.9)},
        "loss": {"name": "wasserstein", "gradient_penalty": 10.0, "n_critic": 5},
    },
}
NETWORK_DEFAULTS: dict[str, dict[str, Any]] = {
    "standard": {"width": 32, "init": "normal"},
    "original": {"init": "pytorch"},
}


class TrialConfig(Section):
    """One GAN, one setting, one seed."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    loss: LossConfig = LossConfig()
    stabilizers: StabilizerConfig = StabilizerConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    batch_size: Whole = Field(64, ge=2, description="real images in one discriminator update")
    steps: Whole = Field(1000, ge=1, description="generator updates; each follows n_critic discriminator updates")
    log_every: Whole = Field(10, ge=1, description="steps in one row of the history: means over exactly that window")
    checkpoint_every: Whole = Field(100, ge=1, description="steps between checkpoints")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 autocast where the processor has units for it, else float32"
    )
    seed: Whole = Field(0, ge=0, lt=2**31, description="seed of every random stream of the trial")

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        raw = {k: v.model_dump(exclude_unset=True) if isinstance(v, BaseModel) else v for k, v in raw.items()}
        model = raw.get("model", {})
        if not isinstance(model, dict):
            return raw
        defaults = dict(FAMILY_DEFAULTS.get(str(model.get("family", "dcgan")), {}))
        defaults["model"] = NETWORK_DEFAULTS.get(str(model.get("networks", "standard")), {})
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


def conflicts(config: TrialConfig) -> list[tuple[str, str]]:
    """Settings that mean nothing together, as (path, message)."""
    model, loss, data = config.model, config.loss, config.data
    found = []
    if config.stabilizers.label_smoothing and loss.name == "wasserstein":
        found.append(
            ("stabilizers.label_smoothing", "smooths the targets of a BCE loss; a Wasserstein loss has none (use 0)")
        )
    if model.family != "acgan":
        for name in ("auxiliary_loss", "auxiliary_weight"):
            if getattr(loss, name) is not None:
                found.append((f"loss.{name}", f"only acgan has a class loss; the family here is {model.family}"))
    if model.networks == "original":
        if model.width is not None:
            found.append(("model.width", "the original networks have fixed widths; leave it out"))
        if data.image_size != 32:
            found.append(("data.image_size", "the original networks are for 32 pixels"))
    if data.name in ("npz", "image_folder"):
        if data.path is None:
            found.append(("data.path", f"data set {data.name} needs the path of your images"))
        if data.root is not None:
            found.append(("data.root", f"is the folder of torchvision's data sets; {data.name} uses data.path"))
    else:
        if data.path is not None:
            found.append(("data.path", f"belongs to npz and image_folder; the data set here is {data.name}"))
    return found


def cautions(config: TrialConfig) -> list[str]:
    """Settings that work together but that their papers warn of."""
    found = []
    critic_has_batch_norm = config.model.networks == "original" or config.model.family != "wgan_gp"
    if config.loss.gradient_penalty and critic_has_batch_norm:
        found.append(
            "batch norm in the discriminator under a gradient penalty: the penalty is per example and assumes none "
            "(Gulrajani et al. 2017, section 4)"
        )
    if config.loss.name == "wasserstein" and not config.loss.gradient_penalty:
        found.append("a Wasserstein loss without a gradient penalty leaves the critic unconstrained")
    return found


def effective_settings(config: TrialConfig) -> dict[str, Any]:
    """The settings that act, as flat dotted paths: optimisers resolved for each player, what is off as 0."""
    dump = config.model_dump(mode="json")
    for player in ("generator", "discriminator"):
        lr, betas = config.optimizer.adam(player)
        dump["optimizer"][player] = {"lr": lr, "betas": list(betas)}
    del dump["optimizer"]["lr"], dump["optimizer"]["betas"]
    if not config.stabilizers.instance_noise.std:
        dump["stabilizers"]["instance_noise"] = {"std": 0.0}
    return flatten(dump)


def flatten(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """{'a': {'b': 1}} -> {'a.b': 1}."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def unflatten(flat: dict[str, Any]) -> dict[str, Any]:
    """{'a.b': 1} -> {'a': {'b': 1}}."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return nested


def trial_key(config: TrialConfig, data_fingerprint: str) -> str:
    """16 hex digits that name a trial by its content.

    Where the data lies does not count (its fingerprint does), nor how often a checkpoint is saved, nor what is off: a
    stabiliser that a later version adds leaves the keys of the trials without it as they are.
    """
    settings = {
        path: value
        for path, value in effective_settings(config).items()
        if path not in ("data.root", "data.path", "checkpoint_every") and (value or path == "seed")
    }
    identity = json.dumps({"settings": settings, "data": data_fingerprint}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def setting_paths(section: type[BaseModel] = TrialConfig, prefix: str = "") -> list[str]:
    """Every setting's dotted path, in the order of the documentation."""
    paths = []
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            paths += setting_paths(field.annotation, f"{prefix}{name}.")
        else:
            paths.append(f"{prefix}{name}")
    return paths
