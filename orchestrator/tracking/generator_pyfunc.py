"""What `mlflow.pyfunc.load_model` gives for a generator: `predict` draws images. A copy of this file lies in the model.

It therefore imports nothing of this package.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow.pytorch
import numpy as np
import torch

DESCRIPTION_FILE = "generator.json"
"""Beside the traced graph: {"latent_dim": length of a latent, "classes": how many; 0 if it takes no class}."""


class Generator(torch.nn.Module):
    """The traced graph as a module that takes `eval()`, which a bare graph refuses (torch 2.15)."""

    def __init__(self, graph: torch.nn.Module):
        super().__init__()
        self.graph, self.training = graph, False

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Latents of shape (N, latent_dim), then classes of shape (N,) if it takes any -> images from -1 to 1."""
        images: torch.Tensor = self.graph(*inputs)
        return images

    def train(self, mode: bool = True) -> Generator:
        if mode:
            raise NotImplementedError("a traced graph is always in eval mode; train anew with `orchestrate sweep`")
        return self


class Images:
    """The generator as a function from latents to images."""

    def __init__(self, generator: torch.nn.Module, latent_dim: int, classes: int):
        self.generator, self.latent_dim, self.classes = Generator(generator), latent_dim, classes

    def get_raw_model(self) -> Generator:
        """What MLflow's function of this name gives."""
        return self.generator

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> np.ndarray:
        """Draw images: float32 from -1 to 1, of shape (N, channels, height, width).

        model_input: a number of images, which are drawn from the same random latents at every call; latents of shape
        (N, latent_dim) as array, list, tensor or data frame; or a dict or data frame with `latents`, `labels` or both.
        A class that is not given is taken in turn. Raises ValueError.
        """
        latents, labels = self._inputs(model_input)
        inputs = [torch.as_tensor(latents)] + ([torch.as_tensor(labels)] if self.classes else [])
        with torch.no_grad():
            images: torch.Tensor = self.generator(*inputs)
        return images.numpy()

    def _inputs(self, model_input: Any) -> tuple[np.ndarray, np.ndarray]:
        is_dict, names = isinstance(model_input, dict), {"latents", "labels"}
        named = set(model_input if is_dict else getattr(model_input, "columns", ()))
        if (is_dict or named & names) and (unknown := named - names):
            raise ValueError(f"the generator takes latents and labels, not {', '.join(sorted(map(str, unknown)))}")
        labels = np.asarray(model_input["labels"], dtype=np.int64) if "labels" in named else None
        if isinstance(model_input, int | np.integer):
            latents = self._random_latents(int(model_input))
        elif named & names:
            given = model_input["latents"] if "latents" in named else None
            latents = self._random_latents(len(model_input["labels"])) if given is None else np.stack(list(given))
        else:
            latents = np.asarray(model_input)
        latents = np.asarray(latents, dtype=np.float32)
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim:
            raise ValueError(f"latents have the shape (N, {self.latent_dim}); these have {latents.shape}")
        if labels is None:
            labels = np.arange(len(latents)) % max(1, self.classes)
        if labels.shape != (len(latents),) or (self.classes and not ((labels >= 0) & (labels < self.classes)).all()):
            raise ValueError(f"labels are {len(latents)} classes from 0 to {self.classes - 1}, one for each latent")
        return latents, labels

    def _random_latents(self, count: int) -> np.ndarray:
        return np.random.default_rng(0).standard_normal((count, self.latent_dim), dtype=np.float32)


def _load_pyfunc(path: str) -> Images:
    """Called by MLflow, with the folder that the model names as its data."""
    folder = Path(path).parent
    description = json.loads((folder / DESCRIPTION_FILE).read_text())
    return Images(mlflow.pytorch.load_model(str(folder)), description["latent_dim"], description["classes"])
