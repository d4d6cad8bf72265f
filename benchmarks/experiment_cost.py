"""How long do the trials of the shipped experiments take?

    python benchmarks/experiment_cost.py OUTPUT.json --home HOME --root FOLDER --npz FILE.npz

It times steps and one evaluation of each configuration of each experiment, on one thread, by the processor's time, and
writes them to OUTPUT.json. HOME keeps classifiers, FOLDER holds MNIST as torchvision does, FILE.npz the images of the
original report. Takes ten minutes or more, on a machine that does nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from trial_cost import seconds_of

from gan_core.training.trainer import Trainer
from orchestrator.planning.evaluators import build_evaluators
from orchestrator.planning.plan import make_plan
from orchestrator.sweepfile import loader

EXPERIMENTS = Path(__file__).resolve().parents[1] / "experiments"


def timed(file: Path, overrides: list[str], home: Path) -> list[dict[str, Any]]:
    """Each configuration of an experiment, with its seconds."""
    plan = make_plan(loader.load(file, overrides), home)
    evaluators = build_evaluators(plan, home, on_phase=print, note=lambda _: None, all_trials=True)
    rows, seen = [], set[str]()
    for planned in plan.trials:
        name = planned.trial.configuration
        if name in seen:
            continue
        seen.add(name)
        images, evaluator = plan.images[planned.fingerprint], evaluators[planned.evaluation]
        step, evaluation = seconds_of(Trainer(planned.config, images, torch.device("cpu"), evaluator))
        print(f"{plan.sweep.name}: {name}: {1000 * step:.1f} ms a step, {evaluation:.2f} s an evaluation", flush=True)
        rows.append({"configuration": name, "step": round(step, 5), "evaluation": round(evaluation, 3)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="How long do the trials of the shipped experiments take?")
    parser.add_argument("output", type=Path)
    parser.add_argument("--home", type=Path, required=True, help="keeps the classifiers")
    parser.add_argument("--root", required=True, help="folder that holds MNIST")
    parser.add_argument("--npz", required=True, help="images of the original report")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.home.mkdir(parents=True, exist_ok=True)
    measured: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(EXPERIMENTS.rglob("*.yaml")):
        text = file.read_text()
        overrides = [f"trial.data.path={options.npz}"] if "data: {name: npz" in text else []
        overrides += [f"trial.data.root={options.root}"] if "mnist}" in text else []
        measured[str(file.relative_to(EXPERIMENTS))] = timed(file, overrides, options.home)
        options.output.write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
