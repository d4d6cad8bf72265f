"""`orchestrate datasets`: the data sets known by name, which of them are downloaded, and the download."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypedDict, get_args

from rich.console import Console

from orchestrator.command_hints import orchestrate_command
from orchestrator.console.output import say
from orchestrator.console.table import Column, print_table
from orchestrator.errors import UserError, did_you_mean
from orchestrator.formatting import format_bytes
from orchestrator.store.sweep_folder import make_home


class DatasetState(StrEnum):
    HERE = "here"
    MISSING = "missing"
    PARTLY = "partly"
    """Some files are there, or archives that were not unpacked."""


_MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_CIFAR = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")


@dataclass(frozen=True)
class KnownDataset:
    """A data set that a sweep file can name.

    `train`, `test`: numbers of images. `channels`: 1 or 3, at 32 x 32 pixels. `folder`, `files`: where torchvision puts
    its files below its root; none for a data set that needs no download.
    """

    name: str
    train: int
    test: int
    classes: int
    channels: int
    description: str
    folder: str = ""
    files: tuple[str, ...] = ()

    @property
    def memory(self) -> int:
        """Bytes of its images in memory."""
        return (self.train + self.test) * self.channels * 32 * 32

    def state(self, root: Path) -> DatasetState:
        present = [(root / self.folder / file).is_file() for file in self.files]
        if all(present):
            return DatasetState.HERE
        return DatasetState.PARTLY if any(present) or self.size(root) else DatasetState.MISSING

    def size(self, root: Path) -> int:
        """Bytes on the disk, with torchvision's archives."""
        if not self.files:
            return 0
        folder = root / self.folder
        if self.folder:
            return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        return sum((root / file).stat().st_size for file in self.files if (root / file).is_file())


KNOWN_DATASETS = [
    KnownDataset("digits", 1541, 256, 10, 1, "8x8 handwritten digits (UCI)"),
    KnownDataset("mnist", 60_000, 10_000, 10, 1, "28x28 handwritten digits", "MNIST/raw", _MNIST),
    KnownDataset("fashion_mnist", 60_000, 10_000, 10, 1, "28x28 clothes", "FashionMNIST/raw", _MNIST),
    KnownDataset("cifar10", 50_000, 10_000, 10, 3, "32x32 objects and animals", "cifar-10-batches-py", _CIFAR),
    KnownDataset("svhn", 73_257, 26_032, 10, 3, "32x32 house numbers", "", ("train_32x32.mat", "test_32x32.mat")),
    KnownDataset("stacked_mnist", 60_000, 10_000, 1000, 3, "three MNIST digits as colours", "MNIST/raw", _MNIST),
]
OWN_IMAGES = (
    "your own images: data: {name: image_folder, path: FOLDER} or {name: npz, path: FILE}, where they lie; "
    "orchestrate datasets check PATH says what is read of them"
)


class DatasetRow(TypedDict):
    """One data set, as `--json` prints it: the names are its keys.

    `what`: what its images show. `get`: the command that downloads it.
    """

    name: str
    state: DatasetState
    bytes: int
    train: int
    test: int
    classes: int
    channels: int
    what: str
    get: str


def dataset_rows(home: Path) -> list[DatasetRow]:
    """One row for each known data set."""
    root = home / "datasets"
    return [
        {
            "name": known.name,
            "state": known.state(root),
            "bytes": known.size(root),
            "train": known.train,
            "test": known.test,
            "classes": known.classes,
            "channels": known.channels,
            "what": known.description,
            "get": download_command(known, home),
        }
        for known in KNOWN_DATASETS
    ]


def download_command(known: KnownDataset, home: Path) -> str:
    """The command that downloads a data set, or that it needs no download; empty if its files are all there."""
    if not known.files:
        return "comes with scikit-learn"
    is_present = known.state(home / "datasets") is DatasetState.HERE
    return "" if is_present else orchestrate_command(f"datasets prepare {known.name}", home)


def print_datasets(home: Path, console: Console) -> None:
    columns = [Column("data set"), Column("state")]
    columns += [Column(title, right=True) for title in ("on disk", "train", "test", "classes")]
    cells = []
    for row in dataset_rows(home):
        counts = (f"{count:,}" for count in (row["train"], row["test"], row["classes"]))
        size = format_bytes(row["bytes"]) if row["bytes"] else ""
        cells.append([row["name"], row["state"], size, *counts, row["what"], row["get"]])
    print_table(console, [*columns, Column("what it shows", optional=1), Column("to get it")], cells)
    folder = (home / "datasets").absolute()
    say(console, f"in {folder}; torchvision fetches what is missing, also when a sweep starts", word_wrap=True)
    say(console, OWN_IMAGES, word_wrap=True)


def prepare(name: str, home: Path, console: Console) -> None:
    """Download a data set and load it once. Raises UserError."""
    from gan_core.config.sections import DataConfig, DataName
    from gan_core.data import datasets
    from gan_core.data.preprocessing import DataError

    names = [known.name for known in KNOWN_DATASETS]
    if name not in names:
        if name in get_args(DataName):
            raise UserError(OWN_IMAGES)
        raise UserError(f"no data set {name!r}{did_you_mean(name, names)}; known: {', '.join(names)}")
    root = home.absolute() / "datasets"
    make_home(home)
    try:
        images = datasets.load(DataConfig.model_validate({"name": name, "root": str(root)}), download=True)
    except DataError as error:
        raise UserError(str(error)) from None
    counts = f"{len(images):,} images to train on, {len(images.test_images):,} to test"
    say(console, f"{name}: {counts}, {len(images.class_names):,} classes", word_wrap=True)
    say(console, f"use it in a sweep file with  data: {{name: {name}}}", word_wrap=True)
