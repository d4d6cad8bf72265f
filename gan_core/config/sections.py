"""The sections of a trial's configuration: every setting with its default, its range and what it means."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gan_core import families

DataName = Literal["digits", "mnist", "fashion_mnist", "cifar10", "svhn", "stacked_mnist", "npz", "image_folder"]
LossName = Literal["bce", "hinge", "least_squares", "wasserstein"]
Norm = Literal["batch", "layer", "instance", "none"]
Player = Literal["generator", "discriminator"]


def _false_is_zero(value: Any) -> Any:
    """`false` switches a stabiliser off; `true` does not say how strong it should be and is refused as a number."""
    return 0.0 if value is False else value


def _one_is_off(value: Any) -> Any:
    """Packs of one image are no packs: `packing: 1` is off, as 0 and `false` are."""
    return 0 if value is False or (value == 1 and value is not True) else value


def _countable(value: int) -> int:
    """Not `lt`, which a setting's own `lt` would be merged with."""
    if value >= 2**53:
        raise ValueError("less than 2**53")
    return value


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
    rgb: bool = Field(False, strict=True, description="repeat the channel of grey images three times")


class ModelConfig(Section):
    family: Annotated[Text, AfterValidator(families.check)] = Field(
        "dcgan", description="dcgan, acgan, wgan_gp, or one that an installed package adds"
    )
    networks: Literal["standard", "original"] = Field(
        "standard", description="the paper's networks, or exactly those of the original report"
    )
    width: Whole | None = Field(
        None, ge=4, le=1024, description="channels of the layer next to the image (standard only; default 32)"
    )
    latent_dim: Whole = Field(100, ge=1, le=10_000, description="length of the latent vector z")
    discriminator_norm: Norm | None = Field(
        None, description="normalisation in the discriminator (default: batch, but none in the standard critic)"
    )
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
    name: LossName = Field(
        "bce", description="bce (non-saturating), hinge, least_squares or wasserstein (default: the family's paper)"
    )
    gradient_penalty: Strength = Field(0.0, description="lambda of the gradient penalty (Gulrajani 2017); 0 is off")
    one_sided_penalty: bool = Field(False, strict=True, description="penalise only slopes above 1 (Gulrajani 2017, 4)")
    shared_epsilon: bool = Field(
        False, strict=True, description="one mixing epsilon for the whole batch: a common mistake, to be measured"
    )
    n_critic: Whole = Field(1, ge=1, description="discriminator updates before each generator update")
    sum_of_halves: bool = Field(
        False, strict=True, description="D's loss is the sum of its real and fake halves, not their mean"
    )
    auxiliary_loss: Literal["cross_entropy", "nll_of_probabilities", "double_softmax"] | None = Field(
        None, description="ACGAN's class loss; the other two are well-known mistakes, to be measured"
    )
    auxiliary_weight: Strength | None = Field(None, description="weight of the class loss (acgan; default 1)")
    auxiliary_real_share: Annotated[float, Field(strict=True, ge=0, le=1)] | None = Field(
        None, description="part of D's class loss that real images have (acgan; default 0.5)"
    )


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
    label_flipping: Strength = Field(
        0.0, lt=0.5, description="chance that D is told the wrong side of an image (Chintala 2016)"
    )
    r1: Strength = Field(0.0, description="gamma of the gradient penalty on real images (Mescheder 2018)")
    dragan: Strength = Field(0.0, description="lambda of the gradient penalty around real images (Kodali 2017)")
    spectral_norm: bool = Field(False, strict=True, description="spectral norm in all of D's layers (Miyato 2018)")
    ema: Strength = Field(
        0.0, lt=1, description="decay of the average of G's weights that is evaluated and kept (Yazici 2019)"
    )
    diff_augment: bool = Field(
        False, strict=True, description="colour, translation and cutout on all that D sees (Zhao 2020)"
    )
    minibatch_std: bool = Field(False, strict=True, description="D sees the spread of its batch (Karras 2018)")
    packing: Annotated[Whole, BeforeValidator(_one_is_off)] = Field(
        0, ge=0, description="images that D judges together (Lin 2018); 0 or 1 is off"
    )


class EvaluationConfig(Section):
    every: Whole = Field(100, ge=1, description="steps between evaluations: sample grid, diversity and quality")
    samples: Whole = Field(512, ge=16, le=100_000, description="generated images that each evaluation draws")
    features: Literal["auto", "classifier", "random", "inception"] = Field(
        "auto", description="what quality is measured in; auto: a classifier of the data's labels, else random"
    )
    weights: Text | None = Field(None, description="file of the Inception network's weights (features: inception)")
    split: Literal["train", "test"] = Field("train", description="the real images that samples are compared with")


class TrialSections(Section):
    """Everything in a trial that other settings can conflict with."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    loss: LossConfig = LossConfig()
    stabilizers: StabilizerConfig = StabilizerConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    batch_size: Whole = Field(64, ge=2, description="real images in one discriminator update")
