"""An evaluator is built once: afterwards its file gives the same numbers, and never those of other code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
import torch

from gan_core.config.sections import EvaluationConfig
from gan_core.data.datasets import ImageSet
from gan_core.evaluation import evaluator_file
from gan_core.evaluation.evaluator import Evaluator
from gan_core.evaluation.evaluator_file import kept_or_built
from gan_core.evaluation.features import Features

CONFIG = EvaluationConfig(samples=512)
Made = Callable[[Path], Evaluator]


@pytest.fixture
def made(digits: ImageSet, digit_features: Features) -> Made:
    return lambda folder: kept_or_built(CONFIG, digits, digit_features, folder)


def not_again(*given: object) -> NoReturn:
    pytest.fail("it was built again")


def file_of(evaluator: Evaluator, folder: Path) -> Path:
    return folder / f"{evaluator.id}.pt"


def test_its_file_measures_the_same(
    made: Made, digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = made(tmp_path / "new")
    monkeypatch.setattr(evaluator_file, "build", not_again)
    kept = made(tmp_path / "new")
    asked = torch.arange(300) % 10
    assert built.equal_parts is not None
    assert kept.measure(digits.images[:300], asked) == built.measure(digits.images[:300], asked)
    assert kept.card() == built.card()


@pytest.mark.parametrize("samples", [{"samples": 256}, {"split": "test"}])
def test_other_settings_have_another_file(
    made: Made, digits: ImageSet, digit_features: Features, tmp_path: Path, samples: dict[str, object]
) -> None:
    other = kept_or_built(CONFIG.model_copy(update=samples), digits, digit_features, tmp_path)
    assert other.id != made(tmp_path).id
    assert len(list(tmp_path.iterdir())) == 2


def test_other_code_builds_it_anew(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of(made(tmp_path), tmp_path)
    before = file.read_bytes()
    monkeypatch.setattr(evaluator_file, "_code", lambda: "other")
    made(tmp_path)
    assert file.read_bytes() != before
    monkeypatch.setattr(evaluator_file, "build", not_again)
    made(tmp_path)


def test_code_is_also_torch_and_the_choice_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pixels.py").write_text("other")
    codes = {evaluator_file._code()}
    for target, name, value in (
        (torch, "__version__", "0"),
        (evaluator_file.pixels, "__file__", str(tmp_path / "pixels.py")),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, value)
            evaluator_file._code.cache_clear()
            codes.add(evaluator_file._code())
    evaluator_file._code.cache_clear()
    assert len(codes) == 3


def test_a_damaged_file_is_written_anew(made: Made, tmp_path: Path) -> None:
    built = made(tmp_path)
    file = file_of(built, tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    assert made(tmp_path).kept_out == built.kept_out
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_done_without(made: Made, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert made(tmp_path / "file").kept_out == made(tmp_path).kept_out


def test_names_of_classes_are_those_of_the_data_now(
    made: Made, digits: ImageSet, digit_features: Features, tmp_path: Path
) -> None:
    made(tmp_path)
    renamed = replace(digits, class_names=tuple("abcdefghij"))
    assert list(kept_or_built(CONFIG, renamed, digit_features, tmp_path).tested) == list("abcdefghij")
