"""Features look at each image by itself, always with the same eyes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_core.data.datasets import ImageSet, stack
from gan_core.data.preprocessing import Part
from gan_core.evaluation import features
from gan_core.evaluation.classifier import Classifier
from gan_core.evaluation.dimensions import EMBEDDING_DIMENSIONS
from gan_core.evaluation.features import Features, random_features, weights_hash


def stacked_digits(digits: ImageSet) -> ImageSet:
    """The digits, three on top of each other."""
    assert digits.labels is not None and digits.test_labels is not None
    parts = []
    for images, labels in ((digits.images, digits.labels), (digits.test_images, digits.test_labels)):
        part = stack(Part(images[:, 0].numpy(), labels.numpy()), 0)
        assert part.labels is not None
        pixels = np.ascontiguousarray(part.images.transpose(0, 3, 1, 2))
        parts += [torch.from_numpy(pixels), torch.from_numpy(part.labels)]
    names = tuple(f"{number:03}" for number in range(1000))
    return ImageSet("stacked", *parts, names, "f" * 16, stacked=True)


@pytest.mark.parametrize("kind", ["random", "classifier", "stacked"])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_the_result_does_not_depend_on_the_batch_size(
    digits: ImageSet, digit_features: Features, kind: str, batch_size: int
) -> None:
    chosen = {"random": random_features(1), "classifier": digit_features}.get(kind) or as_stacked(digit_features)
    images = stacked_digits(digits).test_images[:20] if kind == "stacked" else digits.test_images[:60]
    whole, apart = chosen(images, batch_size=256), chosen(images, batch_size=batch_size)
    assert whole.vectors.shape == (len(images), chosen.dimensions) and whole.vectors.dtype == torch.float32
    scale = whole.vectors.std().item()
    torch.testing.assert_close(apart.vectors, whole.vectors, rtol=0, atol=1e-5 * scale)
    if kind == "random":
        assert whole.classes is None and apart.classes is None
    else:
        assert whole.classes is not None and apart.classes is not None
        assert torch.equal(apart.classes, whole.classes)


def test_a_vector_depends_on_its_own_image_only(digits: ImageSet, digit_features: Features) -> None:
    images = digits.test_images[:30]
    for chosen in (digit_features, random_features(1)):
        turned = chosen(images.flip(0)).vectors.flip(0)
        torch.testing.assert_close(turned, chosen(images).vectors, rtol=0, atol=1e-4)


def test_images_of_64_pixels_are_seen_as_the_means_of_four() -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(256, (5, 3, 64, 64), generator=random, dtype=torch.uint8)
    means = F.avg_pool2d(images.float(), 2)
    twice = torch.randint(256, (5, 3, 32, 32), generator=random, dtype=torch.uint8)
    chosen = random_features(3)
    expected = chosen.network(means / 127.5 - 1)
    torch.testing.assert_close(chosen(images).vectors, expected, rtol=1e-4, atol=1e-6)
    doubled = twice.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(chosen(doubled).vectors, chosen(twice).vectors, rtol=1e-4, atol=1e-6)


def test_random_features_are_drawn_once_and_for_all() -> None:
    hashes = set()
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        hashes.add(random_features(1).weights_hash)
        assert torch.equal(torch.get_rng_state(), before)
    assert len(hashes) == 1
    assert random_features(3).weights_hash not in hashes


def test_random_features_tell_images_apart(digits: ImageSet) -> None:
    vectors = random_features(1)(digits.test_images[:50]).vectors
    distances = torch.cdist(vectors, vectors) + torch.eye(50) * 1e9
    assert distances.min() > 1e-3 * vectors.std()


def test_weights_hash_is_of_the_content_of_weights_and_buffers() -> None:
    network = random_features(1).network
    first = weights_hash(network)
    assert len(first) == 12 and int(first, 16) >= 0
    hashes = {first}
    for name, tensor in network.state_dict().items():
        before = tensor.clone()
        tensor[(-1,) * tensor.ndim] += 1
        hashes.add(weights_hash(network))
        tensor.copy_(before)
        assert weights_hash(network) == first, name
    assert len(hashes) == 1 + len(network.state_dict())
    assert weights_hash(network.to(memory_format=torch.contiguous_format)) == first  # not of how it lies in memory


def as_stacked(digit_features: Features) -> Features:
    return replace(digit_features, channelwise=True, dimensions=3 * EMBEDDING_DIMENSIONS)


def test_stacked_digits_are_read_as_one_number(digits: ImageSet, digit_features: Features) -> None:
    images = stacked_digits(digits)
    vectors, classes = as_stacked(digit_features)(images.test_images)
    assert classes is not None and images.test_labels is not None
    assert vectors.shape == (len(images.test_images), 3 * EMBEDDING_DIMENSIONS)
    assert classes.eq(images.test_labels).float().mean() > 0.97**3
    for channel in range(3):
        alone = digit_features(images.test_images[:20, channel : channel + 1]).vectors
        part = vectors[:20, channel * EMBEDDING_DIMENSIONS : (channel + 1) * EMBEDDING_DIMENSIONS]
        torch.testing.assert_close(part, alone, rtol=0, atol=1e-4)


def test_classifier_of_stacked_digits_is_taught_single_digits(
    digits: ImageSet, digit_features: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: list[Any] = []

    def spy(images: Tensor, labels: Tensor, classes: int) -> Classifier:
        taught.append((images, labels, classes))
        network = Classifier(1, classes).eval()
        network.load_state_dict(digit_features.network.state_dict())
        return network

    monkeypatch.setattr(features, "train_classifier", spy)
    images = stacked_digits(digits)
    extractor = features.classifier(images, tmp_path / "stacked.pt")
    ((single, labels, classes),) = taught
    assert classes == 10
    assert single.shape == (3 * len(images), 1, 32, 32) and single.dtype == torch.uint8
    assert torch.equal(single.view(-1, 3, 32, 32), images.images)
    hundreds, tens, ones = labels.view(-1, 3).T
    assert torch.equal(100 * hundreds + 10 * tens + ones, images.labels)
    assert extractor.channelwise and extractor.dimensions == 3 * EMBEDDING_DIMENSIONS
    assert extractor.accuracy == pytest.approx(digit_features.accuracy, abs=0.02)  # of single digits


def test_accuracy_is_unknown_without_labelled_test_images(
    digits: ImageSet, digit_features: Features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "train_classifier", lambda *given: digit_features.network)
    without = {
        "labels": replace(digits, test_labels=None, fingerprint="without"),
        "images": replace(
            digits, test_images=digits.test_images[:0], test_labels=torch.zeros(0).long(), fingerprint="without"
        ),
    }
    for name, images in without.items():
        assert features.classifier(images, tmp_path / f"{name}.pt").accuracy is None
        assert features.classifier(images, tmp_path / f"{name}.pt").accuracy is None  # as read again
