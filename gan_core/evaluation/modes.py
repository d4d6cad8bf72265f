"""Predicted classes -> class histogram: which modes of the data does the generator draw, and how evenly?

`predicted` int64 [n]: the classes that a classifier predicts for n generated images.
"""

from __future__ import annotations

import torch
from torch import Tensor


def modes_covered(predicted: Tensor, classes: int) -> int:
    """The number of classes that one or more generated images show (Che et al. 2017; Srivastava et al. 2017).

    `predicted` [n]. ValueError if a class is not one of 0 ... classes - 1.
    """
    return int((_histogram(predicted, classes) > 0).sum())


def class_divergence(predicted: Tensor, reference_histogram: Tensor) -> float:
    """KL(generated || data) of the class histograms, in nats (Srivastava et al. 2017, VEEGAN; Lin et al. 2018, PacGAN).

    `predicted` [n], `reference_histogram` [classes], as probabilities or counts. A class that is never generated adds
    0. With c equally frequent classes in the data the maximum is log(c), if only one class is generated.

    ValueError if a class is absent from the data: the divergence is infinite as soon as one image of it is generated,
    and any smoothing would only report the constant that was added. Also if there are no images.
    """
    reference = reference_histogram.detach().to("cpu", torch.float64)
    if absent := (~(reference > 0)).nonzero().flatten().tolist():
        raise ValueError(
            f"class {absent[0]} has no item in the data: one image of it makes KL(generated || data) infinite"
        )
    _refuse_empty(predicted)
    generated = _histogram(predicted, len(reference)).double() / len(predicted)
    divergence = torch.special.xlogy(generated, generated * reference.sum() / reference).sum()
    return max(0.0, divergence.item())


def class_agreement(predicted: Tensor, requested: Tensor) -> float:
    """The share of images whose predicted class is the one that the generator was asked for (Odena et al. 2017, ACGAN).

    `predicted` [n], `requested` [n]. ValueError if the shapes differ or there are no images.
    """
    if predicted.shape != requested.shape:
        raise ValueError(f"{tuple(predicted.shape)} predicted classes for {tuple(requested.shape)} requested ones")
    _refuse_empty(predicted)
    return int((predicted.cpu() == requested.cpu()).sum()) / len(predicted)


def _histogram(predicted: Tensor, classes: int) -> Tensor:
    """The number of images of each class: [classes], int64."""
    predicted = predicted.cpu()
    if wrong := predicted[(predicted < 0) | (predicted >= classes)].tolist():
        raise ValueError(f"class {wrong[0]} is not one of the {classes} classes 0 to {classes - 1}")
    return predicted.bincount(minlength=classes)


def _refuse_empty(predicted: Tensor) -> None:
    if not len(predicted):
        raise ValueError("there are no predicted classes")
