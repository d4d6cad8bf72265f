"""A name or a path -> an `ImageSet`: uint8 images in memory, split, labelled, with a fingerprint.

Size rule: the shorter side is resized to `image_size` (Pillow, bicubic with antialiasing) and the centre is kept. The
28x28 sets are first padded with two black pixels a side, so that at 32 no pixel is resampled.

Split rule: a data set's own test part where it has one. Otherwise one image in seven is test, drawn by
`numpy.random.RandomState(0)`: the same for every trial and seed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_core.config import DataConfig

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "cifar10": "CIFAR10", "svhn": "SVHN"}


class DataError(ValueError):
    """The data set cannot be used: `path` is the setting at fault, the message says what would be right."""

    def __init__(self, path: str, message: str):
        self.path = path
        super().__init__(message)


@dataclass(frozen=True)
class ImageSet:
    """Images uint8 [N, C, size, size], labels int64 [N] or None, and the same for the test part."""

    name: str
    images: Tensor
    labels: Tensor | None
    test_images: Tensor
    test_labels: Tensor | None
    class_names: tuple[str, ...]
    fingerprint: str

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @property
    def image_size(self) -> int:
        return self.images.shape[2]

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> ImageSet:
        """The same set, its training part resident on `device`."""
        labels = None if self.labels is None else self.labels.to(device)
        return ImageSet(
            self.name,
            self.images.to(device),
            labels,
            self.test_images,
            self.test_labels,
            self.class_names,
            self.fingerprint,
        )


@dataclass
class _Part:
    """Images as they come: uint8 [N, H, W] or [N, H, W, C]; labels int64 [N] or None."""

    images: np.ndarray
    labels: np.ndarray | None


@dataclass
class _Loaded:
    train: _Part
    test: _Part | None
    class_names: tuple[str, ...]


def load(data: DataConfig, download: bool = False) -> ImageSet:
    """Reads the data set; `download` lets torchvision fetch what is missing. Raises DataError."""
    if data.name == "digits":
        loaded = _digits()
    elif data.name in TORCHVISION:
        loaded = _from_torchvision(data.name, Path(data.root or "datasets").expanduser(), download)
    else:
        path = Path(data.path or "").expanduser()
        if not path.exists():
            raise DataError("data.path", f"{path} does not exist")
        loaded = _from_npz(path) if data.name == "npz" else _from_folder(path, data.image_size)
    if data.classes is not None:
        loaded = _keep_classes(loaded, data.classes)
    test = loaded.test
    train = loaded.train
    if test is None:
        train, test = _split(train)
    if len(train.images) < 2:
        raise DataError("data.path", f"{len(train.images)} training images are too few; at least 2 are needed")
    return _finish(data.name, train, test, loaded.class_names, data.image_size)


def _finish(name: str, train: _Part, test: _Part, class_names: tuple[str, ...], size: int) -> ImageSet:
    parts = [_resize(part.images, size) for part in (train, test)]
    labels = [None if part.labels is None else part.labels.astype(np.int64) for part in (train, test)]
    digest = hashlib.sha256()
    for array in (*parts, *labels):
        if array is not None:
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data)
    tensors = [torch.from_numpy(images) for images in parts]
    label_tensors = [None if found is None else torch.from_numpy(found) for found in labels]
    return ImageSet(
        name, tensors[0], label_tensors[0], tensors[1], label_tensors[1], class_names, digest.hexdigest()[:16]
    )


def _resize(images: np.ndarray, size: int) -> np.ndarray:
    """uint8 [N, H, W] or [N, H, W, C] -> uint8 [N, C, size, size] by the size rule."""
    if images.shape[1:3] == (28, 28):
        images = np.pad(images, [(0, 0), (2, 2), (2, 2)] + [(0, 0)] * (images.ndim - 3))
    if images.shape[1:3] != (size, size):
        images = np.stack([np.asarray(_fit(Image.fromarray(image), size)) for image in images])
    if images.ndim == 3:
        images = images[..., None]
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _fit(image: Image.Image, size: int) -> Image.Image:
    """The shorter side resized to `size`, the centre kept."""
    width, height = image.size
    scale = size / min(width, height)
    width, height = max(size, round(width * scale)), max(size, round(height * scale))
    left, top = (width - size) // 2, (height - size) // 2
    return image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))


def _split(part: _Part) -> tuple[_Part, _Part]:
    """Train and test by the split rule."""
    order = np.random.RandomState(0).permutation(len(part.images))
    test, train = np.sort(order[: len(order) // 7]), np.sort(order[len(order) // 7 :])

    def pick(index: np.ndarray) -> _Part:
        return _Part(part.images[index], None if part.labels is None else part.labels[index])

    return pick(train), pick(test)


def _keep_classes(loaded: _Loaded, wanted: tuple[int | str, ...]) -> _Loaded:
    """Only the wanted classes, relabelled 0, 1, ... in the order asked for."""
    names = loaded.class_names
    if loaded.train.labels is None:
        raise DataError("data.classes", "the data has no labels, so no classes can be chosen")
    indices = []
    for one in wanted:
        if isinstance(one, int) and 0 <= one < len(names):
            indices.append(one)
        elif str(one) in names:
            indices.append(names.index(str(one)))
        else:
            raise DataError("data.classes", f"no class {one!r} in the data; it has {', '.join(names)}")
    if len(set(indices)) < len(indices):
        raise DataError("data.classes", "a class is named twice")

    def pick(part: _Part) -> _Part:
        if part.labels is None:
            raise DataError("data.classes", "the test part of the data has no labels")
        keep = np.isin(part.labels, indices)
        renumber = np.zeros(len(names), np.int64)
        renumber[indices] = np.arange(len(indices))
        return _Part(part.images[keep], renumber[part.labels[keep]])

    test = None if loaded.test is None else pick(loaded.test)
    return _Loaded(pick(loaded.train), test, tuple(names[i] for i in indices))


def _digits() -> _Loaded:
    """scikit-learn's 1,797 handwritten digits (UCI, Alpaydin and Kaynak 1998), 8x8 in 17 grey levels."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    images = np.rint(bundle.images * (255 / 16)).astype(np.uint8)
    return _Loaded(_Part(images, bundle.target), None, tuple("0123456789"))


