"""A folder of images that is converted once, and mapped from files: the same pixels, batches and training."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core.config.identity import trial_key
from gan_core.config.sections import DataConfig
from gan_core.config.trial import TrialConfig
from gan_core.data import image_folder, memory_check, on_disk
from gan_core.data.datasets import load, read
from gan_core.data.preprocessing import DataError
from gan_core.training.trainer import Trainer

Small = Callable[..., TrialConfig]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve grey and twelve coloured images of two classes, of different sizes."""
    random = np.random.RandomState(0)
    for number in range(24):
        shape = (36 + number, 40) if number % 2 else (36 + number, 40, 3)
        file = tmp_path / "mine" / "ab"[number % 3 == 0] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.randint(0, 255, shape, np.uint8)).save(file)
    return tmp_path / "mine"


def config(folder: Path, **settings: Any) -> DataConfig:
    return DataConfig(name="image_folder", path=str(folder), **settings)


def converted(folder: Path) -> list[Path]:
    return sorted((folder.parent / f".{folder.name}.on_disk").glob("*/card.json"))


@pytest.mark.parametrize("settings", [{}, {"classes": ("b",)}, {"rgb": True, "image_size": 64}])
def test_pixels_labels_and_fingerprint_are_those_in_memory(folder: Path, settings: dict[str, Any]) -> None:
    plain = read(config(folder, **settings))
    for _ in range(2):  # converted, then opened
        mapped = read(config(folder, on_disk=True, **settings))
        assert mapped.fingerprint == plain.fingerprint and mapped.class_names == plain.class_names
        for name in ("images", "labels", "test_images", "test_labels"):
            np.testing.assert_array_equal(getattr(mapped, name), getattr(plain, name))
        assert isinstance(mapped.images, np.memmap) and not mapped.images.flags.writeable
    assert len(converted(folder)) == 1
    left = {file.name for file in converted(folder)[0].parent.iterdir()}
    assert left == {"card.json", "images.npy", "labels.npy", "test_images.npy", "test_labels.npy"}


def test_training_is_the_same_and_so_is_the_key(small: Small, folder: Path) -> None:
    data = {"data.name": "image_folder", "data.path": str(folder), "data.flip": True}
    settings = data | {"batch_size": 4, "model.family": "acgan", "loss.n_critic": 2}
    states, keys = [], set[str]()
    for mapped in (False, True):
        trial = small(settings | {"data.on_disk": mapped})
        images = load(trial.data)
        assert bool(images.stored) == mapped
        trainer = Trainer(trial, pickle.loads(pickle.dumps(images)))
        for _ in range(2):
            trainer.step()
        states.append([*trainer.generator.parameters(), trainer.batches.state_dict()["order"]])
        keys.add(trial_key(trial, images.fingerprint))
    assert all(torch.equal(*pair) for pair in zip(*states, strict=True)) and len(keys) == 1


def test_a_worker_gets_the_folder_and_not_the_images(folder: Path) -> None:
    images = load(config(folder, on_disk=True))
    packed = pickle.dumps(images)
    assert len(packed) < 1000 < images.images.nbytes
    assert torch.equal(pickle.loads(packed).images, images.images)


def test_a_changed_folder_is_converted_anew_and_the_user_hears_of_the_old_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read(config(folder, on_disk=True)).fingerprint
    assert "older" not in capsys.readouterr().err
    Image.new("RGB", (40, 40), "red").save(folder / "a" / "new.png")
    after = read(config(folder, on_disk=True))
    assert after.fingerprint == read(config(folder)).fingerprint != before
    assert len(converted(folder)) == 2
    assert "lie older conversions (1, " in capsys.readouterr().err
    read(config(folder, on_disk=True))
    assert "older" not in capsys.readouterr().err  # it was said once


def odd(folder: Path) -> None:
    """A broken file, one that is no image, and a transparent one."""
    (folder / "a" / "broken.png").write_bytes(b"no image")
    (folder / "a" / "notes.txt").write_text("notes")
    Image.new("RGBA", (50, 60)).save(folder / "b" / "clear.png")


