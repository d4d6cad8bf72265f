"""Inception-v3 (Szegedy et al. 2016) as published Frechet distances use it: torch-fidelity's, from a file of weights.

The file is torch-fidelity's `weights-inception-2015-12-05-6726825d.pth`.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import nn

from gan_core.data.preprocessing import DataError
from gan_core.error_text import first_line
from gan_core.evaluation.dimensions import INCEPTION_DIMENSIONS


def load(weights: Path) -> nn.Module:
    """The network, in eval mode: uint8 [N, 3, H, W] -> (float32 [N, 2048],).

    Raises DataError if the file does not hold its weights.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        torch.load(weights, weights_only=True)  # torch-fidelity would unpickle anything
        return FeatureExtractorInceptionV3(
            "inception", [str(INCEPTION_DIMENSIONS)], feature_extractor_weights_path=str(weights)
        )
    except (RuntimeError, pickle.UnpicklingError, EOFError, AttributeError, TypeError) as error:
        message = f"{weights} does not hold the weights of Inception-v3 ({first_line(error)})"
        raise DataError("evaluation.weights", message) from None
