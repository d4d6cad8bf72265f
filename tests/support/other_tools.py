"""Logs of GANs that other tools have trained, written by the tools themselves from the same made-up curves."""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

BATCH_SIZE = 32
EVERY, STEPS = 100, 2_000
EVALUATIONS = 500
"""Steps from one evaluation to the next."""


class OtherRun(NamedTuple):
    """settings: lr, r1 and seed. rows: g_loss, d_loss, d_acc at each step; `fid` at each evaluation, and at step 0."""

    settings: dict[str, Any]
    rows: list[dict[str, float]]

    @property
    def name(self) -> str:
        return f"dcgan-lr{self.settings['lr']:g}-r{self.settings['r1']}-s{self.settings['seed']}"


def other_runs(seeds: int = 3, lrs: tuple[float, ...] = (2e-4, 1e-2)) -> list[OtherRun]:
    """Two learning rates with and without R1. Without it the high rate diverges, or ends with bad images."""
    return [
        OtherRun({"lr": lr, "r1": r1, "seed": seed}, list(_rows(lr, r1, seed)))
        for lr in lrs
        for r1 in (0, 10)
        for seed in range(seeds)
    ]


def _rows(lr: float, r1: int, seed: int) -> Iterator[dict[str, float]]:
    rng = random.Random(f"{lr} {r1} {seed}")
    breaks = lr > 1e-3 and not r1
    diverges_at = 1_200 if breaks and seed % 2 == 0 else math.inf
    for step in range(0, STEPS + 1, EVERY):
        row: dict[str, float] = {"step": step}
        if step:
            noise = rng.gauss(0, 0.05)
            row |= {"g_loss": 1 + noise + lr * 20, "d_loss": 1.2 - noise, "d_acc": min(1.0, 0.7 + abs(noise))}
        if step % EVALUATIONS == 0:
            distance = 300 * math.exp(-step / 400) + 20 + rng.random()
            row["fid"] = distance * (30 if breaks and step > 1_000 else 1)
        if step >= diverges_at:
            row |= {"g_loss": math.nan, "d_loss": math.nan, "fid": row.get("fid", 0.0)}
            row.pop("fid")
        yield row


def write_table(file: Path, runs: list[OtherRun]) -> None:
    """A CSV or a parquet file, by pandas. An evaluation is in the row of its step; NaN is an empty cell."""
    import pandas as pd

    frame = pd.DataFrame([run.settings | row | {"note": "x"} for run in runs for row in run.rows])
    frame.to_csv(file, index=False) if file.suffix == ".csv" else frame.to_parquet(file)


def write_tensorboard(folder: Path, runs: list[OtherRun]) -> None:
    """A folder for each run, by torch's SummaryWriter, with its hparams."""
    from torch.utils.tensorboard import SummaryWriter

    for run in runs:
        with SummaryWriter(str(folder / run.name)) as writer:
            for row in run.rows:
                for name, value in row.items():
                    if name != "step":
                        writer.add_scalar(f"train/{name}", value, int(row["step"]))
            writer.add_hparams({**run.settings, "norm": "batch", "ema": True}, {"hparam/fid": 1.0})


def write_wandb(folder: Path, runs: list[OtherRun]) -> None:
    """A folder `wandb`, by W&B in its offline mode. Settings are nested, as configs often are."""
    folder.mkdir(parents=True, exist_ok=True)
    with patch.dict(os.environ, {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}):
        import wandb

        for run in runs:
            config = {"optimizer": {"lr": run.settings["lr"]}, "r1": run.settings["r1"], "seed": run.settings["seed"]}
            logger = wandb.init(project="gans", dir=folder, name=run.name, config=config)
            for row in run.rows:
                values = {name: value for name, value in row.items() if name != "step"}
                logger.log(
                    {"train": {k: v for k, v in values.items() if k != "fid"}, **_only(values, "fid")}, int(row["step"])
                )
            logger.finish()
        wandb.teardown()  # on a busy machine the last file is not yet written when its run has finished


def _only(values: dict[str, float], name: str) -> dict[str, float]:
    return {name: values[name]} if name in values else {}


