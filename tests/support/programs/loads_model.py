"""Loads a model from MLflow as somebody without this project does, and draws with it.

`loads_model.py (MODEL_URI TRACKING_URI INPUTS DRAWN)...`: a generator's inputs in an .npz, the images in an .npy.
"""

from __future__ import annotations

import sys
from typing import Any

import mlflow.pyfunc
import mlflow.pytorch
import numpy as np
import pandas as pd
import pytest
import torch


def check_predict(model: Any, named: dict[str, Any], drawn: np.ndarray) -> None:
    """`predict` draws the same from every form of the same inputs, and refuses others with what would be right."""
    forms: list[Any] = [named, {name: values.tolist() for name, values in named.items()}]
    forms.append(pd.DataFrame({name: list(values) for name, values in named.items()}))
    for form in forms:
        assert np.array_equal(model.predict(form), drawn)
    latents = named["latents"]
    in_turn = model.predict(latents)
    for same in (latents.astype("float64"), latents.tolist(), pd.DataFrame(latents), {"latents": latents}):
        assert np.array_equal(model.predict(same), in_turn)
    assert model.predict(3).shape == (3, *drawn.shape[1:])
    if "labels" in named:
        assert model.predict({"labels": [0, 1]}).shape[0] == 2
    for wrong in (latents[:, 1:], {"latent": latents}, {"latents": latents, "labels": [0]}):
        with pytest.raises(ValueError, match="latent"):
            model.predict(wrong)


def check_module(module: Any, named: dict[str, Any], drawn: torch.Tensor) -> None:
    """It is a module like others: `eval()` changes nothing, and it has parameters. It cannot be trained."""
    assert module.eval() is module and not module.eval().training
    with torch.no_grad():
        assert torch.equal(module(*map(torch.from_numpy, named.values())), drawn)
    assert list(module.parameters())
    with pytest.raises(NotImplementedError, match="always in eval mode"):
        module.train()


def draw(uri: str, tracking: str, inputs: str, drawn: str) -> None:
    mlflow.set_tracking_uri(tracking)
    generator = mlflow.pytorch.load_model(uri)
    with torch.no_grad():
        images = generator(*map(torch.from_numpy, np.load(inputs).values()))
    np.save(drawn, images.numpy())
    model = mlflow.pyfunc.load_model(uri)
    check_module(model.get_raw_model(), dict(np.load(inputs)), images)
    check_predict(model, dict(np.load(inputs)), images.numpy())


def main() -> None:
    words = sys.argv[1:]
    for start in range(0, len(words), 4):
        draw(*words[start : start + 4])
    assert "gan_core" not in sys.modules


if __name__ == "__main__":
    main()
