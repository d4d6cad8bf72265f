"""Which files of a folder are read, in which classes and parts. Whatever is left out is said."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from gan_core.config.sections import DataConfig
from gan_core.data.datasets import ImageArrays, read
from gan_core.data.findings import Findings
from gan_core.data.preprocessing import DataError


def pictures(folder: Path, count: int, value: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("L", (32, 32), value).save(folder / f"{number}.png")


def folder_set(folder: Path, **settings: object) -> tuple[ImageArrays, Findings]:
    images = read(DataConfig.model_validate({"name": "image_folder", "path": str(folder), **settings}))
    assert images.findings is not None
    return images, images.findings


def refused(folder: Path, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        folder_set(folder, **settings)
    assert caught.value.path == "data.path" and "\n" not in str(caught.value)
    return str(caught.value)


# Parts


@pytest.mark.parametrize("test", ["test", "val", "valid", "Validation"])
@pytest.mark.parametrize("train", ["train", "Training"])
def test_train_and_test_are_parts_and_no_classes(tmp_path: Path, train: str, test: str) -> None:
    for part, value in ((train, 10), (test, 90)):
        pictures(tmp_path / part / "cats", 3, value)
        pictures(tmp_path / part / "dogs", 2, value + 1)
    images, findings = folder_set(tmp_path)
    assert images.class_names == ("cats", "dogs")
    assert images.images[:, 0, 0, 0].tolist() == [10, 10, 10, 11, 11]
    assert images.test_images[:, 0, 0, 0].tolist() == [90, 90, 90, 91, 91]
    assert images.labels is not None and images.labels.tolist() == [0, 0, 0, 1, 1]
    assert images.test_labels is not None and images.test_labels.tolist() == [0, 0, 0, 1, 1]
    assert findings.held_out == f"{test}/" and not findings.cautions


def test_parts_can_be_without_classes(tmp_path: Path) -> None:
    pictures(tmp_path / "train", 3, 1)
    pictures(tmp_path / "test" / "cats", 2, 2)
    images, _ = folder_set(tmp_path)
    assert images.labels is None and images.test_labels is None and images.class_names == ()
    assert (len(images), len(images.test_images)) == (3, 2)


def test_classes_of_the_training_part_are_kept_where_the_tests_have_none(tmp_path: Path) -> None:
    pictures(tmp_path / "train" / "cats", 3, 1)
    pictures(tmp_path / "test", 2, 2)
    images, _ = folder_set(tmp_path)
    assert images.class_names == ("cats",) and images.test_labels is None and len(images.test_images) == 2


def test_with_test_and_val_the_tests_are_held_out_and_the_rest_is_said(tmp_path: Path) -> None:
    for part, value in (("train", 1), ("val", 2), ("test", 3)):
        pictures(tmp_path / part, 2, value)
    images, findings = folder_set(tmp_path)
    assert set(images.test_images.flat) == {3} and findings.held_out == "test/"
    assert "val/, because test/ is the held-out part" in findings.skipped


def test_a_class_that_only_the_tests_have_is_refused(tmp_path: Path) -> None:
    pictures(tmp_path / "train" / "cats", 3)
    pictures(tmp_path / "test" / "dogs", 3)
    assert "a class that the training part lacks: dogs (it has cats)" in refused(tmp_path)


def test_a_class_without_tests_is_no_error(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        pictures(tmp_path / "train" / name, 3)
    pictures(tmp_path / "test" / "cats", 3)
    images, _ = folder_set(tmp_path)
    assert images.test_labels is not None and images.test_labels.tolist() == [0, 0, 0]


def test_a_folder_without_images_beside_the_parts_is_no_class(tmp_path: Path) -> None:
    for name in ("train", "test"):
        pictures(tmp_path / name, 3)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "boxes.json").write_text("{}")
    images, findings = folder_set(tmp_path)
    assert images.class_names == () and len(images.test_images) == 3
    assert findings.skipped == {"annotations/ (no images)": 1}


@pytest.mark.parametrize("test", ["empty", "unsorted"])
def test_a_test_folder_that_cannot_be_used_leaves_the_place_to_the_next(tmp_path: Path, test: str) -> None:
    for part, value in (("train", 1), ("val", 2)):
        for name in ("cats", "dogs"):
            pictures(tmp_path / part / name, 2, value)
    pictures(tmp_path / "test", 0 if test == "empty" else 3, 3)
    images, findings = folder_set(tmp_path)
    assert set(images.test_images.flat) == {2} and findings.held_out == "val/"
    assert "test/, because val/ is the held-out part" in findings.skipped


@pytest.mark.parametrize("names", [("test", "train", "cats"), ("train", "cats"), ("test", "val")])
def test_names_of_parts_that_are_read_as_classes_are_said(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        pictures(tmp_path / name, 3)
    images, findings = folder_set(tmp_path)
    assert images.class_names == tuple(sorted(names))
    assert "read as classes and not as parts" in findings.cautions[0]


def test_a_single_folder_around_the_classes_is_said(tmp_path: Path) -> None:
    pictures(tmp_path / "photos" / "cats", 3)
    pictures(tmp_path / "photos" / "dogs", 3)
    images, findings = folder_set(tmp_path)
    assert images.class_names == ("photos",)
    assert f"if those are the classes, give data.path: {tmp_path / 'photos'}" in findings.cautions[0]


# What is left out


def test_a_link_up_to_a_folder_above_is_no_class(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        pictures(tmp_path / "data" / name, 3)
    (tmp_path / "data" / "all").symlink_to(".")
    (tmp_path / "data" / "up").symlink_to(tmp_path)
    (tmp_path / "data" / "cats" / "loop").symlink_to("..")
    images, findings = folder_set(tmp_path / "data")
    assert images.class_names == ("cats", "dogs") and len(images) + len(images.test_images) == 6
    assert findings.skipped["all/ (a link to a folder that it lies in)"] == 1
    assert findings.skipped["up/ (a link to a folder that it lies in)"] == 1
    assert findings.skipped["link to a folder inside a class"] == 1


def test_links_to_classes_elsewhere_are_read_and_to_another_class_are_said(tmp_path: Path) -> None:
    pictures(tmp_path / "elsewhere", 3, 1)
    pictures(tmp_path / "data" / "b", 3, 2)
    (tmp_path / "data" / "a").symlink_to(tmp_path / "elsewhere")
    images, findings = folder_set(tmp_path / "data")
    assert images.class_names == ("a", "b") and not findings.cautions
    (tmp_path / "data" / "c").symlink_to("b")
    _, findings = folder_set(tmp_path / "data")
    assert "b/ and c/ hold the same images" in findings.cautions[0]


def test_folders_that_systems_leave_behind_are_no_classes(tmp_path: Path) -> None:
    pictures(tmp_path / "cats", 3)
    pictures(tmp_path / "cats" / "@eaDir", 3)
    pictures(tmp_path / "dogs", 3)
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "._0.png").write_bytes(b"")
    images, findings = folder_set(tmp_path)
    assert images.class_names == ("cats", "dogs") and len(images) + len(images.test_images) == 6
    assert findings.skipped == {"__MACOSX/ (no data)": 1, "@eaDir/ (no data)": 1}


def test_files_that_are_not_read_are_counted(tmp_path: Path) -> None:
    pictures(tmp_path / "cats", 3)
    pictures(tmp_path / "dogs", 3)
    pictures(tmp_path, 2)
    for name in ("a.heic", "b.HEIC", "notes.txt", "README", "._0.png", ".DS_Store"):
        (tmp_path / "cats" / name).write_bytes(b"")
    (tmp_path / "labels.csv").write_bytes(b"")
    _, findings = folder_set(tmp_path)
    assert findings.skipped == {
        ".heic (not read; convert it to .png or .jpg)": 2,
        ".txt": 1,
        ".csv": 1,
        "file without a suffix": 1,
        "hidden file": 1,
        "image beside the folders of the classes": 2,
    }


def test_other_names_of_jpeg_files_are_read(tmp_path: Path) -> None:
    for name in ("a.jfif", "b.jpe", "c.JFIF"):
        Image.new("L", (32, 32)).save(tmp_path / name, "JPEG")
    images, findings = folder_set(tmp_path)
    assert len(images) + len(images.test_images) == 3 and not findings.skipped


def test_a_folder_without_images_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"")
    assert "holds no image that can be read" in refused(tmp_path) and "but 1 .heic" in refused(tmp_path)


@pytest.fixture
def _no_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody who may not read everything, in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pictures(tmp_path / "cats" / "closed", 3)
    pictures(tmp_path / "cats", 3)
    (tmp_path / "cats" / "closed").chmod(0)
    request.getfixturevalue("_no_root")
    assert "cats/closed cannot be read (Permission denied)" in refused(Path())


# Broken files


def damage(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"no image")


def test_all_broken_files_are_named_at_once(tmp_path: Path) -> None:
    pictures(tmp_path / "train" / "cats", 6)
    pictures(tmp_path / "test" / "cats", 3)
    damage(tmp_path, "train/cats/2.png", "train/cats/4.png", "test/cats/0.png")
    message = refused(tmp_path)
    assert "3 of 9 files" in message and "data.skip_broken: true" in message
    assert "train/cats/2.png, train/cats/4.png, test/cats/0.png" in message


def test_of_very_many_broken_files_the_first_are_named(tmp_path: Path) -> None:
    damage(tmp_path, *(f"{number}.png" for number in range(30)))
    assert "and 10 more (orchestrate datasets check names all)" in refused(tmp_path)


def test_broken_files_can_be_left_out(tmp_path: Path) -> None:
    for part, count in (("train", 6), ("test", 3)):
        for value, name in enumerate(("cats", "dogs")):
            pictures(tmp_path / part / name, count, value)
    damage(tmp_path, "train/cats/2.png", "test/dogs/0.png")
    images, findings = folder_set(tmp_path, skip_broken=True)
    assert images.labels is not None and images.labels.tolist() == [0] * 5 + [1] * 6
    assert images.images[:, 0, 0, 0].tolist() == images.labels.tolist()
    assert images.test_labels is not None and images.test_labels.tolist() == [0] * 3 + [1] * 2
    assert [file for file, _ in findings.broken] == ["train/cats/2.png", "test/dogs/0.png"]


@pytest.mark.parametrize(("part", "lost"), [("train/dogs", "class dogs"), ("test/cats", "test/")])
def test_a_class_or_a_part_is_not_lost_without_an_error(tmp_path: Path, part: str, lost: str) -> None:
    for name in ("train/cats", "train/dogs", "test/cats"):
        pictures(tmp_path / name, 2)
    damage(tmp_path / part, "0.png", "1.png")
    message = refused(tmp_path, skip_broken=True)
    assert f"nothing is left of {lost}" in message and f"{part}/0.png" in message


def test_settings_of_reading_change_what_is_trained_on_only_through_the_images(tmp_path: Path) -> None:
    pictures(tmp_path, 4, 7)
    plain, _ = folder_set(tmp_path)
    other, _ = folder_set(tmp_path, background="black", skip_broken=True)
    assert plain.fingerprint == other.fingerprint
