"""How long do the trials of the shipped experiments take?

    python benchmarks/experiment_cost.py OUTPUT.json --home HOME --root FOLDER --npz FILE.npz

It times steps and one evaluation of each configuration of each experiment, on one thread, by the processor's time, and
writes them to OUTPUT.json; it runs the smoke sweep too, whose trials say how long others will take. HOME keeps
classifiers, FOLDER holds MNIST as torchvision does, FILE.npz the images of the original report.

Takes about 15 minutes, on a machine that should do nothing else meanwhile. Run it again: where OUTPUT.json has a
smaller time already, that is kept, because whatever else a machine does only adds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
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


def seconds_in_a_sweep(file: Path) -> dict[str, float]:
    """configuration -> the seconds of its trial in a real sweep of an empty home."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "orchestrator", "sweep", str(file), "--home", home]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        trials = make_plan(loader.load(file), Path(home)).trials
    return {planned.trial.configuration: round(planned.record.seconds, 2) for planned in trials}


def smaller_times(rows: list[dict[str, Any]], earlier: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each configuration, the smaller of what was measured now and earlier."""
    known = {row["configuration"]: row for row in earlier}
    return [
        {name: min(value, known.get(row["configuration"], {}).get(name, value)) for name, value in row.items()}
        for row in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="How long do the trials of the shipped experiments take?")
    parser.add_argument("output", type=Path)
    parser.add_argument("--home", type=Path, required=True, help="keeps the classifiers")
    parser.add_argument("--root", required=True, help="folder that holds MNIST")
    parser.add_argument("--npz", required=True, help="images of the original report")
    parser.add_argument("--only", nargs="*", help="of these experiments, such as original/dcgan.yaml")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.home.mkdir(parents=True, exist_ok=True)
    measured: dict[str, list[dict[str, Any]]] = (
        json.loads(options.output.read_text()) if options.output.exists() else {}
    )
    for file in sorted(EXPERIMENTS.rglob("*.yaml")):
        name = str(file.relative_to(EXPERIMENTS))
        if options.only and name not in options.only:
            continue
        text = file.read_text()
        overrides = [f"trial.data.path={options.npz}"] if "data: {name: npz" in text else []
        overrides += [f"trial.data.root={options.root}"] if "mnist}" in text else []
        rows = timed(file, overrides, options.home)
        if name == "smoke.yaml":
            in_a_sweep = seconds_in_a_sweep(file)
            rows = [{**row, "in a sweep": in_a_sweep[row["configuration"]]} for row in rows]
        measured[name] = smaller_times(rows, measured.get(name, []))
        options.output.write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
