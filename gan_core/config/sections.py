"""The sections of a trial's configuration: every setting with its default, its range and its meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gan_core import families

DataName = Literal["digits", "mnist", "fashion_mnist", "cifar10", "svhn", "stacked_mnist", "npz", "image_folder"]
LossName = Literal["bce", "hinge", "least_squares", "wasserstein", "rpgan", "ragan"]
Norm = Literal["batch", "layer", "instance", "none"]
Player = Literal["generator", "discriminator"]
OptimizerName = Literal["adam", "adamw", "rmsprop", "sgd"]
Initialisation = Literal["normal", "pytorch", "msr", "glorot"]
ImageSize = Literal[32, 64, 128, 256]


def _false_is_zero(value: Any) -> Any:
    """`false` switches a stabiliser off. `true` gives no strength, so it is left to be refused as a number."""
    return 0.0 if value is False else value


def _one_is_off(value: Any) -> Any:
    """`packing: 1` is off, like 0 and `false`: a pack of one image is no pack."""
    return 0 if value is False or (value == 1 and value is not True) else value


def _exact_as_float(value: int) -> int:
    """Refuses integers that a float cannot hold. Not by `lt`, which pydantic would merge with a setting's own `lt`."""
    if value >= 2**53:
        raise ValueError("less than 2**53")
    return value


Whole = Annotated[int, Field(strict=True), AfterValidator(_exact_as_float)]
Text = Annotated[str, Field(strict=True)]
Index = Annotated[int, Field(strict=True, ge=0)]
LearningRate = Annotated[float, Field(strict=True, gt=0)]
Beta = Annotated[float, Field(strict=True, ge=0, lt=1)]
Betas = tuple[Beta, Beta]
Strength = Annotated[float, Field(strict=True, ge=0), BeforeValidator(_false_is_zero)]


OPTIMIZERS_WITH_BETAS = ("adam", "adamw")


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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


class PlayerOptimizer(Section):
    lr: LearningRate | None = Field(None, description="learning rate of this network (default: optimizer.lr)")
    betas: Betas | None = Field(None, description="betas of this network (default: optimizer.betas)")


class ScheduleConfig(Section):
    lr: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="how the learning rate falls after the warm-up: not, linearly, or by half a cosine"
    )
    warm_up: Whole = Field(0, ge=0, description="first steps, in which the learning rate rises linearly; 0 is off")
    final: Annotated[float, Field(strict=True, ge=0, le=1)] | None = Field(
        None, description="share of the learning rate that is left at the end (default 0)"
    )
    until: Whole | None = Field(None, ge=1, description="steps after which the schedule has ended (default: steps)")
    beta1: Beta | None = Field(None, description="Adam's first beta at the end, reached by half a cosine (Huang 2024)")
    beta2: Beta | None = Field(None, description="Adam's second beta at the end, reached by half a cosine (Huang 2024)")

    @property
    def changes(self) -> bool:
        """Whether anything differs from step to step."""
        return self.lr != "constant" or bool(self.warm_up) or self.moves_betas

    @property
    def moves_betas(self) -> bool:
        return self.beta1 is not None or self.beta2 is not None

    @property
    def depends_on_steps(self) -> bool:
        """Whether a trial of more steps would have trained differently from the beginning."""
        return self.until is None and (self.lr != "constant" or self.moves_betas)


class OptimizerConfig(Section):
    name: OptimizerName = Field(
        "adam", description="adam, adamw (Loshchilov 2019), rmsprop (Tieleman 2012, decay 0.99) or sgd"
    )
    lr: LearningRate = Field(2e-4, description="learning rate (default: that of the family's paper)")
    betas: Betas | None = Field(
        (0.5, 0.999), description="betas of adam and adamw (default: those of the family's paper)"
    )
    weight_decay: Strength = Field(
        0.0, description="adamw: decoupled from the gradient; else an L2 penalty (half of it times the squared norm)"
    )
    momentum: Annotated[float, Field(strict=True, ge=0, lt=1), BeforeValidator(_false_is_zero)] = Field(
        0.0, description="momentum of rmsprop and sgd"
    )
    schedule: ScheduleConfig = ScheduleConfig()
    generator: PlayerOptimizer = PlayerOptimizer()
    discriminator: PlayerOptimizer = PlayerOptimizer()

    @property
    def has_betas(self) -> bool:
        return self.name in OPTIMIZERS_WITH_BETAS

    def adam(self, player: Player) -> tuple[float, Betas | None]:
        """The learning rate and betas that `player` trains with; no betas for an optimiser without."""
        own = self.generator if player == "generator" else self.discriminator
        return (self.lr if own.lr is None else own.lr, self.betas if own.betas is None else own.betas)


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


