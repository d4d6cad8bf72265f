"""The figures of docs/original-report.md: one column or row for each group, as built first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from PIL import Image

from gan_core import metric_names, sampling
from gan_core.data import pixels
from gan_core.objective import stabilizers

mpl.use("Agg")
import matplotlib.pyplot as plt
from runs import Run, groups, of

G, D, OTHER = "#0072B2", "#D55E00", "#009E73"  # Okabe and Ito's colour-blind-safe colours


def losses(runs: list[Run], file: Path) -> None:
    """Losses of G and D in windows of log_every steps, one line per seed."""
    _curves(
        runs,
        {metric_names.LOSS_GENERATOR: ("generator", G), metric_names.LOSS_DISCRIMINATOR: ("discriminator", D)},
        "loss",
        file,
    )


def accuracy(runs: list[Run], file: Path) -> None:
    """D's balanced accuracy and its ROC AUC, one line per seed."""
    curves = {
        metric_names.ACCURACY_DISCRIMINATOR: ("accuracy", D),
        metric_names.ACCURACY_AUC: ("area under the ROC curve", OTHER),
    }
    _curves(runs, curves, "share", file, limits=(0.0, 1.02))


def _curves(
    runs: list[Run],
    metrics: dict[str, tuple[str, str]],
    title: str,
    file: Path,
    limits: tuple[float, float] | None = None,
) -> None:
    names = groups(runs)
    figure, panels = plt.subplots(1, len(names), figsize=(5.5 * len(names), 3.4), constrained_layout=True)
    for panel, group in zip(panels, names, strict=True):
        for run in of(runs, group):
            for metric, (label, colour) in metrics.items():
                steps, values = run.series(metric)
                style = ("-", "--", ":")[run.seed % 3]
                panel.plot(steps, values, style, color=colour, lw=1, label=label if run.seed == 0 else None)
        panel.set(title=group, xlabel="step", ylabel=title)
        if limits:
            panel.set_ylim(*limits)
        panel.grid(alpha=0.3)
        panel.legend(loc="upper right", fontsize=8)
    figure.savefig(file, dpi=100)
    plt.close(figure)


def progress(runs: list[Run], file: Path, moments: int = 6) -> None:
    """Sample grids of seed 0 at even distances of steps, one row per group."""
    rows = [[_captioned(*grid) for grid in _spread(of(runs, group)[0], moments)] for group in groups(runs)]
    _rows(rows, file, groups(runs))


def _spread(run: Run, moments: int) -> list[tuple[str, np.ndarray]]:
    files = run.folder.sample_files()
    chosen = [files[i] for i in pixels.evenly_spaced(len(files), moments).tolist()]
    return [(f"step {step}", np.asarray(Image.open(path).convert("L"))) for step, path in chosen]


def final_samples(runs: list[Run], file: Path) -> None:
    """The last sample grid of every seed, one row per group."""
    rows = []
    for group in groups(runs):
        last = [(run, *run.folder.sample_files()[-1]) for run in of(runs, group)]
        rows.append([_captioned(f"seed {run.seed}", np.asarray(Image.open(path))) for run, _, path in last])
    _rows(rows, file, groups(runs))


def noisy(runs: list[Run], file: Path) -> None:
    """Generated images without and with the instance noise of their trial, as D sees them; seed 0."""
    rows = []
    for group in groups(runs):
        run = of(runs, group)[0]
        images = _draw(run, sampling.fixed_latents(64, run.config.model.latent_dim), None)
        std = run.config.stabilizers.instance_noise.std
        noisy_images = stabilizers.instance_noise(pixels.to_unit(images), std, torch.Generator().manual_seed(0))
        grids = [sampling.grid(images), sampling.grid(pixels.to_uint8(noisy_images))]
        names = ["generated", f"with noise of std {std:g}"]
        rows.append([_captioned(name, grid[..., 0]) for name, grid in zip(names, grids, strict=True)])
    _rows(rows, file, groups(runs))


def classes(runs: list[Run], file: Path, latents: int = 5) -> None:
    """One row per latent, one column per class (1 to 5 fingers), for seed 0 of each group."""
    rows = []
    for group in groups(runs):
        run = of(runs, group)[0]
        z = sampling.fixed_latents(latents, run.config.model.latent_dim).repeat_interleave(5, dim=0)
        images = _draw(run, z, torch.arange(5).repeat(latents))
        rows.append(_captioned(f"{group}: classes 1 to 5", sampling.grid(images, columns=5)))
    _rows([rows], file)


def beside_real(runs: list[Run], file: Path) -> None:
    """Generated images of seed 0, one row per class, beside real images in the same arrangement."""
    pictures = [("real images", np.asarray(Image.open(runs[0].folder.real_images_file)))]
    for group in groups(runs):
        pictures.append((group, np.asarray(Image.open(of(runs, group)[0].folder.sample_files()[-1][1]))))
    _rows([[_captioned(*picture) for picture in pictures]], file)


def _draw(run: Run, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    generator = run.generator()
    if generator is None:
        return torch.zeros(len(latents), 3 if run.config.data.rgb else 1, 32, 32, dtype=torch.uint8)
    return sampling.generate(generator, latents, labels)


Drawn = Callable[[plt.Axes], None]


def _captioned(caption: str, picture: np.ndarray) -> Drawn:
    def draw(panel: plt.Axes) -> None:
        panel.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        panel.set_title(caption, fontsize=9)

    return draw


def _rows(rows: list[list[Drawn]], file: Path, names: Sequence[str] = ()) -> None:
    columns = max(map(len, rows))
    size = (2.3 * columns, 2.5 * len(rows))
    figure, panels = plt.subplots(len(rows), columns, figsize=size, squeeze=False, constrained_layout=True)
    for row, drawn, name in zip_longest(panels, rows, names, fillvalue=""):
        for panel, draw in zip(row, drawn, strict=False):
            draw(panel)
        for panel in row:
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_frame_on(False)
        row[0].set_ylabel(name)
    figure.savefig(file, dpi=100)
    plt.close(figure)
