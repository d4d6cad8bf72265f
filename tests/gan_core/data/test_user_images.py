"""One's own images: an .npz file or a folder is read as it is meant, or refused in one clear line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core.config.sections import DataConfig
from gan_core.data.datasets import ImageSet, load
from gan_core.data.preprocessing import DataError

GREY = np.random.RandomState(0).randint(0, 256, (14, 32, 32)).astype(np.uint8)
COLOUR = np.random.RandomState(1).randint(0, 256, (14, 32, 32, 3)).astype(np.uint8)
LABELS = np.arange(14) % 2


def npz(folder: Path, **arrays: Any) -> ImageSet:
    np.savez(folder / "own.npz", **arrays)
    return load(DataConfig(name="npz", path=str(folder / "own.npz")))


def folder_set(folder: Path, **data: Any) -> ImageSet:
    return load(DataConfig(name="image_folder", path=str(folder), **data))


def picture(path: Path, value: int | tuple[int, int, int] = 0, mode: str = "L", side: int = 32) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (side, side), value).save(path)


def everything(images: ImageSet) -> torch.Tensor:
    """Train and test images [N, H, W, C]."""
    return torch.cat([images.images, images.test_images]).permute(0, 2, 3, 1)


def same_pictures(images: torch.Tensor, given: np.ndarray) -> bool:
    return sorted(row.tobytes() for row in images.numpy()) == sorted(row.tobytes() for row in given)


@pytest.mark.parametrize(
    ("given", "channels"),
    [
        (GREY, 1),
        (GREY[..., None], 1),
        (GREY[:, None], 1),
        (COLOUR, 3),
        (COLOUR.transpose(0, 3, 1, 2), 3),
    ],
)
def test_npz_of_every_layout_holds_the_same_pictures(tmp_path: Path, given: np.ndarray, channels: int) -> None:
    loaded = npz(tmp_path, images=given)
    assert loaded.channels == channels and loaded.labels is None and loaded.class_names == ()
    assert same_pictures(everything(loaded), GREY[..., None] if channels == 1 else COLOUR)


def test_npz_with_its_own_test_part_is_split_as_it_says(tmp_path: Path) -> None:
    arrays = {"train_images": GREY[:10], "train_labels": LABELS[:10], "test_images": GREY[10:]}
    loaded = npz(tmp_path, **arrays, test_labels=LABELS[10:], class_names=np.array(["odd", "even"]))
    assert np.array_equal(loaded.images[:, 0], GREY[:10]) and np.array_equal(loaded.test_images[:, 0], GREY[10:])
    assert loaded.labels is not None and loaded.labels.tolist() == LABELS[:10].tolist()
    assert loaded.test_labels is not None and loaded.test_labels.tolist() == LABELS[10:].tolist()
    assert loaded.class_names == ("odd", "even")


def test_an_array_that_is_not_read_may_be_anything(tmp_path: Path) -> None:
    assert len(npz(tmp_path, images=GREY, file_names=np.array(["a.png"] * len(GREY), object))) > 0


def test_npz_without_names_of_classes_numbers_them(tmp_path: Path) -> None:
    assert npz(tmp_path, images=GREY, labels=LABELS).class_names == ("0", "1")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": GREY.astype(np.float32)}, "float32"),
        ({"images": GREY[0]}, "[32, 32]"),
        ({"images": np.zeros((4, 32, 32, 2), np.uint8)}, "[4, 32, 32, 2]"),
        ({"images": GREY[:0]}, "no image"),
        ({"images": GREY[:1]}, "too few"),
        ({"images": np.array([None] * 14)}, "plain arrays"),
        ({"images": GREY, "labels": np.array(["a"] * 14, object)}, "plain arrays"),
        ({"pictures": GREY}, "no array `images`"),
        ({"test_images": GREY}, "no array `images`"),
        ({"images": GREY, "labels": LABELS[:13]}, "14 whole numbers"),
        ({"images": GREY, "labels": LABELS.astype(float)}, "14 whole numbers"),
        ({"images": GREY, "labels": LABELS - 1}, "14 whole numbers"),
        ({"images": GREY, "labels": LABELS[:, None]}, "14 whole numbers"),
        ({"images": GREY, "labels": LABELS, "class_names": np.array(["one"])}, "at least 2 names"),
        ({"images": GREY, "labels": LABELS, "test_images": GREY, "test_labels": LABELS + 1}, "`train_labels` lacks"),
    ],
)
def test_npz_that_does_not_fit_is_refused(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        npz(tmp_path, **arrays)
    assert caught.value.path == "data.path" and words in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off", b"\x93NUMPY"])
def test_file_that_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"own\.npz is not an \.npz file"):
        load(DataConfig(name="npz", path=str(tmp_path / "own.npz")))


def test_single_array_is_no_npz(tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", GREY)
    with pytest.raises(DataError, match=r"is not an \.npz file"):
        load(DataConfig(name="npz", path=str(tmp_path / "own.npy")))


def test_classes_need_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", images=GREY)
    with pytest.raises(DataError, match="no labels") as caught:
        load(DataConfig(name="npz", path=str(tmp_path / "own.npz"), classes=(0,)))
    assert caught.value.path == "data.classes"


def test_few_images_that_need_resizing_are_read(tmp_path: Path) -> None:
    assert len(npz(tmp_path, images=np.zeros((5, 16, 16), np.uint8))) == 5


def test_flat_folder_has_no_labels_and_reads_every_kind_of_image(tmp_path: Path) -> None:
    for number, suffix in enumerate([".png", ".bmp", ".TIF", ".gif", ".webp", ".png", ".jpeg"]):
        picture(tmp_path / f"{number}{suffix}", 10 * number, mode="L" if suffix != ".webp" else "RGB")
    (tmp_path / "notes.txt").write_text("not an image")
    loaded = folder_set(tmp_path)
    assert everything(loaded).shape == (7, 32, 32, 3)
    assert loaded.labels is None and loaded.class_names == ()


def test_folder_is_grey_only_if_every_image_is(tmp_path: Path) -> None:
    for number in range(7):
        picture(tmp_path / f"{number}.png", number)
    assert folder_set(tmp_path).channels == 1
    picture(tmp_path / "colour.png", (255, 0, 0), mode="RGB", side=40)
    loaded = folder_set(tmp_path)
    assert loaded.channels == 3
    assert [255, 0, 0] in everything(loaded)[:, 0, 0].tolist()
    assert [3, 3, 3] in everything(loaded)[:, 0, 0].tolist()


def test_subfolders_are_the_classes_in_alphabetical_order(tmp_path: Path) -> None:
    for name, value in (("dogs", 200), ("cats", 100)):
        for number in range(7):
            picture(tmp_path / name / "deeper" / f"{number}.png", value)
    picture(tmp_path / ".cache" / "hidden.png", 0)
    loaded = folder_set(tmp_path)
    assert loaded.class_names == ("cats", "dogs")
    assert loaded.labels is not None and loaded.test_labels is not None
    labels = torch.cat([loaded.labels, loaded.test_labels])
    assert everything(loaded)[:, 0, 0, 0].tolist() == [200 if label else 100 for label in labels]
    assert len(labels) == 14
    assert folder_set(tmp_path, classes=("dogs",)).class_names == ("dogs",)


def test_name_of_a_class_is_not_taken_for_its_index(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        for number in range(3):
            picture(tmp_path / name / f"{number}.png")
    assert folder_set(tmp_path, classes=(0,)).class_names == ("1",)
    assert folder_set(tmp_path, classes=("3", "1")).class_names == ("3", "1")


def test_broken_image_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "good.png")
    content = (tmp_path / "good.png").read_bytes()
    for broken in (b"", b"no image", content[: len(content) // 2]):
        (tmp_path / "broken.png").write_bytes(broken)
        with pytest.raises(DataError, match=r"broken\.png: not a readable image"):
            folder_set(tmp_path)


def test_empty_folder_and_file_for_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    with pytest.raises(DataError, match=r"holds no image.*\.png"):
        folder_set(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is not a folder"):
        folder_set(tmp_path / "file")


def test_image_of_16_bits_keeps_its_greys(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    for number in range(7):
        Image.fromarray(ramp).save(tmp_path / f"{number}.png")
    pixels = everything(folder_set(tmp_path))[0, :, :, 0].int()
    assert (pixels - torch.from_numpy(ramp.astype(np.int32) // 256)).abs().max() <= 1


def test_hidden_folders_are_no_classes_and_hold_no_images(tmp_path: Path) -> None:
    for number in range(8):
        picture(tmp_path / "one" / f"{number}.png", number)
        picture(tmp_path / "one" / ".thumbs" / f"{number}.png", number)
    loaded = folder_set(tmp_path)
    assert len(loaded) + len(loaded.test_images) == 8
    assert loaded.class_names == ("one",)


def test_class_without_images_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "one" / "1.png", 1)
    (tmp_path / "two").mkdir()
    with pytest.raises(DataError, match="two holds no image"):
        folder_set(tmp_path)


def test_classes_are_found_by_name_before_index(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        for number in range(8):
            picture(tmp_path / name / f"{number}.png", number)
    data = DataConfig(name="image_folder", path=str(tmp_path), classes=(1, 3))
    assert load(data).class_names == ("1", "3")
