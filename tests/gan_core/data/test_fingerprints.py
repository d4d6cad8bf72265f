"""Fingerprints, which are part of the keys of trials, are those of the first version: finished trials stay finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_core.config.identity import trial_key
from gan_core.config.sections import DataConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import read

NOISE = np.random.RandomState(0).randint(0, 256, (30, 44, 36, 3)).astype(np.uint8)


def write_folder(folder: Path) -> Path:
    for number, image in enumerate(NOISE):
        name = ("b", "a", "C")[number % 3]
        place = folder / name / "deeper" if number % 2 else folder / name
        place.mkdir(parents=True, exist_ok=True)
        array = image if number % 5 else image[..., 0]
        Image.fromarray(array).save(place / f"{number}.png")
    return folder


def write_grey_folder(folder: Path) -> Path:
    folder.mkdir()
    for number, image in enumerate(NOISE):
        Image.fromarray(image[:32, :32, 0]).save(folder / f"{number}.{('png', 'bmp')[number % 2]}")
    return folder


def write_arrays(file: Path, channels_first: bool = False, **more: Any) -> Path:
    np.savez(file, images=NOISE.transpose(0, 3, 1, 2) if channels_first else NOISE, labels=np.arange(30) % 4, **more)
    return file


def write_small_digits(file: Path) -> Path:
    np.savez(file, train_images=NOISE[:20, :28, :28, 0], test_images=NOISE[20:, :28, :28, 0])
    return file


def data_of(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        "digits": {},
        "digits 3 and 1": {"classes": [3, 1]},
        "digits rgb": {"rgb": True},
        "folder": {"name": "image_folder", "path": str(write_folder(folder / "classes"))},
        "folder 64": {"name": "image_folder", "path": str(folder / "classes"), "image_size": 64},
        "grey folder": {"name": "image_folder", "path": str(write_grey_folder(folder / "grey"))},
        "arrays": {"name": "npz", "path": str(write_arrays(folder / "last.npz"))},
        "arrays, channels first": {"name": "npz", "path": str(write_arrays(folder / "first.npz", True))},
        "arrays 28, parts": {"name": "npz", "path": str(write_small_digits(folder / "small.npz")), "rgb": True},
    }


@pytest.mark.parametrize(
    ("name", "fingerprint", "key"),
    [
        ("digits", "df64448d80ba482a", "a45ca899f255ec6c"),
        ("digits 3 and 1", "e48274b9882bea7a", "98e27e6ca11ddf1f"),
        ("digits rgb", "6fb0854808090488", "673304d92d4ff6e1"),
        ("folder", "b2b79db034a0d3c6", "afcd47097c6eb139"),
        ("folder 64", "e3454a229d832521", "fef3cd4c41f07be6"),
        ("grey folder", "255157e59caa5678", "37f856c767d58a44"),
        ("arrays", "1c9ff2ddcdaf5231", "239fd0705460a611"),
        ("arrays, channels first", "1c9ff2ddcdaf5231", "239fd0705460a611"),
        ("arrays 28, parts", "1cc961fa013f3b7f", "8c5edcaaf903b2a5"),
    ],
)
def test_a_data_set_keeps_its_fingerprint_and_its_trials_their_keys(
    tmp_path: Path, name: str, fingerprint: str, key: str
) -> None:
    data = DataConfig.model_validate(data_of(tmp_path)[name])
    assert read(data).fingerprint == fingerprint
    assert trial_key(TrialConfig(data=data), fingerprint) == key
