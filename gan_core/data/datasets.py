"""A name or a path -> an `ImageSet`: uint8 images in memory, split, labelled, with a fingerprint.

`read` returns arrays and needs no torch, whose import takes seconds; it is for code that does not train.

Split rule: a data set's own test part if it has one. Otherwise one image in seven is test, drawn by
`numpy.random.RandomState(0)`: the same for every trial and seed.
"""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from gan_core.config.sections import DataConfig
from gan_core.data.dataset_card import DatasetCard
from gan_core.data.findings import Findings
from gan_core.data.idx_files import CLASSES, idx_files, read_idx
from gan_core.data.image_folder import check_none_is_broken, from_folder
from gan_core.data.image_space import IN_MEMORY, ImageSpace
from gan_core.data.npz_file import from_npz
from gan_core.data.on_disk import Converted, convert_once, folder_of, open_converted
from gan_core.data.preprocessing import DataError, Loaded, Part, resize
from gan_core.error_text import first_line
from gan_core.regular_files import NotRegularFile, check_regular

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Array = TypeVar("Array", np.ndarray, "Tensor")

TORCHVISION = {
    "mnist": "MNIST",
    "stacked_mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "cifar10": "CIFAR10",
    "svhn": "SVHN",
}


@dataclass(frozen=True)
class Described(Generic[Array]):
    """Images uint8 [N, C, size, size], labels int64 [N] or None, and the same for the test part.

    stacked: each channel is a digit of its own, and the label is the number that these digits form.
    stored: the folder of the images, if they are not in memory but mapped from files there; else "".
    """

    name: str
    images: Array
    labels: Array | None
    test_images: Array
    test_labels: Array | None
    class_names: tuple[str, ...]
    fingerprint: str
    stacked: bool = False
    stored: str = ""

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @property
    def image_size(self) -> int:
        return self.images.shape[2]

    def __len__(self) -> int:
        return len(self.images)

    def card(self) -> DatasetCard:
        """A description in plain values: name, fingerprint, counts, sizes, names of the classes ([] without labels)."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "images": len(self),
            "test_images": len(self.test_images),
            "channels": self.channels,
            "image_size": self.image_size,
            "classes": list(self.class_names) if self.labels is not None else [],
        }


@dataclass(frozen=True)
class ImageArrays(Described[np.ndarray]):
    """A data set as arrays, without torch. findings: what reading one's own images came upon."""

    findings: Findings | None = None

    def tensors(self) -> ImageSet:
        """The same set for training: its tensors share the memory of the arrays, and are never written to."""
        import torch

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return ImageSet(
                self.name,
                torch.from_numpy(self.images),
                None if self.labels is None else torch.from_numpy(self.labels),
                torch.from_numpy(self.test_images),
                None if self.test_labels is None else torch.from_numpy(self.test_labels),
                self.class_names,
                self.fingerprint,
                self.stacked,
                self.stored,
            )


class ImageSet(Described["Tensor"]):
    """A data set to train on."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles arrays, because Ray shares arrays between the workers of a node and would copy tensors."""
        if self.stored:
            return _from_folder, (self.stored, self.name)
        tensors = (self.images, self.labels, self.test_images, self.test_labels)
        arrays = [None if tensor is None else tensor.cpu().numpy() for tensor in tensors]
        return _from_arrays, (self.name, *arrays, self.class_names, self.fingerprint, self.stacked)

    def to(self, device: torch.device) -> ImageSet:
        """The same set, its training part resident on `device`; as it is, if it is mapped from files."""
        if self.stored:
            return self
        labels = None if self.labels is None else self.labels.to(device)
        return replace(self, images=self.images.to(device), labels=labels)  # type: ignore[arg-type]  # generic base


def _from_folder(folder: str, name: str) -> ImageSet:
    return _of_converted(open_converted(Path(folder)), folder, name).tensors()


def _of_converted(converted: Converted, folder: str, name: str) -> ImageArrays:
    return ImageArrays(name, **converted._asdict(), stored=folder)


def _from_arrays(*parts: Any) -> ImageSet:
    return ImageArrays(*parts).tensors()


def user_path(text: str) -> Path:
    """The path, with ~ and variables such as $HOME expanded. The ~name of an unknown user stays, and so does a variable
    that is not set.
    """
    return Path(os.path.expanduser(os.path.expandvars(text)))


