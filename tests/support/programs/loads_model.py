"""Loads a model from MLflow as somebody without this project does, and draws with it.

`loads_model.py MODEL_URI TRACKING_URI INPUTS DRAWN`: the generator's inputs in an .npz, the images in an .npy.
"""

from __future__ import annotations

import sys

import mlflow.pytorch
import numpy as np
import torch


def main() -> None:
    uri, tracking, inputs, drawn = sys.argv[1:]
    mlflow.set_tracking_uri(tracking)
    generator = mlflow.pytorch.load_model(uri)
    with torch.no_grad():
        images = generator(*map(torch.from_numpy, np.load(inputs).values()))
    np.save(drawn, images.numpy())
    assert "gan_core" not in sys.modules


if __name__ == "__main__":
    main()