def write_wandb_chart(file: Path, runs: list[OtherRun], metric: str) -> None:
    """A CSV as the page of a W&B chart downloads it: `Step`, and for each run the metric with its extremes."""
    names = [run.name for run in runs]
    header = ["Step", *(f"{name} - {metric}{end}" for name in names for end in ("", "__MIN", "__MAX"))]
    lines = [header]
    for rows in zip(*(run.rows for run in runs), strict=True):
        cells = [_cell(row.get(metric)) for row in rows for _ in range(3)]
        lines.append([f"{rows[0]['step']:.0f}", *cells])
    file.write_text("\n".join(",".join(f'"{cell}"' for cell in line) for line in lines) + "\n", encoding="utf-8")


def _cell(value: float | None) -> str:
    return "" if value is None else "NaN" if math.isnan(value) else repr(value)


def write_mlflow(uri: str, experiment: str, runs: list[OtherRun]) -> None:
    """An experiment with a run for each, by MLflow's client."""
    from mlflow.entities import Metric, Param

    from orchestrator.tracking.client import client_for

    client = client_for(uri)
    experiment_id = client.create_experiment(experiment)
    for run in runs:
        made = client.create_run(experiment_id, run_name=run.name, tags={"seed": str(run.settings["seed"])})
        params = [Param("lr", str(run.settings["lr"])), Param("r1", str(run.settings["r1"]))]
        metrics = [
            Metric(name, value, 1_700_000_000_000 + int(row["step"]), int(row["step"]))
            for row in run.rows
            for name, value in row.items()
            if name != "step"
        ]
        client.log_batch(made.info.run_id, metrics=metrics, params=params)
        client.set_terminated(made.info.run_id)


def write_stylegan(folder: Path, runs: list[OtherRun]) -> None:
    """A folder for each run, as NVIDIA's code writes it: `training/training_loop.py`, `torch_utils/training_stats.py`,
    `metrics/metric_main.py` and `train.py` of https://github.com/NVlabs/stylegan3.

    A statistic is {"num", "mean", "std"}; NaN is JSON's NaN; a snapshot's name has thousands of images.
    """
    for number, run in enumerate(runs):
        of_run = folder / f"{number:05d}-stylegan2-digits-gpus1-batch{BATCH_SIZE}"
        of_run.mkdir(parents=True)
        options = {
            "G_opt_kwargs": {"class_name": "torch.optim.Adam", "betas": [0, 0.99], "lr": run.settings["lr"]},
            "loss_kwargs": {"class_name": "training.loss.StyleGAN2Loss", "r1_gamma": float(run.settings["r1"])},
            "training_set_kwargs": {"path": "/data/digits-32x32.zip", "resolution": 32},
            "batch_size": BATCH_SIZE,
            "random_seed": run.settings["seed"],
            "total_kimg": STEPS * BATCH_SIZE / 1000,
        }
        (of_run / "training_options.json").write_text(json.dumps(options, indent=2))
        with open(of_run / "stats.jsonl", "w") as stats, open(of_run / "metric-fid50k_full.jsonl", "w") as metrics:
            for row in run.rows:
                images = (row["step"] or 1) * BATCH_SIZE  # the first tick is after one batch
                time = 1_700_000_000 + row["step"]
                sign = 2 * row.get("d_acc", 0.5) - 1
                means = {
                    "Loss/G/loss": row.get("g_loss", 0.7),
                    "Loss/D/loss": row.get("d_loss", 1.4),
                    "Loss/signs/real": sign,
                    "Loss/signs/fake": -sign,
                    "Progress/kimg": images / 1000,
                }
                fields: dict[str, Any] = {name: {"num": 64, "mean": mean, "std": 0.0} for name, mean in means.items()}
                stats.write(json.dumps({**fields, "timestamp": time}) + "\n")
                if "fid" in row:
                    result = {
                        "results": {"fid50k_full": row["fid"]},
                        "metric": "fid50k_full",
                        "total_time": 12.5,
                        "total_time_str": "12s",
                        "num_gpus": 1,
                        "snapshot_pkl": f"network-snapshot-{images // 1000:06d}.pkl",
                        "timestamp": time,
                    }
                    metrics.write(json.dumps(result) + "\n")
