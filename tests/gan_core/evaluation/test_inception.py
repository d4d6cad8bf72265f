"""Inception's features are torch-fidelity's own, from a file that is what its name says, or a clear refusal."""

from __future__ import annotations

import hashlib
import pickle
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gan_core.data.datasets import ImageSet
from gan_core.data.preprocessing import DataError
from gan_core.evaluation import pretrained
from gan_core.evaluation.features import inception_features

ROOT = Path(__file__).parents[3]
WEIGHTS = "evaluation.weights"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of weights that fit, drawn at random so that signals keep their size through all layers."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3  # with torchvision

    class Untrained(FeatureExtractorInceptionV3):  # type: ignore[misc]
        """torch-fidelity's network as it is made, without the weights that it asks for."""

        def load_state_dict(self, *given: Any, **more: Any) -> None:
            return None

    folder = tmp_path_factory.mktemp("inception")
    torch.save({}, folder / "empty.pth")
    network = Untrained("inception", ["2048"], feature_extractor_weights_path=str(folder / "empty.pth"))
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    torch.save(network.state_dict(), folder / "weights.pth")
    yield folder / "weights.pth"
    (folder / "weights.pth").unlink()  # 95 MB


def refused(setting: str, path: Path) -> str:
    """The message with which the features of this file are refused."""
    with pytest.raises(DataError) as caught:
        inception_features(path)
    assert caught.value.path == setting
    return str(caught.value)


def named_by_its_hash(folder: Path, content: bytes, promised: str = "") -> Path:
    file = folder / f"weights-inception-2015-12-05-{promised or hashlib.sha256(content).hexdigest()[:8]}.pth"
    file.write_bytes(content)
    return file


def test_features_are_the_pool_of_2048_and_do_not_depend_on_the_batch(weights: Path, digits: ImageSet) -> None:
    extractor = inception_features(weights)
    assert (extractor.kind, extractor.dimensions, extractor.accuracy) == ("inception", 2048, None)
    assert extractor.weights_hash == hashlib.sha256(weights.read_bytes()).hexdigest()[:12]
    assert not extractor.network.training
    assert not any(weight.requires_grad for weight in extractor.network.parameters())
    grey = digits.test_images[:2]
    (whole, classes), apart = extractor(grey), extractor(grey, batch_size=1)
    assert whole.shape == (2, 2048) and whole.dtype == torch.float32 and classes is None
    scale = whole.std().item()
    assert scale > 1e-3 and torch.pdist(whole).min() > scale  # two images apart
    torch.testing.assert_close(apart.vectors, whole, rtol=0, atol=1e-4 * scale)
    coloured = extractor(grey.repeat(1, 3, 1, 1)).vectors  # a grey image is one of three equal channels
    torch.testing.assert_close(coloured, whole, rtol=0, atol=1e-4 * scale)


@pytest.mark.parametrize(
    "content",
    [b"", b"no weights", pickle.dumps(Path("x"), 2), pickle.dumps([1, 2], 2), b"PK\x03\x04 cut off"],
    ids=["empty", "text", "object", "list", "cut off"],
)
def test_file_of_something_else_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = named_by_its_hash(tmp_path, content)
    message = refused(WEIGHTS, file)
    assert str(file) in message and "Inception-v3" in message and "\n" not in message


@pytest.mark.parametrize("state", [{"a": torch.zeros(2)}, [torch.zeros(2)], torch.zeros(2), {"fc.weight": "x"}])
def test_file_of_other_weights_is_refused_by_name(tmp_path: Path, state: Any) -> None:
    torch.save(state, tmp_path / "other.pth")
    assert str(tmp_path / "other.pth") in refused(WEIGHTS, tmp_path / "other.pth")


def test_nothing_in_the_file_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "was run",)

    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    refused(WEIGHTS, tmp_path / "evil.pth")
    assert not (tmp_path / "was run").exists()


def test_name_promises_the_first_digits_of_the_hash(tmp_path: Path) -> None:
    honest = named_by_its_hash(tmp_path, b"honest")
    assert pretrained.check("inception", honest) == hashlib.sha256(b"honest").hexdigest()[:12]
    altered = named_by_its_hash(tmp_path, b"altered", promised="6726825d")
    message = refused(WEIGHTS, altered)
    assert "6726825d" in message and hashlib.sha256(b"altered").hexdigest()[:8] in message
    (tmp_path / "mine.pth").write_bytes(b"any")
    assert pretrained.check("inception", tmp_path / "mine.pth") == hashlib.sha256(b"any").hexdigest()[:12]


def test_missing_file_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere.pth") in refused(WEIGHTS, tmp_path / "nowhere.pth")
    assert str(tmp_path) in refused(WEIGHTS, tmp_path)  # a folder


def test_without_torch_fidelity_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    message = refused("evaluation.features", named_by_its_hash(tmp_path, b"any"))
    assert "torch-fidelity" in message and "gan-orchestrator[inception]" in message
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == "gan-orchestrator"
    assert any(need.startswith("torch-fidelity") for need in project["optional-dependencies"]["inception"])
