"""`orchestrate datasets check`: what would be read of one's own images, and what not."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from gan_core.config.sections import DataConfig
from gan_core.data import datasets
from gan_core.data.preprocessing import DataError
from gan_core.data.summary import DataSummary, summarize, summary_lines
from orchestrator.console.output import print_json, say
from orchestrator.errors import UserError, escape_control_characters
from orchestrator.signals import FINISHED, SOME_FAILED
from orchestrator.sweepfile.advice import NEEDED

PLAIN_YAML = re.compile(r"[\w/.-][\w/. -]*(?<! )")
"""A path that needs no quotes in YAML."""
MAX_CLASSES = 1000
"""Classes that are listed."""


def check(path: Path, image_size: int, background: str, on_disk: bool, json: bool, console: Console) -> int:
    """Read the images as a sweep would, without the broken ones; returns 1 if there are some. Raises UserError.

    on_disk: as a sweep with data.on_disk, which then trains from the files that are made here.
    """
    path = datasets.user_path(str(path)).absolute()
    if on_disk and os.path.isfile(path):  # what is not there is refused when it is read
        raise UserError("--on-disk is for folders of images: arrays are read into memory")
    if background != DataConfig().background and not os.path.isdir(path):
        raise UserError("--background is for folders of images: arrays have no transparency")
    summary = _read(path, image_size, background, on_disk)
    if json:
        print_json(summary)
    else:
        for line in _lines(summary, image_size, background, on_disk):
            say(console, escape_control_characters(line), word_wrap=True)
    return SOME_FAILED if summary["broken"] else FINISHED


def _read(path: Path, image_size: int, background: str, on_disk: bool) -> DataSummary:
    settings: dict[str, object] = {"name": "npz", "path": str(path), "image_size": image_size}
    if os.path.isdir(path):  # not Path.is_dir, which raises for a path that is too long
        settings |= {"name": "image_folder", "background": background, "skip_broken": True, "on_disk": on_disk}
    try:
        summary = summarize(datasets.read(DataConfig.model_validate(settings)))
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise UserError(f"--{name.replace('_', '-')}: needed: {NEEDED.get(name, '32, 64, 128 or 256')}") from None
    except DataError as error:
        raise UserError(str(error)) from None
    assert summary is not None
    return summary


def _lines(summary: DataSummary, image_size: int, background: str, on_disk: bool) -> list[str]:
    lines = summary_lines(summary, max_classes=MAX_CLASSES, max_broken=len(summary["broken"]))
    lines += [f"caution: {caution}" for caution in summary["cautions"]]
    path = summary["path"]
    name = "image_folder" if os.path.isdir(path) else "npz"
    written = path if PLAIN_YAML.fullmatch(path) else "'" + path.replace("'", "''") + "'"
    options = f", image_size: {image_size}" if image_size != DataConfig().image_size else ""
    options += f", background: '{background}'" if background != DataConfig().background else ""
    options += ", on_disk: true" if on_disk else ""
    skip = ", skip_broken: true" if summary["broken"] else ""
    advice = "; or repair or remove the broken files" if skip else ""
    return [*lines, f"use it in a sweep file with  data: {{name: {name}, path: {written}{options}{skip}}}{advice}"]
