"""Which data sets are here, from their files alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console

from gan_core.config.sections import DataConfig, DataName
from gan_core.data import datasets
from orchestrator.commands.datasets import KNOWN_DATASETS, KnownDataset, dataset_rows, prepare, print_datasets
from orchestrator.errors import UserError

BY_NAME = {known.name: known for known in KNOWN_DATASETS}


def test_every_data_set_that_a_sweep_may_name_is_known() -> None:
    assert {*BY_NAME, "npz", "image_folder"} == set(get_args(DataName))


def test_the_digits_are_what_is_said_of_them() -> None:
    images, known = datasets.load(DataConfig()), BY_NAME["digits"]
    assert (len(images), len(images.test_images)) == (known.train, known.test)
    assert (len(images.class_names), images.channels) == (known.classes, known.channels)
    assert known.memory == images.images.nbytes + images.test_images.nbytes


@pytest.mark.parametrize("known", [known for known in KNOWN_DATASETS if known.files], ids=lambda known: known.name)
def test_a_data_set_is_here_once_all_its_files_are(known: KnownDataset, tmp_path: Path) -> None:
    root = tmp_path / "datasets"
    assert known.state(root) == "missing"
    folder = root / known.folder
    folder.mkdir(parents=True)
    for number, name in enumerate(known.files):
        assert known.state(root) == ("partly" if number else "missing")
        (folder / name).write_bytes(b"1234")
    assert known.state(root) == "here"
    assert known.size(root) == 4 * len(known.files)
    row = next(row for row in dataset_rows(tmp_path) if row["name"] == known.name)
    assert (row["state"], row["bytes"], row["get"]) == ("here", 4 * len(known.files), "")


def test_archives_that_were_not_unpacked_are_a_part(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(b"x")
    assert BY_NAME["mnist"].state(tmp_path) == "partly"


def test_the_list_says_how_to_get_what_is_missing(tmp_path: Path) -> None:
    output = io.StringIO()
    print_datasets(tmp_path, Console(file=output, width=400))
    assert f"orchestrate datasets prepare mnist --home {tmp_path}" in output.getvalue()
    assert "image_folder" in output.getvalue()


def test_preparing_says_what_there_is_and_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    output = io.StringIO()
    prepare("digits", tmp_path, Console(file=output, width=200))
    assert "1,541 images to train on, 256 to test, 10 classes" in output.getvalue()
    with pytest.raises(UserError, match=r"did you mean mnist\?"):
        prepare("mnistt", tmp_path, Console())
    with pytest.raises(UserError, match="your own images"):
        prepare("npz", tmp_path, Console())
