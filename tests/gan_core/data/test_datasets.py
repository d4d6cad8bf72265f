"""A name or a path becomes images of one size, split once for all, with a fingerprint."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from gan_core.config.sections import DataConfig
from gan_core.data import datasets
from gan_core.data.datasets import ImageSet, load, stack
from gan_core.data.preprocessing import DataError, Part

Bytes = NDArray[np.uint8]


def numbered(count: int, side: int = 32) -> Bytes:
    """Images [count, side, side], the i-th all of the value i."""
    return np.arange(count, dtype=np.uint8)[:, None, None].repeat(side, 1).repeat(side, 2)


def values(images: torch.Tensor) -> list[int]:
    return images[:, 0, 0, 0].tolist()


def idx(path: Path, images: Bytes, labels: Bytes) -> None:
    """MNIST's own files (http://yann.lecun.com/exdb/mnist): big-endian magic number and sizes, then bytes."""
    part, folder = path.name, path.parent
    folder.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">4i", 0x803, *images.shape)
    (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 0x801, len(labels)) + labels.tobytes())


def tiny_mnist(root: Path, name: str) -> tuple[Bytes, Bytes]:
    """40 training and 20 test images of 28 pixels, made of the digits."""
    bundle = load_digits()
    images = np.kron(bundle.images[:60], np.ones((1, 3, 3))) * 15
    images = np.pad(images, [(0, 0), (2, 2), (2, 2)]).astype(np.uint8)
    labels = bundle.target[:60].astype(np.uint8)
    idx(root / name / "raw" / "train", images[:40], labels[:40])
    idx(root / name / "raw" / "t10k", images[40:], labels[40:])
    return images, labels


def refused(setting: str, **data: Any) -> str:
    """The message of the DataError, which must blame `setting`."""
    with pytest.raises(DataError) as caught:
        load(DataConfig(**data))
    assert caught.value.path == setting
    return str(caught.value)


def test_digits_are_1797_of_32_pixels_split_one_in_seven(digits: ImageSet) -> None:
    assert (len(digits), len(digits.test_images)) == (1797 - 1797 // 7, 1797 // 7)
    assert digits.images.shape[1:] == digits.test_images.shape[1:] == (1, 32, 32)
    assert digits.images.dtype == torch.uint8
    assert digits.class_names == tuple("0123456789")
    assert digits.labels is not None and digits.test_labels is not None
    drawn = torch.cat([digits.labels, digits.test_labels]).bincount().tolist()
    assert drawn == np.bincount(load_digits().target).tolist()


def test_the_digits_are_those_that_scikit_learn_loads() -> None:
    """They are read from its file, without it."""
    loaded, bundle = datasets._digits(), load_digits()
    assert np.array_equal(loaded.train.images, np.rint(bundle.images * (255 / 16)).astype(np.uint8))
    assert np.array_equal(loaded.train.labels, bundle.target) and loaded.train.images.dtype == np.uint8


def test_split_is_the_same_at_every_load_and_so_is_the_fingerprint(digits: ImageSet) -> None:
    np.random.seed(1)
    torch.manual_seed(1)
    again = load(DataConfig())
    assert torch.equal(again.images, digits.images) and torch.equal(again.test_images, digits.test_images)
    assert again.fingerprint == digits.fingerprint


def test_split_is_disjoint_and_loses_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=numbered(70), labels=np.arange(70))
    loaded = load(DataConfig(name="npz", path=str(tmp_path / "a.npz")))
    train, test = values(loaded.images), values(loaded.test_images)
    assert (len(train), len(test)) == (60, 10)
    assert sorted(train + test) == list(range(70))
    assert loaded.labels is not None and loaded.labels.tolist() == train


