"""`orchestrate sample`: images from a trained generator, as one PNG. Needs neither Ray nor MLflow nor the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from rich.console import Console
from torch import Tensor

from gan_core import sampling
from gan_core.config.trial import TrialConfig
from gan_core.error_text import first_line
from gan_core.generator_file import SavedGenerator, from_checkpoint, from_generator_file
from orchestrator.command_hints import orchestrate_command
from orchestrator.commands.trial_lookup import find_trial
from orchestrator.console.output import say
from orchestrator.errors import UserError
from orchestrator.formatting import short_key, trial_label
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.trial.pictures import save_png

ImageLayout = Literal["grid", "by-class", "interpolation"]


@dataclass(frozen=True)
class SampleRequest:
    """The options of `orchestrate sample`.

    `trial`: its key, name or place. `count`: number of images of a grid; the other layouts have a fixed size.
    `best`: use the generator of the best evaluation, not the last one. `seed`: of the latents. `output`: the PNG file;
    None: a name in the current folder.
    """

    trial: str
    layout: ImageLayout = "grid"
    count: int = 64
    best: bool = False
    seed: int = 0
    output: Path | None = None


def sample(folder: SweepFolder, request: SampleRequest, console: Console) -> None:
    """Draw the images of a request into a PNG file. Raises UserError."""
    trial = find_trial(folder, request.trial)
    key = short_key(trial["key"])
    trial_folder = folder.trial(trial["key"])
    saved, description = load_generator(folder, trial_folder, trial_folder.record(), request.best)
    latents, labels, columns = generator_inputs(request, saved)
    best = "-best" if request.best else ""
    file = request.output or Path(f"{folder.name}-{key}-{request.layout}{best}.png")
    if file.suffix.lower() != ".png":
        raise UserError(f"--output {file}: pictures are PNG; give a name that ends in .png")
    images = sampling.generate(saved.generator, latents, labels)
    try:
        save_png(file, sampling.grid(images, columns))
    except OSError as error:
        raise UserError(
            f"--output {file} cannot be written ({error.strerror}); give a file in another folder"
        ) from None
    label = trial_label(trial["key"], trial["name"])
    say(console, f"{len(images)} images of {label}, {description}, latents of seed {request.seed}")
    say(console, f"picture  {file}")
    logs = orchestrate_command(f"logs {folder.name} {key}", folder.home)
    say(console, f"next     {logs}, to see how it was trained")


def load_generator(
    folder: SweepFolder, trial_folder: TrialFolder, record: Record, best: bool
) -> tuple[SavedGenerator, str]:
    """The best or the last generator of a trial, and a description of it. Raises UserError if there is none."""
    key = trial_folder.key
    if "imported" in folder.document():
        raise UserError(
            f"{key} is an imported run: its generator stayed where it was trained, so there is nothing to draw with; "
            f"{orchestrate_command(f'logs {folder.name} {short_key(key)}', folder.home)} shows its history"
        )
    status = orchestrate_command(f"status {folder.name}", folder.home)
    hint = f"`{status}` says where its sweep stands"
    try:
        if best:
            if not trial_folder.best_generator_file.exists():
                raise UserError(f"{key} has no best generator: no evaluation was saved yet; {hint}")
            saved = from_generator_file(trial_folder.best_generator_file)
            return saved, f"at its best evaluation (step {record.best['step']:.0f})"
        if trial_folder.generator_file.exists():
            return from_generator_file(trial_folder.generator_file), f"after its last step ({record.step})"
        if record.verdict:  # diverged: there are no finite weights after that step
            raise UserError(
                f"{key} {record.verdict['name']} at step {record.step} and has no last generator; "
                "--best draws from the one of its best evaluation"
            )
        if trial_folder.checkpoint_file.exists():
            config = TrialConfig.model_validate_json(trial_folder.config_file.read_text())
            saved, step = from_checkpoint(trial_folder.checkpoint_file, config)
            return saved, f"{record.status}, as of its checkpoint at step {step}"
    except ValueError as error:  # a damaged file, or one of another version of this program
        raise UserError(f"the generator of {key} cannot be read ({first_line(error)}); {hint}") from None
    raise UserError(f"{key} is {record.status} and has no generator yet; {hint}")


def generator_inputs(request: SampleRequest, saved: SavedGenerator) -> tuple[Tensor, Tensor | None, int]:
    """Latents `[images, latent_dim]`, labels `[images]` (None without classes) and the number of columns.

    Raises UserError if images by class are requested from a generator without classes.
    """
    latent_dim, classes = saved.config.model.latent_dim, saved.classes
    side = sampling.GRID_SIDE
    if request.layout == "by-class":
        if not classes:
            family = saved.config.model.family
            raise UserError(
                f"--by-class needs an acgan or sngan_projection; this {family} is asked for no class; use --grid"
            )
        shown = sampling.classes_in_grid(classes, saved.config.data.image_size)
        return *sampling.grid_inputs(latent_dim, shown, request.seed), side
    if request.layout == "interpolation":
        row_numbers = torch.arange(side).repeat_interleave(side)
        labels = row_numbers % classes if classes else None
        return sampling.interpolated_latents(latent_dim, request.seed), labels, side
    labels = torch.arange(request.count) % classes if classes else None
    columns = math.ceil(math.sqrt(request.count))
    return sampling.fixed_latents(request.count, latent_dim, request.seed), labels, columns