def load(data: DataConfig, download: bool = False) -> ImageSet:
    """The data set as tensors, to train on; see `read`."""
    return read(data, download).tensors()


def read(data: DataConfig, download: bool = False) -> ImageArrays:
    """Reads the data set as arrays. download: torchvision may download missing files. Raises DataError.

    With `on_disk` the arrays are mapped from files, which the first reader makes.
    """
    if not data.on_disk:
        return _read(data, download, IN_MEMORY)
    path = Path(data.path or "")
    _check_exists(path)
    try:
        folder = folder_of(data, path)
        converted = convert_once(folder, path, lambda space: _content(_read(data, download, space)))
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise DataError("data.path", f"{path} cannot be converted for data.on_disk ({reason})") from None
    findings = replace(converted.findings, path=str(path))  # where the folder is now
    if not data.skip_broken:
        check_none_is_broken(path, findings)
    return _of_converted(converted._replace(findings=findings), str(folder), data.name)


def _content(arrays: ImageArrays) -> Converted:
    assert arrays.findings is not None
    return Converted(
        arrays.images,
        arrays.labels,
        arrays.test_images,
        arrays.test_labels,
        arrays.class_names,
        arrays.fingerprint,
        arrays.findings,
    )


def _read(data: DataConfig, download: bool, space: ImageSpace) -> ImageArrays:
    if data.name == "digits":
        loaded = _digits()
    elif data.name in TORCHVISION:
        loaded = _from_torchvision(data.name, Path(data.root or "datasets"), download)
    else:
        loaded = _own_images(data, Path(data.path or ""), space)
    if data.name == "stacked_mnist":
        assert loaded.test is not None
        loaded = Loaded(stack(loaded.train, 0), stack(loaded.test, 1), tuple(f"{n:03}" for n in range(1000)))
    if data.classes is not None:
        loaded = _keep_classes(loaded, data.classes)
    train, test = _split(loaded.train) if loaded.test is None else (loaded.train, loaded.test)
    if len(train) < 2:
        raise DataError("data.path", f"{len(train)} training images are too few; at least 2 are needed")
    return _finish(data, train, test, loaded, space)


def _check_exists(path: Path) -> None:
    if not path.exists():
        unset = re.search(r"\$(\w+|{\w+})", str(path))
        reason = f" (${unset[1].strip('{}')} is not set)" if unset else ""
        raise DataError("data.path", f"{path} does not exist{reason}")


def _own_images(data: DataConfig, path: Path, space: ImageSpace) -> Loaded:
    try:
        _check_exists(path)
        if data.name == "npz":
            return from_npz(path, data.image_size, data.rgb)
        return from_folder(path, data.image_size, data.background, data.skip_broken, space)
    except NotRegularFile as error:
        raise DataError("data.path", f"{path} is {error}") from None
    except OSError as error:
        raise DataError("data.path", f"{path} cannot be read ({error.strerror or first_line(error)})") from None


def _finish(data: DataConfig, train: Part, test: Part, loaded: Loaded, space: ImageSpace) -> ImageArrays:
    channels = 3 if data.rgb else train.channels
    parts = [
        resize(part, data.image_size, channels, partial(space.empty, name))
        for name, part in (("images", train), ("test_images", test))
    ]
    labels = [None if part.labels is None else part.labels.astype(np.int64) for part in (train, test)]
    digest = hashlib.sha256()
    for array in (*parts, *labels):
        if array is not None:
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return ImageArrays(
        name=data.name,
        images=parts[0],
        labels=labels[0],
        test_images=parts[1],
        test_labels=labels[1],
        class_names=loaded.class_names,
        fingerprint=digest.hexdigest()[:16],
        stacked=data.name == "stacked_mnist",
        findings=loaded.findings,
    )


def stack(part: Part, seed: int) -> Part:
    """Stacked MNIST (Metz et al. 2017): as many images as `part`, each of three digits, drawn at random, as channels.

    The label is the number that the digits form: 1,000 classes.
    """
    assert part.labels is not None
    chosen = np.random.RandomState(seed).randint(len(part.images), size=(len(part.images), 3))
    return Part(np.stack([part.images[chosen[:, c]] for c in range(3)], axis=-1), part.labels[chosen] @ [100, 10, 1])


