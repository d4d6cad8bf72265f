"""The classifier that quality is measured in: a function of the data alone, and a good one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gan_core.checkpoint import CheckpointError
from gan_core.data.datasets import ImageSet
from gan_core.data.preprocessing import DataError
from gan_core.evaluation import classifier as training
from gan_core.evaluation import features
from gan_core.evaluation.classifier import Classifier, train_classifier
from gan_core.evaluation.dimensions import EMBEDDING_DIMENSIONS
from gan_core.evaluation.features import Features, weights_hash


@pytest.fixture
def threads() -> Iterator[None]:
    """Puts the number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def trained(images: ImageSet) -> str:
    assert images.labels is not None
    return weights_hash(train_classifier(images.images, images.labels, 10))


def test_it_knows_the_digits_that_it_has_not_seen(digits: ImageSet, digit_features: Features) -> None:
    assert digits.test_labels is not None
    predicted = digit_features(digits.test_images).classes
    assert predicted is not None
    accuracy = predicted.eq(digits.test_labels).float().mean().item()
    assert accuracy >= 0.97
    assert digit_features.accuracy == pytest.approx(accuracy, abs=1e-6)


def test_it_embeds_and_names_images_of_any_number_of_channels() -> None:
    network = Classifier(3, 7).eval()
    embedding = network(torch.zeros(5, 3, 32, 32))
    assert embedding.shape == (5, EMBEDDING_DIMENSIONS) and network.logits(embedding).shape == (5, 7)


@pytest.mark.usefixtures("threads")
def test_the_same_images_give_the_same_weights_whatever_the_random_state_and_the_threads(few: ImageSet) -> None:
    hashes = set()
    for seed, count in ((1, 1), (2, 1), (3, 2)):
        torch.manual_seed(seed)
        torch.set_num_threads(count)
        hashes.add(trained(few))
        assert torch.get_num_threads() == count
    assert len(hashes) == 1


def test_other_images_or_labels_give_other_weights(few: ImageSet) -> None:
    assert few.labels is not None
    brighter = replace(few, images=few.images // 2 + 100)
    swapped = replace(few, labels=few.labels.flip(0))
    assert len({trained(images) for images in (few, brighter, swapped)}) == 3


def test_training_leaves_the_global_random_state_alone(few: ImageSet) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    trained(few)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.usefixtures("threads")
def test_threads_are_put_back_after_an_error(few: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_train", lambda *given: torch.ones(2) @ torch.ones(3))
    torch.set_num_threads(2)
    with pytest.raises(RuntimeError):
        trained(few)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("count", [2, 63, 65])
def test_a_handful_of_images_is_trained_on_too(digits: ImageSet, count: int) -> None:
    assert digits.labels is not None
    labels = torch.arange(count) % 2
    network = train_classifier(digits.images[:count], labels, 2)
    assert all(torch.isfinite(weight).all() for weight in network.state_dict().values())
    assert not network.training


def test_shift_moves_the_whole_batch_and_brings_in_black() -> None:
    """A white pixel in the middle comes back within two pixels of it, wherever it is."""
    torch.manual_seed(0)
    images = torch.full((2, 1, 32, 32), -1.0)
    images[:, :, 16, 16] = 1.0
    places = set()
    for _ in range(200):
        moved = training._shifted(images)
        assert moved.shape == images.shape
        where = [tuple(place.tolist()) for place in (moved == 1.0).nonzero()[:, 2:]]
        assert len(where) == 2 and where[0] == where[1] and moved.sum() == images.sum()
        places.add(where[0])
    assert places == {(row, column) for row in range(14, 19) for column in range(14, 19)}


def test_each_epoch_visits_every_whole_batch_in_a_new_order() -> None:
    batches = list(training._batches(10, 3, 6))
    epochs = [torch.cat(batches[:3]).tolist(), torch.cat(batches[3:]).tolist()]
    assert all(len(set(epoch)) == 9 for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_kept_classifier_is_read_and_not_trained_again(
    digits: ImageSet, digit_features: Features, digits_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Tensor) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(features, "train_classifier", refuse)
    again = features.classifier(digits, digits_cache)
    assert (again.weights_hash, again.accuracy) == (digit_features.weights_hash, digit_features.accuracy)
    some = digits.test_images[:20]
    assert torch.equal(again(some).vectors, digit_features(some).vectors)
    assert not any(weight.requires_grad for weight in again.network.parameters())
    assert not again.network.training
    assert [path.name for path in digits_cache.parent.iterdir()] == [digits_cache.name]


@pytest.mark.usefixtures("digit_features")
def test_classifier_of_other_data_is_refused_by_name(digits: ImageSet, digits_cache: Path) -> None:
    for other in (replace(digits, fingerprint="0" * 16), replace(digits, fingerprint="0" * 16, class_names=("a", "b"))):
        with pytest.raises(DataError, match=r"digits\.pt holds the classifier of other data"):
            features.classifier(other, digits_cache)


@pytest.mark.usefixtures("digit_features")
@pytest.mark.parametrize("damage", ["cut off", "one byte altered", "another file"])
def test_damaged_file_is_refused_by_name(digits: ImageSet, digits_cache: Path, tmp_path: Path, damage: str) -> None:
    content = bytearray(digits_cache.read_bytes())
    content[-100] ^= 1
    broken = {"cut off": digits_cache.read_bytes()[:-50], "one byte altered": bytes(content), "another file": b"x" * 99}
    file = tmp_path / "digits.pt"
    file.write_bytes(broken[damage])
    with pytest.raises(CheckpointError, match=r"digits\.pt"):
        features.classifier(digits, file)
    assert file.read_bytes() == broken[damage]  # left for the user to look at