def test_fingerprint_changes_with_a_pixel_a_label_a_size_or_the_classes(tmp_path: Path) -> None:
    images, labels = numbered(20), np.arange(20) % 2
    dotted, swapped = images.copy(), labels.copy()
    dotted[0, 0, 0] += 1
    swapped[0] = 1
    prints = set()
    for number, (pixels, names) in enumerate([(images, labels), (dotted, labels), (images, swapped), (images, None)]):
        path = tmp_path / f"{number}.npz"
        arrays: dict[str, Any] = {"images": pixels} | ({} if names is None else {"labels": names})
        np.savez(path, **arrays)
        prints.add(load(DataConfig(name="npz", path=str(path))).fingerprint)
    for other in ({"image_size": 64}, {"classes": (0,)}, {"classes": (1, 0)}):
        prints.add(load(DataConfig(name="npz", path=str(tmp_path / "0.npz"), **other)).fingerprint)
    assert len(prints) == 7


def test_mnist_is_padded_to_32_without_resampling_and_split_as_it_comes(tmp_path: Path) -> None:
    images, labels = tiny_mnist(tmp_path, "MNIST")
    loaded = load(DataConfig(name="mnist", root=str(tmp_path)))
    assert (len(loaded), len(loaded.test_images)) == (40, 20)
    for part, original in ((loaded.images, images[:40]), (loaded.test_images, images[40:])):
        assert np.array_equal(part[:, 0, 2:30, 2:30], original)
        assert int(part.sum()) == int(original.sum())  # the two pixels around are black
    assert loaded.labels is not None and loaded.labels.tolist() == labels[:40].tolist()
    assert loaded.class_names == tuple("0123456789")


def test_classes_are_kept_by_name_or_index_and_renumbered_in_the_order_asked(tmp_path: Path) -> None:
    _, labels = tiny_mnist(tmp_path, "FashionMNIST")
    loaded = load(DataConfig(name="fashion_mnist", root=str(tmp_path), classes=("Bag", 1)))
    assert loaded.class_names == ("Bag", "Trouser")
    kept = [int(label) for label in labels[:40] if label in (1, 8)]
    assert loaded.labels is not None and loaded.labels.tolist() == [0 if label == 8 else 1 for label in kept]
    assert loaded.test_labels is not None and len(loaded.test_labels) == np.isin(labels[40:], (1, 8)).sum()


def test_rgb_repeats_the_grey_channel_and_leaves_coloured_images_alone(tmp_path: Path, digits: ImageSet) -> None:
    loaded = load(DataConfig(rgb=True))
    for part, grey in ((loaded.images, digits.images), (loaded.test_images, digits.test_images)):
        assert part.shape == (len(grey), 3, 32, 32)
        assert all(torch.equal(part[:, channel], grey[:, 0]) for channel in range(3))
    assert loaded.fingerprint != digits.fingerprint
    coloured = np.random.RandomState(0).randint(0, 256, (7, 32, 32, 3)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", images=coloured)
    plain, same = (load(DataConfig(name="npz", path=str(tmp_path / "a.npz"), rgb=rgb)) for rgb in (False, True))
    assert torch.equal(plain.images, same.images) and plain.fingerprint == same.fingerprint


def test_stacked_label_is_the_number_that_the_digits_write() -> None:
    """Image i is all i, and its digit is i % 10."""
    part = Part(numbered(40, 28), np.arange(40) % 10)
    loaded = stack(part, seed=0)
    assert loaded.images.shape == (40, 28, 28, 3) and loaded.images.dtype == np.uint8
    assert loaded.labels is not None
    hundreds, tens, ones = (loaded.images[:, 0, 0, channel].astype(int) % 10 for channel in range(3))
    assert loaded.labels.tolist() == (100 * hundreds + 10 * tens + ones).tolist()
    assert all((loaded.images == loaded.images[:, :1, :1]).all(axis=(1, 2)).flatten())  # whole digits, not mixed
    drawn = [loaded.images[:, 0, 0, channel].tolist() for channel in range(3)]
    assert drawn[0] != drawn[1] and drawn[1] != drawn[2] and drawn[0] != drawn[2]


def test_stack_is_the_same_every_time_and_another_for_another_seed() -> None:
    part = Part(numbered(40), np.arange(40) % 10)
    np.random.seed(1)
    first = stack(part, seed=0)
    np.random.seed(2)
    again, other = stack(part, seed=0), stack(part, seed=1)
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)


