"""Inception-v3 (Szegedy et al. 2016) as published Frechet distances use it: torch-fidelity's, from a file of weights.

An optional extra: `pip install 'gan-orchestrator[inception]'`. Nothing is fetched; `evaluation.weights` names the file
(torch-fidelity's `weights-inception-2015-12-05-6726825d.pth`).
"""

from __future__ import annotations

import hashlib
import pickle
import re
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_core.data.preprocessing import DataError
from gan_core.error_text import first_line
from gan_core.evaluation.dimensions import INCEPTION_DIMENSIONS
from gan_core.regular_files import NotRegularFile, open_regular


def check(weights: Path) -> str:
    """12 hex digits of the file's SHA-256. Raises DataError if torch-fidelity or the file is missing, or it is altered.

    As with torch.hub, a file name that ends in `-6726825d.pth` states the first digits of the hash.
    """
    try:
        import torch_fidelity  # noqa: F401
    except ImportError:
        message = "features: inception needs torch-fidelity; pip install 'gan-orchestrator[inception]'"
        raise DataError("evaluation.features", message) from None
    try:
        with open_regular(weights) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except NotRegularFile as error:
        raise DataError("evaluation.weights", f"{weights} is {error}") from None
    except OSError as error:
        raise DataError("evaluation.weights", f"{weights} cannot be read ({error.strerror})") from None
    stated = re.search(r"-([0-9a-f]{8,64})\.\w+$", weights.name)
    if stated and not digest.startswith(stated[1]):
        message = f"{weights} has sha256 {digest[:8]}..., but its name says {stated[1]}: it is damaged, or another file"
        raise DataError("evaluation.weights", message)
    return digest[:12]


def load(weights: Path) -> nn.Module:
    """The network, in eval mode. Raises DataError if the file does not hold its weights."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        torch.load(weights, weights_only=True)  # torch-fidelity would unpickle anything
        return FeatureExtractorInceptionV3(
            "inception", [str(INCEPTION_DIMENSIONS)], feature_extractor_weights_path=str(weights)
        )
    except (RuntimeError, pickle.UnpicklingError, EOFError, AttributeError, TypeError) as error:
        message = f"{weights} does not hold the weights of Inception-v3 ({first_line(error)})"
        raise DataError("evaluation.weights", message) from None


def embed(network: nn.Module, images: Tensor) -> Tensor:
    """uint8 [N, 1 or 3, H, W] -> float32 [N, 2048]; grey images as three equal channels."""
    (features,) = network(images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images)
    return features
