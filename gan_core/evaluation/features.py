"""Images -> feature vectors and classes, from which every metric of an evaluation is computed."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_core import checkpoint
from gan_core.config.sections import FROM_FILE
from gan_core.data.datasets import ImageSet
from gan_core.data.pixels import to_unit
from gan_core.data.preprocessing import DataError
from gan_core.error_text import first_line
from gan_core.evaluation import dinov2, dinov2_file, inception, pretrained
from gan_core.evaluation.classifier import Classifier, train_classifier
from gan_core.evaluation.dimensions import EMBEDDING_DIMENSIONS, INCEPTION_DIMENSIONS, dimensions_of
from gan_core.files import write_atomically

SIDE = 32
BUNDLED = Path(__file__).parent / "bundled"
"""Classifiers, named by the fingerprint of their data. Written by tools/bundle_classifier.py."""


class Extracted(NamedTuple):
    """vectors: float32 [N, dimensions]. classes: int64 [N], or None if the network is no classifier."""

    vectors: Tensor
    classes: Tensor | None


@dataclass(frozen=True)
class Features:
    """A network that computes features. `accuracy`: of a classifier, on the data set's test part.

    channelwise: each channel is an image of its own. The vectors are concatenated, and the classes are digits of one
    number.
    """

    kind: str
    network: nn.Module
    weights_hash: str
    dimensions: int
    preprocessing: str
    accuracy: float | None = None
    channelwise: bool = False

    @torch.no_grad()
    def __call__(self, images: Tensor, batch_size: int = 256, threads: int = 1) -> Extracted:
        """`images`: uint8 [N, C, H, W] on the CPU. The result depends neither on `batch_size` nor on `threads`, which
        take one batch after another.
        """
        if self.channelwise:
            return self._stacked(images, batch_size, threads)
        vectors = self._embedded(images, batch_size, threads)
        if self.kind != "classifier":
            return Extracted(vectors, None)
        assert isinstance(self.network, Classifier)
        return Extracted(vectors, self.network.logits(vectors).argmax(dim=1))

    def _embedded(self, images: Tensor, batch_size: int, threads: int) -> Tensor:
        parts = images.split(batch_size)
        if threads == 1:
            return torch.cat([self._embed(part) for part in parts])
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return torch.cat(list(pool.map(self._embed, parts)))

    @torch.no_grad()  # each thread has its own mode
    def _embed(self, images: Tensor) -> Tensor:
        if self.kind in FROM_FILE:  # torch-fidelity's extractors, which want colour
            (vectors,) = self.network(images.expand(-1, 3, -1, -1))
            return vectors
        return self.network(at_side(to_unit(images), SIDE).contiguous(memory_format=LAYOUT))

    def _stacked(self, images: Tensor, batch_size: int, threads: int) -> Extracted:
        assert isinstance(self.network, Classifier)
        count, channels = images.shape[:2]
        vectors = self._embedded(images.flatten(0, 1)[:, None], batch_size, threads)
        digits = self.network.logits(vectors).argmax(dim=1).view(count, channels)
        return Extracted(vectors.view(count, -1), (digits * _place_values(channels)).sum(dim=1))


def at_side(images: Tensor, side: int) -> Tensor:
    """float [N, C, H, W] -> [N, C, side, side], by the means of areas."""
    return images if images.shape[-1] == side else F.adaptive_avg_pool2d(images, side)


def classifier(images: ImageSet, cache: Path) -> Features:
    """The classifier of a labelled data set, read from the file `cache` if it exists.

    Otherwise the classifier is written there: for the digits it is part of this package, for other data it is trained.
    Raises CheckpointError if the file is damaged, DataError if it belongs to other data.
    """
    train, labels = single_images(images.images, images.labels, images.stacked)
    classes = 10 if images.stacked else len(images.class_names)
    network = Classifier(train.shape[1], classes).eval().requires_grad_(False).to(memory_format=LAYOUT)
    bundled = BUNDLED / f"{images.fingerprint}.pt"
    if bundled.exists() and not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(cache, bundled.read_bytes())
    if cache.exists():
        content = checkpoint.load(cache)
        if content.get("data") != images.fingerprint:
            raise DataError(
                "data.name", f"{cache} holds the classifier of other data; delete it, and it is trained again"
            )
        try:
            network.load_state_dict(content["state"])
            accuracy = content["accuracy"]
        except (LookupError, TypeError, AttributeError, RuntimeError) as error:
            raise checkpoint.CheckpointError(f"{cache} does not hold a classifier ({first_line(error)})") from None
    else:
        assert labels is not None
        resized = train
        if train.shape[-1] != SIDE:  # in parts: floats of all images may not fit in memory
            resized = torch.cat([at_side(part.float(), SIDE).round().to(torch.uint8) for part in train.split(1024)])
        trained = train_classifier(resized, labels, classes)
        network.load_state_dict(trained.state_dict())  # in the memory format of a file's weights: the same last bits
        accuracy = _accuracy(network, *single_images(images.test_images, images.test_labels, images.stacked))
        cache.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.save(cache, {"data": images.fingerprint, "state": network.state_dict(), "accuracy": accuracy})
    dimensions = dimensions_of("classifier", images, None)
    return Features(
        "classifier", network, weights_hash(network), dimensions, PREPROCESSING, accuracy, channelwise=images.stacked
    )


LAYOUT = torch.channels_last
"""Of the classifier's images and weights: it takes 0.6 of the time of the other layout, on processors."""
PREPROCESSING = f"uint8 / 127.5 - 1, area means to {SIDE} pixels"


