"""Data that is broken or meant to harm is refused in one line that names the file; nothing in it runs."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from support.commands import program
from support.payload import Touch

from gan_core import checkpoint, regular_files
from gan_core.config.sections import DataConfig
from gan_core.data import image_file, image_folder, memory_check
from gan_core.data.datasets import ImageSet, load
from gan_core.data.preprocessing import CHUNK, DataError, fit
from gan_core.evaluation import features

GREY = np.random.RandomState(0).randint(0, 256, (14, 32, 32)).astype(np.uint8)
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")


def refused(name: str, place: Path, words: str) -> None:
    with pytest.raises(DataError) as caught:
        load(DataConfig(name=name, **{"root" if name in ("mnist", "cifar10") else "path": str(place)}))
    message = str(caught.value)
    assert words in message and str(place) in message and len(message.splitlines()) == 1


# Images


def encoded(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(GREY[0]).save(file, kind)
    return file.getvalue()


WHOLE = {kind: encoded(kind) for kind in FORMATS}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(
    kind=st.sampled_from(FORMATS),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    kept=st.floats(0, 1),
)
def test_a_damaged_image_is_read_or_refused_by_name(
    tmp_path: Path, kind: str, flips: list[tuple[float, int]], kept: float
) -> None:
    content = bytearray(WHOLE[kind])
    for place, value in flips:
        content[int(place * min(len(content), 200))] = value  # most of what can go wrong stands at the beginning
    (tmp_path / "one.png").write_bytes(content[: max(1, int(len(content) * max(kept, 0.2)))])
    try:
        loaded = image_folder.from_folder(tmp_path, 32)
    except DataError as error:
        message = str(error)
        assert "one.png: not a readable image" in message and len(message.splitlines()) == 1
    else:
        assert loaded.train.images.shape[1:3] == (32, 32)


def test_a_picture_that_would_unpack_to_gigabytes_is_refused_before_it_does(tmp_path: Path) -> None:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    png = bytearray(WHOLE["PNG"])
    png[16:29] = head
    png[29:33] = struct.pack(">I", zlib.crc32(b"IHDR" + head))
    (tmp_path / "bomb.png").write_bytes(png)
    refused("image_folder", tmp_path, "bomb.png: not a readable image")
    Image.new("L", (10_000, 5_001)).save(tmp_path / "bomb.png")
    refused("image_folder", tmp_path, "at most 50 million pixels")


def test_a_strip_is_refused_before_it_is_resized_to_any_size() -> None:
    with pytest.raises(DataError, match="5000 x 1 is too narrow"):
        fit(Image.new("L", (5000, 1)), 64)
    assert fit(Image.new("L", (500, 10)), 32).size == (32, 32)


def test_a_picture_in_a_format_that_would_run_a_program_is_not_decoded(tmp_path: Path) -> None:
    """Pillow hands EPS to Ghostscript, whatever the file is called."""
    Image.fromarray(GREY[0]).save(tmp_path / "one.eps")
    (tmp_path / "one.eps").rename(tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as image:
        assert image.format == "EPS"  # what Pillow would do by itself
    refused("image_folder", tmp_path, "one.png: not a readable image (data.path)")


# npz


@pytest.mark.parametrize("labels", [np.full(14, 2**60), np.full(14, 2**64 - 1, np.uint64), np.full(14, 100_000)])
def test_labels_that_would_make_endless_classes_are_refused(tmp_path: Path, labels: np.ndarray) -> None:
    np.savez(tmp_path / "own.npz", images=GREY, labels=labels)
    refused("npz", tmp_path / "own.npz", "number the classes")


def test_an_npz_that_unpacks_beyond_what_is_available_is_refused_before_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "own.npz", images=np.zeros((1000, 64, 64, 3), np.uint8))
    assert (tmp_path / "own.npz").stat().st_size < 20_000
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("an array was read"))
    monkeypatch.setattr(memory_check, "available_memory", lambda: 15 * 10**6)
    refused("npz", tmp_path / "own.npz", "its images need 15.4 MB of memory")
    refused("npz", tmp_path / "own.npz", "15.0 MB are available")
    monkeypatch.setattr(memory_check, "available_memory", lambda: 16 * 10**6)
    with pytest.raises(pytest.fail.Exception):
        load(DataConfig(name="npz", path=str(tmp_path / "own.npz")))


def test_a_folder_of_more_images_than_fit_is_refused_before_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        Image.fromarray(GREY[0]).save(tmp_path / f"{number}.png")
    monkeypatch.setattr(memory_check, "available_memory", lambda: 4 * 32 * 32 * 3 * 2 - 1)
    monkeypatch.setattr(image_folder, "decode", lambda *_: pytest.fail("an image was read"))
    refused("image_folder", tmp_path, "its images need 0.0 MB of memory")


def test_an_image_that_is_too_large_for_what_is_available_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (1500, 1500)).save(tmp_path / "large.png")
    monkeypatch.setattr(image_file, "available_memory", lambda: 30 * 10**6)
    refused("image_folder", tmp_path, "large.png does not fit in the memory that is available")


@pytest.mark.parametrize("side", [32, 64])
def test_reading_takes_no_more_memory_than_is_counted(tmp_path: Path, side: int) -> None:
    count = 40_000_000 // (side * side * 3)
    np.savez_compressed(tmp_path / "own.npz", images=np.zeros((count, side, side, 3), np.uint8))
    command = program("peak_memory_of_npz", tmp_path / "own.npz")
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=100).stdout
    counted, taken, used = map(int, output.split())
    assert used < taken < 1.1 * counted + CHUNK


# Pipes and devices


def test_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "own.npz")
    refused("npz", tmp_path / "own.npz", "is a pipe, not a file")
    refused("npz", Path("/dev/zero"), "/dev/zero is a device, not a file")
    refused("npz", tmp_path, "is a folder, not a file")
    (tmp_path / "link.npz").symlink_to("/dev/zero")
    refused("npz", tmp_path / "link.npz", "is a device, not a file")
    refused("image_folder", Path("/dev/zero"), "is not a folder")


def test_pipes_devices_and_dead_links_in_a_folder_are_broken_files(tmp_path: Path) -> None:
    Image.fromarray(GREY[0]).save(tmp_path / "good.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    (tmp_path / "dead.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "no-image")
    refused("image_folder", tmp_path, "3 of 4 files in")
    refused("image_folder", tmp_path, "pipe.png (a pipe, not a file)")
    refused("image_folder", tmp_path, "endless.png (a device, not a file)")
    refused("image_folder", tmp_path, "dead.png (no such file or directory)")


def test_a_pipe_among_torchvisions_files_is_refused(mnist: Path) -> None:
    (mnist / "train-images-idx3-ubyte").unlink()
    os.mkfifo(mnist / "train-images-idx3-ubyte")
    refused("mnist", mnist.parent.parent, "a pipe, not a file")


def test_a_pipe_is_not_waited_for_even_if_it_took_the_place_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the path and its opening."""
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    status = os.stat(tmp_path / "file")
    monkeypatch.setattr(regular_files.os, "stat", lambda _: status)
    with pytest.raises(regular_files.NotRegularFile, match="a pipe, not a file"):
        regular_files.open_regular(tmp_path / "pipe")