class InstanceNoise(Section):
    std: Strength = Field(0.0, description="standard deviation of the noise on images in [-1, 1]; 0 is off")
    fake_only: bool = Field(False, strict=True, description="noise on generated images only, as in the original report")
    anneal: bool = Field(
        False, strict=True, description="let the noise fall linearly to 0 at the last step (Sonderby 2017)"
    )


class AdaptiveAugmentation(Section):
    target: Annotated[Strength, Field(lt=1)] = Field(
        0.0, description="the mean sign of D's logits of real images above which augmentation increases; 0 is off"
    )
    speed: Annotated[float, Field(strict=True, gt=0)] = Field(
        500.0, description="thousands of real images in which the probability goes from 0 to 1"
    )


SHORTHANDS = {
    "stabilizers.instance_noise": "stabilizers.instance_noise.std",
    "stabilizers.ada": "stabilizers.ada.target",
}


def expand_shorthand(path: str) -> str:
    """`stabilizers.instance_noise: 0.1` is short for `stabilizers.instance_noise.std: 0.1`."""
    return SHORTHANDS.get(path, path)


class StabilizerConfig(Section):
    label_smoothing: Strength = Field(
        0.0, lt=0.5, description="one-sided: D's target for real images is 1 minus this value (Salimans 2016)"
    )
    instance_noise: Annotated[
        InstanceNoise, BeforeValidator(lambda v: v if isinstance(v, dict | InstanceNoise) else {"std": v})
    ] = Field(InstanceNoise(), description="Gaussian noise on D's inputs (Sonderby 2017); a number sets its std")
    label_flipping: Strength = Field(
        0.0, lt=0.5, description="probability that D's target for an image is flipped (Chintala 2016)"
    )
    r1: Strength = Field(0.0, description="weight gamma of the gradient penalty on real images (Mescheder 2018)")
    r2: Strength = Field(0.0, description="weight gamma of the gradient penalty on generated images (Mescheder 2018)")
    dragan: Strength = Field(0.0, description="weight lambda of the gradient penalty around real images (Kodali 2017)")
    penalty_every: Annotated[Whole, BeforeValidator(_one_is_off)] = Field(
        0, ge=0, description="D pays r1 and r2 in every n-th update, n times as much (Karras 2020); 0 or 1 is off"
    )
    cr: Strength = Field(
        0.0, description="weight of D's inconsistency on real images moved and mirrored (Zhang 2020); the paper's is 10"
    )
    bcr: Strength = Field(0.0, description="the same on real and on generated images (Zhao 2021); the paper's is 10")
    top_k: Strength = Field(
        0.0, lt=1, description="share of the batch, D's favourites, to which G's loss narrows over epochs (Sinha 2020)"
    )
    feature_matching: Strength = Field(
        0.0, description="weight in G's loss of the distance between mean features of D (Salimans 2016)"
    )
    ada: Annotated[
        AdaptiveAugmentation,
        BeforeValidator(lambda v: v if isinstance(v, dict | AdaptiveAugmentation) else {"target": v}),
    ] = Field(
        AdaptiveAugmentation(),
        description="augmentation of all inputs of D, more if D overfits (Karras 2020); a number sets its target",
    )
    spectral_norm: bool = Field(False, strict=True, description="spectral norm in all of D's layers (Miyato 2018)")
    ema: Strength = Field(
        0.0,
        lt=1,
        description="decay, after a ramp-up, of the average of G's weights, which is evaluated and saved (Yazici 2019)",
    )
    diff_augment: bool = Field(
        False, strict=True, description="random colour, translation and cutout on all inputs of D (Zhao 2020)"
    )
    minibatch_std: bool = Field(
        False, strict=True, description="D also gets the standard deviation over its batch (Karras 2018)"
    )
    packing: Annotated[Whole, BeforeValidator(_one_is_off)] = Field(
        0, ge=0, description="number of images that D gets as one input (Lin 2018); 0 or 1 is off"
    )


class EvaluationConfig(Section):
    every: Whole = Field(
        100, ge=1, description="steps between evaluations, each with sample grid, diversity and quality"
    )
    samples: Whole = Field(512, ge=16, le=100_000, description="number of generated images in each evaluation")
    features: Literal["auto", "classifier", "random", "inception"] = Field(
        "auto", description="features for the quality metrics; auto: a classifier if the data has labels, else random"
    )
    weights: Text | None = Field(None, description="file of the Inception network's weights (features: inception)")
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
    accumulate: Annotated[Whole, BeforeValidator(_one_is_off)] = Field(
        0, ge=0, description="parts in which a batch is computed, for a large batch in little memory; 0 or 1 is off"
    )
    steps: Whole = Field(1000, ge=1, description="generator updates; each follows n_critic discriminator updates")

    @property
    def parts(self) -> int:
        """The parts in which a batch is computed, at least 1."""
        return max(1, self.accumulate)