def random_features(channels: int) -> Features:
    """The classifier's network untrained, always with the same random weights (Naeem et al. 2020, section 4.3)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Classifier(channels, 1).eval().requires_grad_(False).to(memory_format=LAYOUT)
    return Features("random", network, weights_hash(network), EMBEDDING_DIMENSIONS, PREPROCESSING)


def inception_features(weights: Path) -> Features:
    """The pooled 2048 features of Inception-v3, as in every published FID. Raises DataError without its weights."""
    digest = pretrained.check("inception", weights)
    preprocessing = "torch-fidelity: uint8, bilinear to 299 pixels"
    return Features("inception", inception.load(weights), digest, INCEPTION_DIMENSIONS, preprocessing)


def dinov2_features(weights: Path) -> Features:
    """The class token of DINOv2's ViT (Stein et al. 2023 compare generators in it). Raises DataError like Inception's.

    As torch-fidelity, and unlike these authors' code, which resizes bicubically: numbers of the two differ.
    """
    digest = pretrained.check("dinov2", weights)
    dimensions = dinov2_file.width(weights)
    preprocessing = "torch-fidelity: uint8, bilinear to 224 pixels, ImageNet's mean and deviation"
    return Features("dinov2", dinov2.load(weights), digest, dimensions, preprocessing)


def weights_hash(network: nn.Module) -> str:
    """12 hex digits of the SHA-256 of all weights and buffers."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def single_images(images: Tensor, labels: Tensor | None, stacked: bool) -> tuple[Tensor, Tensor | None]:
    """Stacked digits as images of one digit each: [N, C, H, W] -> [N * C, 1, H, W]. Other images do not change."""
    if not stacked or labels is None:
        return images, labels
    return images.flatten(0, 1)[:, None], (labels[:, None] // _place_values(images.shape[1]) % 10).flatten()


def _place_values(channels: int) -> Tensor:
    """[100, 10, 1]: the decimal place value of each channel's digit."""
    return torch.tensor([10**exponent for exponent in reversed(range(channels))])


@torch.no_grad()
def _accuracy(network: Classifier, images: Tensor, labels: Tensor | None) -> float | None:
    if labels is None or not len(images):
        return None
    predicted = [network.logits(network(at_side(to_unit(part), SIDE))).argmax(dim=1) for part in images.split(256)]
    return float(torch.cat(predicted).eq(labels).float().mean())