def test_stacked_mnist_has_three_channels_a_thousand_classes_and_parts_of_their_own(tmp_path: Path) -> None:
    images, labels = tiny_mnist(tmp_path, "MNIST")
    data = DataConfig(name="stacked_mnist", root=str(tmp_path))
    loaded = pickle.loads(pickle.dumps(load(data)))  # as Ray sends it
    assert loaded.stacked and not load(DataConfig(name="mnist", root=str(tmp_path))).stacked
    assert (loaded.images.shape, loaded.test_images.shape) == ((40, 3, 32, 32), (20, 3, 32, 32))
    assert loaded.class_names == tuple(f"{number:03}" for number in range(1000))
    for part, numbers, pool, digits in (
        (loaded.images, loaded.labels, images[:40], labels[:40]),
        (loaded.test_images, loaded.test_labels, images[40:], labels[40:]),
    ):
        digit_of = {image.tobytes(): int(digit) for image, digit in zip(pool, digits, strict=True)}
        written = [[digit_of[channel[2:30, 2:30].numpy().tobytes()] for channel in image] for image in part]
        assert numbers.tolist() == [100 * a + 10 * b + c for a, b, c in written]
    assert load(data).fingerprint == loaded.fingerprint


def test_missing_class_is_refused_with_those_there() -> None:
    message = refused("data.classes", classes=("ten",))
    assert "'ten'" in message and all(digit in message for digit in "0123456789")
    refused("data.classes", classes=(10,))
    assert "twice" in refused("data.classes", classes=(3, 4, 3))


@pytest.mark.parametrize("name", ["mnist", "stacked_mnist", "fashion_mnist", "cifar10", "svhn"])
def test_missing_data_set_says_where_its_files_belong(tmp_path: Path, name: str) -> None:
    message = refused("data.root", name=name, root=str(tmp_path))
    assert "network" in message and "copy" in message and str(tmp_path) in message


@pytest.mark.parametrize("name", ["npz", "image_folder"])
def test_missing_path_is_named(tmp_path: Path, name: str) -> None:
    assert str(tmp_path / "nowhere") in refused("data.path", name=name, path=str(tmp_path / "nowhere"))


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("shape", [(64, 128), (128, 64)])
def test_shorter_side_fits_and_the_centre_is_kept(tmp_path: Path, shape: tuple[int, int], size: int) -> None:
    """A picture of two squares' area, its middle half white, the two quarters at the ends black."""
    image = np.zeros(shape, np.uint8)
    image[(slice(None), slice(32, 96)) if shape[1] == 128 else (slice(32, 96), slice(None))] = 255
    np.savez(tmp_path / "a.npz", images=np.stack([image] * 7))
    loaded = load(DataConfig(name="npz", path=str(tmp_path / "a.npz"), image_size=size))
    assert loaded.images.shape == (6, 1, size, size)
    margin = 3 if size == 32 else 0  # antialiasing reaches over the edge of the white
    inside = loaded.images[:, 0, margin : size - margin, margin : size - margin]
    assert (inside == 255).all()
    off_centre = np.roll(image, 32, axis=int(shape[1] == 128))
    np.savez(tmp_path / "b.npz", images=np.stack([off_centre] * 7))
    moved = load(DataConfig(name="npz", path=str(tmp_path / "b.npz"), image_size=size)).images.float()
    assert moved.mean().item() == pytest.approx(127.5, abs=3)


def test_image_that_fits_already_is_not_touched(tmp_path: Path) -> None:
    image = np.random.RandomState(0).randint(0, 256, (7, 32, 48, 3)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", images=image[:, :, 8:40])
    np.savez(tmp_path / "b.npz", images=image)
    plain, cropped = (load(DataConfig(name="npz", path=str(tmp_path / f"{name}.npz"))).images for name in "ab")
    assert np.array_equal(plain.permute(0, 2, 3, 1).numpy()[0], image[np.flatnonzero(split_train(7))[0], :, 8:40])
    assert torch.equal(plain, cropped)


def split_train(count: int) -> NDArray[np.bool_]:
    """Which of `count` images the split rule trains on."""
    train = np.ones(count, bool)
    train[np.random.RandomState(0).permutation(count)[: count // 7]] = False
    return train