def _split(part: Part) -> tuple[Part, Part]:
    """Train part and test part by the split rule."""
    order = np.random.RandomState(0).permutation(len(part))
    test, train = np.sort(order[: len(order) // 7]), np.sort(order[len(order) // 7 :])
    return part.pick(train), part.pick(test)


def _keep_classes(loaded: Loaded, classes: tuple[int | str, ...]) -> Loaded:
    """The images of `classes` (each a name, or else an index), relabelled 0, 1, ... in the order of `classes`."""
    names = loaded.class_names
    if loaded.train.labels is None:
        raise DataError("data.classes", "the data has no labels, so no classes can be chosen")
    indices = []
    for name_or_index in classes:
        if str(name_or_index) in names:
            indices.append(names.index(str(name_or_index)))
        elif isinstance(name_or_index, int) and 0 <= name_or_index < len(names):
            indices.append(name_or_index)
        else:
            raise DataError("data.classes", f"no class {name_or_index!r} in the data; it has {', '.join(names)}")
    if len(set(indices)) < len(indices):
        raise DataError("data.classes", "a class is named twice")

    def pick(part: Part) -> Part:
        if part.labels is None:
            raise DataError("data.classes", "the test part of the data has no labels")
        renumber = np.zeros(len(names), np.int64)
        renumber[indices] = np.arange(len(indices))
        chosen = part.pick(np.isin(part.labels, indices))
        return replace(chosen, labels=renumber[chosen.labels])

    test = None if loaded.test is None else pick(loaded.test)
    return replace(loaded, train=pick(loaded.train), test=test, class_names=tuple(names[i] for i in indices))


def _digits() -> Loaded:
    """scikit-learn's 1,797 handwritten digits (UCI, Alpaydin and Kaynak 1998), 8x8 in 17 grey levels.

    Read from its file, as `sklearn.datasets.load_digits` does: importing scikit-learn takes seconds and 150 MB.
    """
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataError("data.name", "the digits come with scikit-learn; pip install scikit-learn")
    table = np.loadtxt(Path(package.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
    images = np.rint(table[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    return Loaded(Part(images, table[:, -1].astype(np.int64)), None, tuple("0123456789"))


def _from_torchvision(name: str, root: Path, download: bool) -> Loaded:
    folder = {"svhn": root, "cifar10": root / "cifar-10-batches-py"}.get(name, root / TORCHVISION[name] / "raw")
    try:
        for file in folder.glob("*"):
            if not file.is_dir() and file.exists():
                check_regular(file)  # torchvision would wait for a pipe for ever
        if (classes := CLASSES.get(TORCHVISION[name])) and (files := idx_files(folder)):
            train, test = (_checked_part(read_idx(images), read_idx(labels)) for images, labels in files)
            return Loaded(train, test, classes)
        return _read_by_torchvision(name, root, download)
    except Exception as error:  # torchvision asserts, and reads a cut-off file past its end
        raise DataError(
            "data.root",
            f"{name} is not in {root} and could not be fetched, or its files are damaged ({first_line(error)}); "
            f"run once where there is a network, or copy torchvision's files to {folder}",
        ) from None


def _read_by_torchvision(name: str, root: Path, download: bool) -> Loaded:
    from torchvision import datasets

    kind = getattr(datasets, TORCHVISION[name])
    splits = [{"split": "train"}, {"split": "test"}] if name == "svhn" else [{"train": True}, {"train": False}]
    train, test = (kind(str(root), download=download, **split) for split in splits)
    names = tuple("0123456789") if name == "svhn" else CLASSES.get(TORCHVISION[name]) or tuple(train.classes)
    return Loaded(_torchvision_part(name, train), _torchvision_part(name, test), names)


def _torchvision_part(name: str, split: Any) -> Part:
    images, labels = np.asarray(split.data), split.labels if name == "svhn" else split.targets
    return _checked_part(images.transpose(0, 2, 3, 1) if name == "svhn" else images, np.asarray(labels))


def _checked_part(images: np.ndarray, labels: np.ndarray) -> Part:
    """Raises ValueError if images and labels do not fit together."""
    labels = labels.astype(np.int64)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or labels.shape != images.shape[:1] or not images.size:
        raise ValueError(f"images {images.dtype}{list(images.shape)}, labels {list(labels.shape)}")
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"labels from {labels.min()} to {labels.max()}")
    return Part(images, labels)
