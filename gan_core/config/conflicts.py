"""Settings that contradict each other, and combinations that their papers advise against."""

from __future__ import annotations

from gan_core import families
from gan_core.config.accumulation_conflicts import cautions_about_accumulation, of_accumulation
from gan_core.config.length_cautions import cautions_about_length
from gan_core.config.optimizer_conflicts import of_optimizer
from gan_core.config.r3gan_conflicts import of_r3gan
from gan_core.config.regulariser_conflicts import of_regularisers
from gan_core.config.residual_conflicts import of_residual
from gan_core.config.sections import TrialSections

SettingConflict = tuple[str, str]
"""(path of the setting, what is wrong with it)."""

_WITH_DIGITS = ("digits", "mnist", "stacked_mnist", "svhn")
"""Data sets of which an image in a mirror is no image of the data."""


class Conflict(ValueError):
    """Settings that contradict each other. `problems`: (path, message) of each."""

    def __init__(self, problems: list[SettingConflict]):
        self.problems = problems
        super().__init__("; ".join(f"{path}: {message}" for path, message in problems))


def conflicts(config: TrialSections) -> list[SettingConflict]:
    """All settings that contradict others."""
    return [
        *_of_loss(config),
        *_of_stabilizers(config),
        *_of_networks(config),
        *_of_data_and_evaluation(config),
        *of_optimizer(config),
        *of_accumulation(config),
    ]


def _of_loss(config: TrialSections) -> list[SettingConflict]:
    loss, family, problems = config.loss, config.model.family, list[SettingConflict]()
    if loss.name not in ("bce", "least_squares"):
        for name, verb in {"label_smoothing": "smooths", "label_flipping": "flips"}.items():
            if getattr(config.stabilizers, name):
                message = (
                    f"{verb} the targets of a BCE or least-squares loss; the {loss.name} loss has no targets (use 0)"
                )
                problems.append((f"stabilizers.{name}", message))
    if not families.predicts_classes(family):
        for name in ("auxiliary_loss", "auxiliary_weight", "auxiliary_real_share"):
            if getattr(loss, name) is not None:
                problems.append(
                    (
                        f"loss.{name}",
                        f"only a family whose D predicts classes (acgan) has a class loss, and the family is {family}",
                    )
                )
    if not loss.gradient_penalty:
        for name in ("one_sided_penalty", "shared_epsilon"):
            if getattr(loss, name):
                problems.append((f"loss.{name}", "changes loss.gradient_penalty, which is off"))
    if loss.name == "wasserstein" and loss.sum_of_halves:
        problems.append(("loss.sum_of_halves", "a Wasserstein loss is always the sum of its halves; leave this out"))
    if loss.name == "rpgan" and loss.sum_of_halves:
        problems.append(("loss.sum_of_halves", "an rpgan loss has one term for each pair of images; leave this out"))
    return problems


def _of_stabilizers(config: TrialSections) -> list[SettingConflict]:
    loss, stabilizers, problems = config.loss, config.stabilizers, list[SettingConflict]()
    penalties = {
        "loss.gradient_penalty": loss.gradient_penalty,
        "stabilizers.r1": stabilizers.r1,
        "stabilizers.r2": stabilizers.r2,
        "stabilizers.dragan": stabilizers.dragan,
    }
    active = [path for path, strength in penalties.items() if strength]
    if len(active) > 1 and active != ["stabilizers.r1", "stabilizers.r2"]:  # on images of the two sides (Huang 2024)
        at, hint = active[-1], ""
        if config.model.family == "r3gan":
            at = next(path for path in active if not path.endswith((".r1", ".r2")))
            hint = "; r1 and r2 are r3gan's defaults: set both to 0 for another penalty"
        second, first = (path.rsplit(".", 1)[-1] for path in (at, next(path for path in active if path != at)))
        problems.append(
            (at, f"{second} and {first} cannot be combined: both penalise the discriminator's gradient{hint}")
        )
    problems += [*of_regularisers(config)]
    pack_size = stabilizers.packing
    if pack_size and families.labelled(config.model.family):
        does = "is told" if families.conditional_discriminator(config.model.family) else "predicts"
        message = f"the discriminator of {config.model.family} {does} the class of one image, not of a pack; use 0"
        problems.append(("stabilizers.packing", message))
    if pack_size and config.batch_size % pack_size:
        problems.append(
            ("stabilizers.packing", f"packs of {pack_size} images do not divide a batch of {config.batch_size}")
        )
    return problems


def _of_networks(config: TrialSections) -> list[SettingConflict]:
    model, problems = config.model, list[SettingConflict]()
    if model.networks == "original" and model.family not in families.OF_THE_REPORT:
        problems.append(("model.networks", f"the original report has no {model.family}; use standard"))
    elif model.networks == "original":
        if model.width is not None:
            problems.append(("model.width", "the original networks have fixed widths; leave this out"))
        if config.data.image_size != 32:
            problems.append(("data.image_size", "the original networks are for images of 32 pixels"))
    return [*problems, *of_r3gan(config), *of_residual(config)]


