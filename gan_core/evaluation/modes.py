"""Predicted classes -> class histogram -> which modes of the data does the generator draw, and how evenly?

The classes [n] int64 are those that a classifier gives to n generated images.
"""

from __future__ import annotations

import torch
from torch import Tensor


def modes_covered(predicted: Tensor, classes: int, least: int = 1) -> int:
    """The number of classes with at least `least` generated images (Che et al. 2017; Srivastava et al. 2017, VEEGAN).

    `predicted` [n]. ValueError where a class is not one of 0 ... classes - 1.
    """
    return int((_histogram(predicted, classes) >= least).sum())


def class_divergence(predicted: Tensor, reference_histogram: Tensor) -> float:
    """KL(generated || data) of the class histograms, in nats (Srivastava et al. 2017, VEEGAN; Lin et al. 2018, PacGAN).

    `predicted` [n], `reference_histogram` [classes], as probabilities or counts. A class that is never generated adds
    0, so that drawing one of c equal classes costs log(c), the most there is for them.

    ValueError where a class is absent from the data: the divergence is infinite as soon as one image of it is
    generated, and any smoothing would only report the constant that was added. Also where there are no images.
    """
    reference = reference_histogram.detach().to("cpu", torch.float64)
    if absent := (~(reference > 0)).nonzero().flatten().tolist():
        raise ValueError(
            f"class {absent[0]} has no item in the data: one image of it makes KL(generated || data) infinite"
        )
    _refuse_nothing(predicted)
    generated = _histogram(predicted, len(reference)).double() / len(predicted)
    divergence = torch.special.xlogy(generated, generated * reference.sum() / reference).sum()
    return max(0.0, divergence.item())


def class_agreement(predicted: Tensor, asked: Tensor) -> float:
    """The share of images whose predicted class is the one that the generator was asked for (Odena et al. 2017, ACGAN).

    `predicted` [n], `asked` [n]. ValueError where the shapes differ or there are no images.
    """
    if predicted.shape != asked.shape:
        raise ValueError(f"{tuple(predicted.shape)} predicted classes for {tuple(asked.shape)} asked ones")
    _refuse_nothing(predicted)
    return int((predicted.cpu() == asked.cpu()).sum()) / len(predicted)


def _histogram(predicted: Tensor, classes: int) -> Tensor:
    """The number of images of each class: [classes], int64."""
    predicted = predicted.cpu()
    if wrong := predicted[(predicted < 0) | (predicted >= classes)].tolist():
        raise ValueError(f"class {wrong[0]} is not one of the {classes} classes 0 to {classes - 1}")
    return predicted.bincount(minlength=classes)


def _refuse_nothing(predicted: Tensor) -> None:
    if not len(predicted):
        raise ValueError("there are no predicted classes")
