"""`orchestrate sample`: images from a trained generator, as one PNG. Needs neither Ray nor MLflow nor the data."""

from __future__ import annotations

import math
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
from orchestrator.commands.trial_lookup import choose_trial
from orchestrator.console.output import say
from orchestrator.errors import UserError
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.trial.execution import save_png

Picture = Literal["grid", "by-class", "interpolation"]


def sample(
    folder: SweepFolder,
    wanted: str,
    picture: Picture,
    count: int,
    best: bool,
    seed: int,
    output: Path | None,
    console: Console,
) -> None:
    """Draws `count` images (of a grid; the other pictures have a size of their own). Raises UserError."""
    number, trial = choose_trial(folder.sweep()["trials"], wanted, orchestrate_command(f"status {folder.name}", folder.home))
    place = folder.trial(trial["key"])
    product, which = find_generator(place, place.record(), best, folder)
    latents, labels, columns = inputs(picture, product, count, seed)
    file = output or Path(f"{folder.name}-{number}-{picture}{'-best' if best else ''}.png")
    if file.suffix.lower() != ".png":
        raise UserError(f"--output {file}: pictures are PNG; give a name that ends in .png")
    images = sampling.generate(product.generator, latents, labels)
    try:
        save_png(file, sampling.grid(images, columns))
    except OSError as error:
        raise UserError(
            f"--output {file} cannot be written ({error.strerror}); give a file in another folder"
        ) from None
    say(console, f"{len(images)} images of {trial['name']}, {which}, latents of seed {seed}")
    say(console, f"picture  {file}")
    say(console, f"next     {orchestrate_command(f'logs {folder.name} {number}', folder.home)}, to see how it was trained")


def find_generator(place: TrialFolder, record: Record, best: bool, folder: SweepFolder) -> tuple[SavedGenerator, str]:
    """The generator asked for, and what it is in words. Raises UserError where the trial has none."""
    try:
        if best:
            if not place.best_file.exists():
                raise UserError(f"{place.key} has no best generator: no evaluation was saved yet; {_next(folder)}")
            return from_generator_file(place.best_file), f"at its best evaluation (step {record.best['step']:.0f})"
        if place.generator_file.exists():
            return from_generator_file(place.generator_file), f"after its last step ({record.step})"
        if record.verdict:  # diverged: there are no finite weights after that step
            raise UserError(
                f"{place.key} {record.verdict['name']} at step {record.step} and has no last generator; "
                "--best draws from the one of its best evaluation"
            )
        if place.checkpoint_file.exists():
            config = TrialConfig.model_validate_json(place.config_file.read_text())
            product, step = from_checkpoint(place.checkpoint_file, config)
            return product, f"{record.status}, as of its checkpoint at step {step}"
    except ValueError as error:  # a damaged file, or one of another version of this program
        raise UserError(f"the generator of {place.key} cannot be read ({first_line(error)}); {_next(folder)}") from None
    raise UserError(f"{place.key} is {record.status} and has no generator yet; {_next(folder)}")


def _next(folder: SweepFolder) -> str:
    return f"`{orchestrate_command(f'status {folder.name}', folder.home)}` says where its sweep stands"


def inputs(picture: Picture, product: SavedGenerator, count: int, seed: int) -> tuple[Tensor, Tensor | None, int]:
    """Latents, the classes asked for (None without classes) and the columns of the picture. Raises UserError."""
    latent_dim, classes = product.config.model.latent_dim, product.classes
    if picture == "by-class":
        if not classes:
            family = product.config.model.family
            raise UserError(f"--by-class needs an acgan, and this {family} is asked for no class; use --grid")
        return *sampling.grid_inputs(latent_dim, classes, seed), sampling.GRID_SIDE
    if picture == "interpolation":
        rows = torch.arange(sampling.GRID_SIDE).repeat_interleave(sampling.GRID_SIDE)
        return sampling.interpolated_latents(latent_dim, seed), rows % classes if classes else None, sampling.GRID_SIDE
    taking_turns = torch.arange(count) % classes if classes else None
    return sampling.fixed_latents(count, latent_dim, seed), taking_turns, math.ceil(math.sqrt(count))