def test_what_reading_came_upon_is_told_whoever_converted(folder: Path, tmp_path: Path) -> None:
    odd(folder)
    plain = read(config(folder, skip_broken=True))
    for _ in range(2):  # converted, then opened
        assert read(config(folder, skip_broken=True, on_disk=True)).findings == plain.findings
    assert plain.findings is not None and plain.findings.broken and plain.findings.skipped and plain.findings.sizes
    folder.rename(tmp_path / "moved")
    (tmp_path / ".mine.on_disk").rename(tmp_path / ".moved.on_disk")
    moved = read(config(tmp_path / "moved", skip_broken=True, on_disk=True))
    assert moved.findings == dataclasses.replace(plain.findings, path=str(tmp_path / "moved"))
    assert len(converted(tmp_path / "moved")) == 1


def test_broken_files_are_refused_as_in_memory_also_if_they_were_skipped_before(folder: Path) -> None:
    odd(folder)
    messages = set()
    for mapped in (False, True, True):
        with pytest.raises(DataError) as error:
            read(config(folder, on_disk=mapped))
        messages.add((error.value.path, str(error.value)))
        if mapped:
            read(config(folder, skip_broken=True, on_disk=True))
    assert len(messages) == 1 and "broken.png" in str(messages)


def _convert(folder: Path) -> None:
    read(config(folder, on_disk=True))


def test_of_two_commands_one_converts_and_the_other_waits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = image_folder.decode

    def counted(file: Path, *others: Any) -> Any:
        with open(folder.parent / "decoded", "a") as log:
            log.write(f"{file}\n")
        return decode(file, *others)

    monkeypatch.setattr(image_folder, "decode", counted)
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=_convert, args=(folder,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len((folder.parent / "decoded").read_text().splitlines()) == 24


def test_after_a_kill_the_conversion_starts_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(process_space: Any, done: int, total: int) -> None:
        if done == 10:
            os._exit(9)

    fork = multiprocessing.get_context("fork")
    with monkeypatch.context() as patched:
        patched.setattr(on_disk.Files, "progress", killed)
        process = fork.Process(target=_convert, args=(folder,))
        process.start()
        process.join()
    assert process.exitcode == 9 and converted(folder) == []
    assert list((folder.parent / ".mine.on_disk").glob("*.partial"))
    assert read(config(folder, on_disk=True)).fingerprint == read(config(folder)).fingerprint
    assert not list((folder.parent / ".mine.on_disk").glob("*.partial"))


def test_an_altered_file_is_found(folder: Path) -> None:
    read(config(folder, on_disk=True))
    file = converted(folder)[0].parent / "images.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"images.npy has changed\); delete it, and it is converted again") as error:
        read(config(folder, on_disk=True))
    assert error.value.path == "data.on_disk"


def test_memory_does_not_limit_it_and_the_disk_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_check, "available_memory", lambda: 1000)
    with pytest.raises(DataError, match="of memory"):
        read(config(folder))
    with monkeypatch.context() as patched:
        usage = type("Usage", (), {"free": 1000})
        patched.setattr(on_disk.shutil, "disk_usage", lambda _folder: usage)
        with pytest.raises(DataError, match=r"data.on_disk needs 0.1 MB beside it while it is converted, and 0.0 MB"):
            read(config(folder, on_disk=True))
    assert len(read(config(folder, on_disk=True))) > 0


def test_progress_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(on_disk, "REPORT_SECONDS", -1.0)
    read(config(folder, on_disk=True))
    lines = capsys.readouterr().err.splitlines()
    assert lines[10] == f"{folder}: 10 of 24 images are converted"


def test_only_a_folder_is_converted(small: Small) -> None:
    with pytest.raises(ValueError, match=r"data.on_disk: is only for image_folder, and the data set is digits"):
        small({"data.on_disk": True})


def test_names_that_are_no_text_and_paths_that_lead_up_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = next(folder.rglob("*.png"))
    os.link(some, os.fsencode(some.parent) + b"/\xff.png")
    inner = next(path for path in folder.iterdir() if path.is_dir())
    monkeypatch.chdir(inner)
    data = DataConfig(name="image_folder", path="..", on_disk=True)
    assert on_disk.folder_of(data, Path("..")).parent.parent == folder.parent
