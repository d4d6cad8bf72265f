"""Settings that mean nothing together, and settings that their papers warn of."""

from __future__ import annotations

from gan_core import families
from gan_core.config.sections import TrialSections

Problem = tuple[str, str]
"""(path of the setting, what is wrong with it)."""


class Conflict(ValueError):
    """Settings that mean nothing together: (path, message) of each."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("; ".join(f"{path}: {message}" for path, message in problems))


def conflicts(config: TrialSections) -> list[Problem]:
    """Settings that mean nothing together."""
    return [*_in_the_loss(config), *_between_stabilizers(config), *_in_the_networks(config), *_in_the_data(config)]


def _in_the_loss(config: TrialSections) -> list[Problem]:
    loss, family, found = config.loss, config.model.family, []
    if loss.name not in ("bce", "least_squares"):
        for name, does in {"label_smoothing": "smooths", "label_flipping": "swaps"}.items():
            if getattr(config.stabilizers, name):
                message = f"{does} the targets of a BCE or least-squares loss; a {loss.name} loss has none (use 0)"
                found.append((f"stabilizers.{name}", message))
    if not families.labelled(family):
        for name in ("auxiliary_loss", "auxiliary_weight", "auxiliary_real_share"):
            if getattr(loss, name) is not None:
                found.append(
                    (
                        f"loss.{name}",
                        f"only a family with classes (acgan) has a class loss; the family here is {family}",
                    )
                )
    if not loss.gradient_penalty:
        for name in ("one_sided_penalty", "shared_epsilon"):
            if getattr(loss, name):
                found.append((f"loss.{name}", "belongs to loss.gradient_penalty, which is off here"))
    if loss.name == "wasserstein" and loss.sum_of_halves:
        found.append(("loss.sum_of_halves", "a Wasserstein loss is the difference of its halves already"))
    return found


def _between_stabilizers(config: TrialSections) -> list[Problem]:
    loss, stabilizers, found = config.loss, config.stabilizers, []
    penalties = {
        "loss.gradient_penalty": loss.gradient_penalty,
        "stabilizers.r1": stabilizers.r1,
        "stabilizers.dragan": stabilizers.dragan,
    }
    on = [path for path, strength in penalties.items() if strength]
    if len(on) > 1:
        found.append((on[1], f"{on[0]} holds the slope of the same discriminator to another value; keep one of them"))
    packs = stabilizers.packing
    if packs and families.labelled(config.model.family):
        found.append(
            ("stabilizers.packing", f"an {config.model.family} names the class of one image, not of a pack; use 0")
        )
    if packs and config.batch_size % packs:
        found.append(("stabilizers.packing", f"packs of {packs} do not divide the batch of {config.batch_size}"))
    return found


def _in_the_networks(config: TrialSections) -> list[Problem]:
    model, found = config.model, []
    if model.networks == "original" and model.family not in families.BUILT_IN:
        found.append(("model.networks", f"the original report has no {model.family}; use standard"))
    elif model.networks == "original":
        if model.width is not None:
            found.append(("model.width", "the original networks have fixed widths; leave it out"))
        if config.data.image_size != 32:
            found.append(("data.image_size", "the original networks are for 32 pixels"))
    return found


def _in_the_data(config: TrialSections) -> list[Problem]:
    data, evaluation, found = config.data, config.evaluation, []
    if data.name in ("npz", "image_folder"):
        if data.path is None:
            found.append(("data.path", f"data set {data.name} needs the path of your images"))
        if data.root is not None:
            found.append(("data.root", f"is the folder of torchvision's data sets; {data.name} uses data.path"))
    elif data.path is not None:
        found.append(("data.path", f"belongs to npz and image_folder; the data set here is {data.name}"))
    if data.name == "stacked_mnist":
        if data.classes is not None:
            found.append(("data.classes", "stacked_mnist is made of all ten digits"))
        if data.rgb:
            found.append(("data.rgb", "stacked_mnist has three channels already"))
    if evaluation.features == "inception" and evaluation.weights is None:
        found.append(("evaluation.weights", "features: inception needs the file of its weights"))
    if evaluation.features != "inception" and evaluation.weights is not None:
        found.append(("evaluation.weights", f"belongs to features: inception; they are {evaluation.features} here"))
    return found


def cautions(config: TrialSections) -> list[str]:
    """Settings that work together but that their papers warn of."""
    found = []
    loss, stabilizers = config.loss, config.stabilizers
    penalties = (loss.gradient_penalty, stabilizers.r1, stabilizers.dragan)
    if loss.gradient_penalty and config.model.discriminator_norm == "batch":
        found.append(
            "batch norm in the discriminator under a gradient penalty: the penalty is per example and assumes none "
            "(Gulrajani et al. 2017, section 4)"
        )
    if loss.gradient_penalty and stabilizers.minibatch_std:
        found.append("minibatch standard deviation under a gradient penalty: a score depends on the whole batch")
    if loss.shared_epsilon:
        found.append("one mixing epsilon for the whole batch: Gulrajani et al. 2017, algorithm 1, draw one an example")
    if loss.name == "wasserstein" and not any(penalties) and not stabilizers.spectral_norm:
        found.append("a Wasserstein loss without a gradient penalty leaves the critic unconstrained")
    if loss.auxiliary_loss in ("nll_of_probabilities", "double_softmax"):
        found.append(
            f"{loss.auxiliary_loss} is a mistake kept to be measured: the class loss is cross_entropy on logits"
        )
    return found
