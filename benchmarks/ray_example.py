"""Our whole job against Ray's own DCGAN example, `ray.tune.examples.pbt_dcgan_mnist`, from the installed Ray.

    python benchmarks/ray_example.py --data FOLDER        # FOLDER holds MNIST/raw

Both train the same networks (checked weight by weight) with batches of 64 from MNIST, the same number of minibatches in
the same number of trials, as whole jobs of two workers: a fresh process that starts Ray, trains, records and, ours,
writes its report. The two take turns; the table has medians over the rounds.

The peer runs its own Trainable under its own scheduler and settings. Two things differ. Its Inception score wants a
pretrained classifier from a web address; an untrained one of the same class, which costs the same, stands in, and ours
finds its own in the home folder, as after a first sweep (before that it takes a minute of training). And it computes
in float32, where ours takes bfloat16 if the processor has units for it (compare alike: `--precision float32`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from goals import GoalResult

BATCH, GOAL = 64, 4
MINIBATCHES_A_STEP = 5  # of the example's Trainable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds MNIST/raw")
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--minibatches", type=int, default=300, help="a trial; a multiple of 5")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", default="auto", help="of ours: auto, float32 or bfloat16")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        run_peer(options)
        return
    check_same_networks()
    with tempfile.TemporaryDirectory() as folder:
        options.classifier = train_classifier(options.data, Path(folder))
        compare(options)


def train_classifier(data: Path, folder: Path) -> Path:
    """Train the classifier that a sweep keeps in the folder `evaluators` of its home; returns its file."""
    from gan_core.config.sections import DataConfig
    from gan_core.data import datasets
    from gan_core.evaluation.features import classifier

    images = datasets.load(DataConfig(name="mnist", root=str(data.absolute())))
    file = folder / f"{images.fingerprint}.pt"
    classifier(images, file)
    return file


def compare(options: argparse.Namespace) -> None:
    images = options.trials * options.minibatches * BATCH
    seconds: dict[str, list[float]] = {"ray example": [], "orchestrate": []}
    for number in range(options.rounds):
        for name, job in (("ray example", peer_job), ("orchestrate", our_job)):
            took = job(options)
            seconds[name].append(took)
            print(f"round {number + 1}: {name} {took:.1f} s, {images / took:.0f} images/s", flush=True)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{name:12}  median {median:6.1f} s  {images / median:6.0f} images/s")
    ratio = medians["ray example"] / medians["orchestrate"]
    print(GoalResult("images a second against Ray's example", f"{ratio:.2f}x", f"at least {GOAL}x", ratio >= GOAL))


def check_same_networks() -> None:
    """Check that the weights of both networks have the same shapes, in the same order."""
    from ray.tune.examples.pbt_dcgan_mnist import common

    from gan_core.config.trial import TrialConfig
    from gan_core.networks.build import build_networks

    config = TrialConfig()
    ours = build_networks(config.model, config.stabilizers, channels=1, classes=0, image_size=32, seed=0)
    for network, peer in zip(ours, (common.Generator(), common.Discriminator()), strict=True):
        shapes = [[tuple(weight.shape) for weight in module.parameters()] for module in (network, peer)]
        assert shapes[0] == shapes[1], shapes


def timed(command: list[str], **more: str) -> float:
    unset = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "ORCHESTRATE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in unset} | more
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command} failed\n{done.stdout}{done.stderr}")
    return time.perf_counter() - began


def peer_job(options: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "--peer", "--data", str(options.data.absolute())]
        sizes = ["--trials", str(options.trials), "--minibatches", str(options.minibatches)]
        return timed([*command, *sizes], HOME=home)


def our_job(options: argparse.Namespace) -> float:
    sweep = {
        "sweep": "ray-example",
        "seeds": list(range(options.trials)),
        "trial": {
            "data": {"name": "mnist", "root": str(options.data.absolute())},
            "model": {"family": "dcgan", "width": 32},
            "batch_size": BATCH,
            "steps": options.minibatches,
            "precision": options.precision,
        },
        "groups": [{"name": "dcgan"}],
    }
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "evaluators").mkdir()
        shutil.copy(options.classifier, Path(home) / "evaluators")
        file = Path(home) / "sweep.yaml"
        file.write_text(json.dumps(sweep))
        orchestrate = str(Path(sys.executable).parent / "orchestrate")
        seconds = timed([orchestrate, "sweep", str(file), "--home", home, "--workers", "2"])
        records = [json.loads(path.read_text()) for path in Path(home).glob("sweeps/*/trials/*/record.json")]
        assert [record["step"] for record in records] == [options.minibatches] * options.trials
        assert (Path(home) / "sweeps" / "ray-example" / "report" / "report.html").exists()
    return seconds


def run_peer(options: argparse.Namespace) -> None:
    """The example's own main, with our number of trials and steps and without its download."""
    import random

    import numpy as np
    import ray
    from ray import tune
    from ray.tune.examples.pbt_dcgan_mnist.common import Net
    from ray.tune.examples.pbt_dcgan_mnist.pbt_dcgan_mnist_trainable import PytorchTrainable
    from ray.tune.schedulers import PopulationBasedTraining

    ray.init("local", num_cpus=2, include_dashboard=False)
    classifier = Net()
    classifier.eval()
    scheduler = PopulationBasedTraining(
        time_attr="training_iteration",
        perturbation_interval=5,
        hyperparam_mutations={
            "netG_lr": lambda: np.random.uniform(1e-2, 1e-5),
            "netD_lr": lambda: np.random.uniform(1e-2, 1e-5),
        },
    )
    tune.Tuner(
        PytorchTrainable,
        run_config=tune.RunConfig(
            name="pbt_dcgan_mnist",
            stop={"training_iteration": options.minibatches // MINIBATCHES_A_STEP},
            verbose=1,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True),
        ),
        tune_config=tune.TuneConfig(
            metric="is_score", mode="max", num_samples=options.trials, scheduler=scheduler, reuse_actors=True
        ),
        param_space={
            "netG_lr": tune.sample_from(lambda spec: random.choice([0.0001, 0.0002, 0.0005])),
            "netD_lr": tune.sample_from(lambda spec: random.choice([0.0001, 0.0002, 0.0005])),
            "mnist_model_ref": ray.put(classifier),
            "data_dir": str(options.data),
        },
    ).fit()


if __name__ == "__main__":
    main()
