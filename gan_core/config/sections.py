"""The sections of a trial's configuration: every setting with its default, its range and its meaning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gan_core import families
from gan_core.config.optimizer_sections import OptimizerConfig
from gan_core.config.setting_types import Index, Section, Strength, Text, Whole, one_is_off
from gan_core.config.stabilizer_sections import StabilizerConfig

DataName = Literal["digits", "mnist", "fashion_mnist", "cifar10", "svhn", "stacked_mnist", "npz", "image_folder"]
LossName = Literal["bce", "hinge", "least_squares", "wasserstein", "rpgan", "ragan"]
Norm = Literal["batch", "layer", "instance", "none"]
Initialisation = Literal["normal", "pytorch", "msr", "glorot"]
ImageSize = Literal[32, 64, 128, 256]


class DataConfig(Section):
    name: DataName = Field("digits", description="the data set; npz and image_folder read your own images from `path`")
    root: Text | None = Field(None, description="folder of torchvision's data sets (default: HOME/datasets)")
    path: Text | None = Field(
        None,
        description="an .npz file, or a folder of images (subfolders are classes); relative to the sweep file",
    )
    background: Annotated[Text, Field(pattern=r"^(white|black|#[0-9a-fA-F]{6})$")] = Field(
        "white", description="what shows where an image file is transparent: white, black or a colour like '#ff8800'"
    )
    skip_broken: bool = Field(
        False, strict=True, description="go on without the files of a folder that are no readable images"
    )
    classes: tuple[Index | Text, ...] | None = Field(
        None, min_length=1, description="use only these classes, each by name or by index"
    )
    image_size: ImageSize = Field(32, description="width and height of the images: 32, 64, 128 or 256 pixels")
    flip: bool = Field(
        False,
        strict=True,
        description="mirror half of the real images of a batch; quality is against unmirrored ones",
    )
    on_disk: bool = Field(
        False, strict=True, description="convert an image folder once to a file beside it, and train from there"
    )
    rgb: bool = Field(False, strict=True, description="turn grey images into RGB by repeating their channel")


class ModelConfig(Section):
    family: Annotated[Text, AfterValidator(families.check)] = Field(
        "dcgan",
        description="dcgan, acgan, wgan_gp, sngan, sngan_projection, r3gan, or one of an installed package",
    )
    networks: Literal["standard", "resnet", "original"] = Field(
        "standard",
        description="the networks of the paper, its residual ones (wgan_gp), or those of the original report",
    )
    width: Whole | None = Field(
        None,
        ge=4,
        le=1024,
        description="channels of the layer next to the image (not for original networks; default 32)",
    )
    latent_dim: Whole = Field(
        100,
        ge=1,
        le=10_000,
        description="length of the latent vector z (default 100; r3gan 64, sngan and resnet 128)",
    )
    discriminator_norm: Norm | None = Field(
        None,
        description="normalisation in the discriminator (default: batch in dcgan, acgan and the original critic, "
        "else none)",
    )
    init: Initialisation | None = Field(
        None,
        description="N(0, 0.02), PyTorch's default, msr, which keeps the variance, or glorot (default: normal for "
        "standard, pytorch for original, msr for r3gan, glorot for sngan and resnet)",
    )


class LossConfig(Section):
    name: LossName = Field(
        "bce",
        description="bce (non-saturating), hinge, least_squares, wasserstein, rpgan (relativistic pairing) or ragan "
        "(relativistic average); default: the paper's",
    )
    gradient_penalty: Strength = Field(
        0.0, description="weight lambda of the gradient penalty (Gulrajani 2017); 0 is off"
    )
    one_sided_penalty: bool = Field(
        False, strict=True, description="penalise only gradient norms above 1 (Gulrajani 2017)"
    )
    shared_epsilon: bool = Field(
        False,
        strict=True,
        description="one mixing epsilon for the whole batch: a common mistake, here to measure its effect",
    )
    n_critic: Whole = Field(1, ge=1, description="discriminator updates before each generator update")
    sum_of_halves: bool = Field(
        False, strict=True, description="D's loss is the sum of its halves on real and fake images, not their mean"
    )
    auxiliary_loss: Literal["cross_entropy", "nll_of_probabilities", "double_softmax"] | None = Field(
        None, description="class loss of an ACGAN; the last two are known mistakes, here to measure their effect"
    )
    auxiliary_weight: Strength | None = Field(None, description="weight of the class loss (acgan; default 1)")
    auxiliary_real_share: Annotated[float, Field(strict=True, ge=0, le=1)] | None = Field(
        None, description="share of real images in D's class loss (acgan; default 0.5)"
    )


FROM_FILE = ("inception", "dinov2")
"""Features of a pretrained network, whose file `evaluation.weights` names."""
MAX_COMPARED = 4096
"""The most images between which all pairwise distances are computed (kernel distance, precision and recall)."""


class EvaluationConfig(Section):
    every: Whole = Field(
        100, ge=1, description="steps between evaluations, each with sample grid, diversity and quality"
    )
    samples: Whole = Field(512, ge=16, le=100_000, description="number of generated images in each evaluation")
    features: Literal["auto", "classifier", "random", "inception", "dinov2"] = Field(
        "auto", description="features for the quality metrics; auto: a classifier if the data has labels, else random"
    )
    weights: Text | None = Field(None, description="file of the network's weights (features: inception or dinov2)")
    split: Literal["train", "test"] = Field("train", description="part of the data that samples are compared with")


class TrialSections(Section):
    """All settings of a trial that can contradict each other."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    loss: LossConfig = LossConfig()
    stabilizers: StabilizerConfig = StabilizerConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    batch_size: Whole = Field(64, ge=2, description="real images in one discriminator update")
    accumulate: Annotated[Whole, BeforeValidator(one_is_off)] = Field(
        0, ge=0, description="parts in which a batch is computed, for a large batch in little memory; 0 or 1 is off"
    )
    steps: Whole = Field(1000, ge=1, description="generator updates; each follows n_critic discriminator updates")

    @property
    def parts(self) -> int:
        """The parts in which a batch is computed, at least 1."""
        return max(1, self.accumulate)
