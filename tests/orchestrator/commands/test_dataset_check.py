"""One summary of one's own images, the same in `datasets check`, `plan` and `sweep`, before anything starts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from rich.console import Console
from support.commands import Done, invoke
from support.tiny import tiny_with

from gan_core.data import memory_check
from orchestrator.commands.sweep_options import SweepOptions
from orchestrator.commands.sweep_preparation import load_plan
from orchestrator.console.progress import make_display
from orchestrator.sweepfile import loader


def text(done: Done) -> str:
    """What a command printed, without the line ends of a narrow terminal."""
    return " ".join(done.stdout.split())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """90 cats and 8 dogs to train on, 2 cats to test; some of them odd."""
    folder = tmp_path / "photos"
    for part, name, count in (("train", "cats", 90), ("train", "dogs", 8), ("test", "cats", 2)):
        (folder / part / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (40, 40 + number), (number, 0, 0)).save(folder / part / name / f"{number}.png")
    Image.new("RGBA", (40, 40)).save(folder / "train" / "cats" / "0.png")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (60, 40)).save(folder / "train" / "cats" / "1.jpg", exif=exif)
    (folder / "train" / "cats" / "a.HEIC").write_bytes(b"")
    return folder


SUMMARY = [
    "photos: 99 images to train on, 2 to test (from test/)",
    "2 classes, images to train on + to test: cats 91 + 2, dogs 8 + 0",
    "40 x 40 to 40 x 129 pixels, 100 RGB, 1 RGBA; used as 32 x 32, RGB",
    "converted: 1 transparent put on white, 1 turned upright by their EXIF data",
    "skipped: 1 .heic (not read; convert it to .png or .jpg)",
]
CAUTIONS = ["classes are very unequal: 91 images of cats to train on, and 8 of dogs", "no test image of dogs"]


def test_check_says_all_of_one_s_images(photos: Path) -> None:
    done = invoke("datasets", "check", photos)
    assert done.returncode == 0
    assert [line for line in SUMMARY if line not in text(done)] == []
    assert [line for line in CAUTIONS if line not in text(done)] == []
    assert f"data: {{name: image_folder, path: {photos}}}" in text(done)


def test_plan_says_the_same_before_anything_starts(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with("data: {name: image_folder, path: photos}"))
    done = invoke("plan", file, home=tmp_path / "home")
    assert done.returncode == 0
    assert [line for line in [*SUMMARY, *CAUTIONS] if line not in text(done)] == []
    (data,) = json.loads(invoke("plan", file, "--json", home=tmp_path / "home").stdout)["data"]
    assert data == json.loads(invoke("datasets", "check", photos, "--json").stdout)


def test_sweep_says_the_same_before_anything_starts(photos: Path, tmp_path: Path) -> None:
    file, output = tmp_path / "tiny.yaml", io.StringIO()
    file.write_text(tiny_with("data: {name: image_folder, path: photos}"))
    options = SweepOptions(tmp_path / "home", "sqlite:///unused.db")
    load_plan(loader.load(file), options, make_display(Console(file=output, width=200)))
    text = " ".join(output.getvalue().split())
    assert [line for line in [*SUMMARY, *CAUTIONS] if line not in text] == []


def test_check_lists_every_broken_file(photos: Path) -> None:
    names = [f"train/cats/broken{number}.png" for number in range(25)]
    for name in names:
        (photos / name).write_bytes(b"")
    done = invoke("datasets", "check", photos)
    assert done.returncode == 1
    assert [name for name in names if name not in text(done)] == []
    assert "skip_broken: true" in text(done)


def test_a_sweep_goes_on_without_broken_files_only_if_it_says_so(photos: Path, tmp_path: Path) -> None:
    (photos / "train" / "cats" / "broken.png").write_bytes(b"")
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with("data: {name: image_folder, path: photos}"))
    refused = invoke("sweep", file, home=tmp_path / "home")
    assert refused.returncode == 2 and "broken.png: not a readable image (data.path)" in refused.stderr
    assert not (tmp_path / "home" / "sweeps").exists()
    file.write_text(tiny_with("data: {name: image_folder, path: photos, skip_broken: true}"))
    done = invoke("plan", file, home=tmp_path / "home")
    assert done.returncode == 0 and "broken, not readable as images: 1: train/cats/broken.png" in text(done)


def test_another_background_is_said_and_used(photos: Path) -> None:
    assert "1 transparent put on #ff8800" in invoke("datasets", "check", photos, "--background", "#ff8800").stdout
    refused = invoke("datasets", "check", photos, "--background", "nice")
    assert refused.returncode == 2 and "--background: needed: white, black or a colour" in refused.stderr
    refused = invoke("datasets", "check", photos, "--image-size", "33")
    assert refused.returncode == 2 and "--image-size: needed: 32, 64, 128 or 256" in refused.stderr


def test_what_is_checked_on_disk_fits_in_no_memory_and_is_what_a_sweep_trains_from(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photos / "train" / "cats" / "broken.png").write_bytes(b"no image")
    file = tmp_path / "tiny.yaml"
    file.write_text(tiny_with("data: {name: image_folder, path: photos, on_disk: true, skip_broken: true}"))
    in_memory = invoke("datasets", "check", photos, "--json")
    monkeypatch.setattr(memory_check, "available_memory", lambda: 1000)
    assert "of memory" in invoke("datasets", "check", photos).stderr
    done = invoke("datasets", "check", photos, "--on-disk")
    assert done.returncode == 1 and [line for line in SUMMARY if line not in text(done)] == []
    assert f"data: {{name: image_folder, path: {photos}, on_disk: true, skip_broken: true}}" in text(done)
    assert invoke("datasets", "check", photos, "--on-disk", "--json").stdout == in_memory.stdout
    plan = invoke("plan", file, home=tmp_path / "home")
    assert [line for line in [*SUMMARY, "broken.png"] if line not in text(plan)] == []
    assert len(list((tmp_path / ".photos.on_disk").glob("*/card.json"))) == 1  # converted once for all of them


def test_only_a_folder_is_checked_on_disk(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", images=np.zeros((40, 32, 32), np.uint8))
    done = invoke("datasets", "check", tmp_path / "mine.npz", "--on-disk")
    assert done.returncode == 2 and "--on-disk is for folders of images" in done.stderr


def test_check_reads_arrays(tmp_path: Path) -> None:
    images = np.random.RandomState(0).randint(0, 256, (30, 20, 28)).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(30) % 3, extra=images)
    done = invoke("datasets", "check", tmp_path / "mine.npz")
    assert done.returncode == 0
    assert "26 images to train on, 4 to test (held out at random)" in text(done)
    assert "28 x 20 pixels, 30 grey; used as 32 x 32, grey" in text(done)
    assert "skipped: 1 array extra.npy (not read)" in text(done)


def test_check_refuses_what_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "none", "does not exist"),
        (Path("/dev/zero"), "is a device, not a file"),
        (Path("x" * 5000), "cannot be read (File name too long)"),
    ):
        for options in ([], ["--on-disk"]):
            refused = invoke("datasets", "check", path, *options)
            assert refused.returncode == 2 and words in refused.stderr and len(refused.stderr.splitlines()) == 1


def test_an_unset_variable_in_a_path_is_named(tmp_path: Path) -> None:
    refused = invoke("datasets", "check", "$NO_SUCH_FOLDER/photos")
    assert refused.returncode == 2 and "($NO_SUCH_FOLDER is not set)" in refused.stderr


def test_the_line_for_the_sweep_file_can_be_copied_whatever_the_folder_is_called(tmp_path: Path) -> None:
    for name in ("my set", "it's, #1: a [set]"):
        (tmp_path / name).mkdir()
        for number in range(90):
            Image.new("L", (32, 32), number).save(tmp_path / name / f"{number}.png")
        line = text(invoke("datasets", "check", tmp_path / name)).rsplit("use it in a sweep file with ", 1)[1]
        (tmp_path / "tiny.yaml").write_text(tiny_with(line.strip()))
        assert loader.load(tmp_path / "tiny.yaml").trials[0].config.data.path == str(tmp_path / name)