def _from_torchvision(name: str, root: Path, download: bool) -> _Loaded:
    from torchvision import datasets

    kind = getattr(datasets, TORCHVISION[name])
    splits = [{"split": "train"}, {"split": "test"}] if name == "svhn" else [{"train": True}, {"train": False}]
    try:
        train, test = (kind(str(root), download=download, **split) for split in splits)
    except (RuntimeError, OSError) as error:
        cause = str(error).strip().splitlines()[0]
        where = {"svhn": root, "cifar10": root / "cifar-10-batches-py"}.get(name, root / TORCHVISION[name] / "raw")
        raise DataError(
            "data.root",
            f"{name} is not in {root} and could not be fetched ({cause}); run once where there is a network, "
            f"or copy torchvision's files to {where}",
        ) from None

    def part(split) -> _Part:  # type: ignore[no-untyped-def]
        images = np.asarray(split.data)
        if name == "svhn":
            images = images.transpose(0, 2, 3, 1)
        return _Part(images, np.asarray(split.labels if name == "svhn" else split.targets, np.int64))

    names = tuple("0123456789") if name in ("mnist", "svhn") else tuple(train.classes)
    return _Loaded(part(train), part(test), names)


def _from_npz(path: Path) -> _Loaded:
    """Arrays `images` [N, H, W], [N, H, W, C] or [N, C, H, W] uint8 and `labels` [N]; or train_ and test_ of each."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name.endswith(("images", "labels", "names"))}
    except Exception as error:  # numpy raises a different class for each way that a file can be broken
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError("data.path", f"{path} is not an .npz file of plain arrays ({cause})") from None
    prefix = "train_" if "train_images" in arrays else ""
    if f"{prefix}images" not in arrays:
        raise DataError("data.path", f"{path} holds no array `images` (or `train_images`); found {sorted(arrays)}")
    train = _npz_part(path, arrays, prefix)
    test = _npz_part(path, arrays, "test_") if "test_images" in arrays else None
    names: tuple[str, ...] = ()
    if train.labels is not None:
        count = int(train.labels.max()) + 1
        found = arrays.get("class_names")
        if found is not None and len(found) < count:
            raise DataError("data.path", f"{path}: {len(found)} class_names for {count} classes")
        names = tuple(map(str, range(count) if found is None else found))
        if test is not None and test.labels is not None and test.labels.max() >= len(names):
            raise DataError("data.path", f"{path}: test_labels holds a class that train_labels lacks")
    return _Loaded(train, test, names)


def _npz_part(path: Path, arrays: dict[str, np.ndarray], prefix: str) -> _Part:
    images, labels = arrays[f"{prefix}images"], arrays.get(f"{prefix}labels")
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
        raise DataError(
            "data.path",
            f"{path}: `{prefix}images` is {images.dtype}{list(images.shape)}; "
            "needed: uint8 [N, H, W] or [N, H, W, 1 or 3]",
        )
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if len(images) == 0:
        raise DataError("data.path", f"{path}: `{prefix}images` holds no image")
    if labels is not None:
        if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or labels.min() < 0:
            raise DataError(
                "data.path", f"{path}: `{prefix}labels` must be {len(images)} whole numbers from 0, one an image"
            )
        labels = labels.astype(np.int64)
    return _Part(images, labels)


def _from_folder(path: Path, size: int) -> _Loaded:
    """Images of a folder; its subfolders, where there are any, are the classes. Grey only if every image is grey."""
    if not path.is_dir():
        raise DataError("data.path", f"{path} is not a folder")
    classes = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    folders = classes or [path]
    files = [
        (number, file)
        for number, folder in enumerate(folders)
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in IMAGE_SUFFIXES
    ]
    if not files:
        kinds = " ".join(sorted(IMAGE_SUFFIXES))
        raise DataError("data.path", f"{path} holds no image ({kinds})")
    fitted = [_open(file, size) for _, file in files]
    mode = "L" if all(image.mode == "L" for image in fitted) else "RGB"
    images = np.stack([np.asarray(image.convert(mode)) for image in fitted])
    labels = np.array([number for number, _ in files], np.int64) if classes else None
    return _Loaded(_Part(images, labels), None, tuple(folder.name for folder in classes))


def _open(file: Path, size: int) -> Image.Image:
    try:
        with Image.open(file) as image:
            grey = image.mode in ("1", "L", "LA", "I", "I;16", "F")
            return _fit(image.convert("L" if grey else "RGB"), size)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError("data.path", f"{file} cannot be read as an image ({error})") from None