def test_an_array_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "|u1", "fortran_order": False, "shape": (10**12, 32, 32)})
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        archive.writestr("images.npy", array.getvalue() + b"\0" * 1024)
    refused("npz", tmp_path / "own.npz", "is not an .npz file of plain arrays")


def test_an_object_array_with_a_payload_does_not_run_it(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    np.savez(tmp_path / "own.npz", images=np.array([Touch(marker)], object))
    refused("npz", tmp_path / "own.npz", "is not an .npz file of plain arrays")
    assert not marker.exists()
    np.load(tmp_path / "own.npz", allow_pickle=True)["images"]
    assert marker.exists()  # the payload was live


# torchvision's files


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx(np.zeros((20, 28, 28), np.uint8)))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(20, dtype=np.uint8) % 10))
    return raw


def test_a_whole_mnist_is_read(mnist: Path) -> None:
    assert len(load(DataConfig(name="mnist", root=str(mnist.parent.parent)))) == 20


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-100],
        lambda whole: whole[:7],
        lambda whole: b"",
        lambda whole: b"\xff" * 16 + whole[16:],
        lambda whole: struct.pack(">IIII", 0x803, 2**31, 28, 28) + whole[16:],
        lambda whole: idx(np.zeros((19, 28, 28), np.uint8)),
        lambda whole: idx(np.zeros(20, np.uint8)),
    ],
)
def test_an_idx_file_that_is_cut_off_or_wrong_is_refused(mnist: Path, damage: Callable[[bytes], bytes]) -> None:
    file = mnist / "train-images-idx3-ubyte"
    file.write_bytes(damage(file.read_bytes()))
    refused("mnist", mnist.parent.parent, "damaged")


def test_labels_that_are_no_digits_are_refused(mnist: Path) -> None:
    (mnist / "train-labels-idx1-ubyte").write_bytes(idx(np.full(20, 10, np.uint8)))
    refused("mnist", mnist.parent.parent, "labels from 10 to 10")


def test_a_pickle_in_the_place_of_cifar_is_not_read(tmp_path: Path) -> None:
    """torchvision unpickles CIFAR-10's batches, after it has compared their checksums with the published ones."""
    folder, marker = tmp_path / "cifar-10-batches-py", tmp_path / "ran"
    folder.mkdir()
    for name in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"]:
        (folder / name).write_bytes(pickle.dumps(Touch(marker)))
    refused("cifar10", tmp_path, "cifar10 is not in")
    assert not marker.exists()
    pickle.loads((folder / "test_batch").read_bytes())
    assert marker.exists()  # the payload was live


# Paths and kept classifiers


@pytest.mark.parametrize("path", ["~nobody-of-this-name/x", "x" * 5000, "a\0b", "/dev/null/x"])
@pytest.mark.parametrize("name", ["npz", "image_folder"])
def test_a_path_that_cannot_be_is_refused(name: Any, path: str) -> None:
    with pytest.raises(DataError):
        load(DataConfig(name=name, path=path))


@pytest.mark.parametrize("kept", [{}, {"state": {"x": 1}, "accuracy": 1}, {"state": 5}])
def test_a_classifier_file_that_holds_something_else_is_refused(tmp_path: Path, kept: dict[str, Any]) -> None:
    images = ImageSet(
        "own", torch.zeros(4, 1, 32, 32, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64),
        torch.zeros(0, 1, 32, 32, dtype=torch.uint8), None, ("0",), "fingerprint",
    )  # fmt: skip
    checkpoint.save(tmp_path / "kept.pt", {"data": "fingerprint", **kept})
    with pytest.raises(checkpoint.CheckpointError, match=r"kept\.pt does not hold a classifier"):
        features.classifier(images, tmp_path / "kept.pt")