def _of_data_and_evaluation(config: TrialSections) -> list[SettingConflict]:
    data, evaluation, problems = config.data, config.evaluation, list[SettingConflict]()
    if data.name in ("npz", "image_folder"):
        if data.path is None:
            problems.append(("data.path", f"data set {data.name} needs the path of your images"))
        if data.root is not None:
            problems.append(
                ("data.root", f"is the folder of torchvision's data sets; {data.name} needs data.path instead")
            )
    elif data.path is not None:
        problems.append(("data.path", f"is only for npz and image_folder, and the data set is {data.name}"))
    if data.on_disk and data.name != "image_folder":
        message = f"is only for image_folder, and the data set is {data.name}, which is read into memory"
        problems.append(("data.on_disk", message))
    if data.name != "image_folder":
        for name, is_set in {"background": data.background != "white", "skip_broken": data.skip_broken}.items():
            if is_set:
                problems.append((f"data.{name}", f"is only for image_folder, and the data set is {data.name}"))
    if data.name == "stacked_mnist":
        if data.classes is not None:
            problems.append(("data.classes", "stacked_mnist always has all ten digits; leave this out"))
        if data.rgb:
            problems.append(("data.rgb", "stacked_mnist already has three channels; leave this out"))
    if evaluation.features == "inception" and evaluation.weights is None:
        problems.append(("evaluation.weights", "features: inception needs the file of the network's weights"))
    if evaluation.features != "inception" and evaluation.weights is not None:
        problems.append(
            ("evaluation.weights", f"is only for features: inception, and the features are {evaluation.features}")
        )
    return problems


def cautions(config: TrialSections) -> list[str]:
    """Warnings about settings that work together although their papers advise against it, or that show too little.

    Trials of a grid share a text if possible, because each text is shown once: it names levels, but no trial.
    """
    return [
        *_cautions_about_penalties(config),
        *_cautions_about_losses(config),
        *cautions_about_length(config),
        *cautions_about_accumulation(config),
    ]


def _cautions_about_penalties(config: TrialSections) -> list[str]:
    """About what constrains the discriminator, together with layers that mix the images of a batch."""
    warnings: list[str] = []
    loss, stabilizers = config.loss, config.stabilizers
    has_batch_norm = config.model.discriminator_norm == "batch"
    for name, strength, paper in (
        ("a gradient penalty", loss.gradient_penalty, "Gulrajani et al. 2017, section 4"),
        ("R1", stabilizers.r1, "Mescheder et al. 2018 use no batch norm"),
        ("R2", stabilizers.r2, "Mescheder et al. 2018 use no batch norm"),
        ("DRAGAN", stabilizers.dragan, "it has the form of Gulrajani et al. 2017, section 4"),
    ):
        if strength and has_batch_norm:
            warnings.append(
                f"batch norm in the discriminator with {name}, which is per example: with batch norm the gradient of "
                f"an image is also that of the others in its batch ({paper}); set model.discriminator_norm to layer "
                "or none"
            )
    if stabilizers.spectral_norm and has_batch_norm:
        warnings.append(
            "batch norm in the discriminator with spectral norm, which should keep its slope at most 1: batch norm "
            "divides by the spread of the batch, so the slope is several times as large (Miyato et al. 2018 use no "
            "batch norm in the discriminator); set model.discriminator_norm to none"
        )
    if loss.gradient_penalty and stabilizers.minibatch_std:
        warnings.append("minibatch standard deviation with a gradient penalty: each score depends on the whole batch")
    return warnings


def _cautions_about_losses(config: TrialSections) -> list[str]:
    warnings: list[str] = []
    loss, stabilizers = config.loss, config.stabilizers
    if (stabilizers.cr or stabilizers.bcr) and config.data.name in _WITH_DIGITS:
        warnings.append(
            "consistency regularisation on images of digits: D shall find a mirrored digit as real as the digit, which "
            "is right for the photographs of its papers (Zhang et al. 2020) only"
        )
    if config.data.flip and config.data.name in _WITH_DIGITS:
        warnings.append("mirrored images of digits: the generator learns to draw them, and is measured without them")
    penalties = (loss.gradient_penalty, stabilizers.r1, stabilizers.r2, stabilizers.dragan)
    is_constrained = any((*penalties, stabilizers.spectral_norm))
    if loss.shared_epsilon:
        warnings.append(
            "one mixing epsilon for the whole batch: Gulrajani et al. 2017, algorithm 1, draw one for each example"
        )
    if loss.name == "wasserstein" and not is_constrained:
        warnings.append("a Wasserstein loss without a gradient penalty leaves the critic unconstrained")
    if loss.auxiliary_loss in ("nll_of_probabilities", "double_softmax"):
        warnings.append(
            f"{loss.auxiliary_loss} is a known mistake, here to be measured; the correct class loss is cross_entropy"
        )
    return warnings
