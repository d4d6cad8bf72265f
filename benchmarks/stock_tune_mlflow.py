"""What recording costs: `orchestrate sweep` against plain Ray Tune with Ray's own `MLflowLoggerCallback`.

    python benchmarks/stock_tune_mlflow.py [--trials 8] [--steps 300] [--rounds 3]

Both run the same trials of the same `gan_core.Trainer` and record the settings, every row of every history, the history
as a file, the sample grids and the generator, in MLflow on SQLite, from two workers that go on from trial to trial. The
two take turns. Ours also keeps checkpoints, makes durable what it records, and ends with a report and a logged model,
whose cost is printed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from goals import GoalResult

from gan_core import metric_names

SECONDS_BETWEEN_LOOKS = 0.1
OURSELVES = [sys.executable, str(Path(__file__).resolve())]


@dataclass(frozen=True)
class JobCost:
    """The seconds by the clock and of CPU that a command and its processes took until everything was recorded.

    `after`: (seconds, CPU) of the report and the model, which come after that.
    """

    seconds: float
    cpu: float
    after: tuple[float, float] = (0.0, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description="What recording costs, ours against Ray Tune's own.")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=Path, metavar="HOME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        run_alone(options.trials, options.steps)
        return
    if options.peer:
        run_peer(options.trials, options.steps, options.peer)
        return
    for name in ("PYTHONDONTWRITEBYTECODE", "MLFLOW_TRACKING_URI", "RAY_ADDRESS", "ORCHESTRATE_HOME"):
        os.environ.pop(name, None)
    jobs = {"orchestrate": ours, "tune and callback": peers, "training alone": training}
    costs: dict[str, list[JobCost]] = {name: [] for name in jobs}
    with tempfile.TemporaryDirectory() as compiled:
        os.environ.setdefault("PYTHONPYCACHEPREFIX", compiled)
        for number in range(options.rounds + 1):  # the first one, which compiles imports, is not counted
            for name, job in jobs.items():
                with tempfile.TemporaryDirectory() as home:
                    cost = job(options.trials, options.steps, Path(home))
                if number:
                    costs[name].append(cost)
                    print(f"round {number}: {name} {cost.seconds:.1f} s, {cost.cpu:.1f} s of CPU", flush=True)
    cpu = [print_overhead(name, costs[name], costs["training alone"]) for name in ("orchestrate", "tune and callback")]
    measured = f"{cpu[0]:.1f} / {cpu[1]:.1f} s of CPU"
    print(GoalResult("beside training, ours against Tune's callback", measured, "less", cpu[0] < cpu[1]))


def print_overhead(name: str, whole: list[JobCost], training: list[JobCost]) -> float:
    """Print the cost beside training; returns its seconds of CPU."""

    def middle(values: list[float]) -> float:
        return statistics.median(values)

    seconds = middle([cost.seconds for cost in whole]) - middle([cost.seconds for cost in training]) / 2
    cpu = middle([cost.cpu for cost in whole]) - middle([cost.cpu for cost in training])
    after = [middle([cost.after[part] for cost in whole]) for part in range(2)]
    print(f"{name:<18} beside training {seconds:.1f} s, {cpu:.1f} s of CPU", end="")
    print(f"; then report and model {after[0]:.1f} s, {after[1]:.1f} s of CPU" if after[0] else "")
    return cpu


def settings(trials: int, steps: int) -> dict[str, Any]:
    evaluation = {"every": steps // 3, "samples": 80, "features": "random"}
    shared = {"data": {"name": "digits"}, "steps": steps, "batch_size": 16, "log_every": 10, "evaluation": evaluation}
    groups = [{"name": "dcgan", "trial": {"model": {"family": "dcgan", "width": 8}}}]
    return {"sweep": "stock", "seeds": list(range(trials)), "trial": shared, "groups": groups}


def ours(trials: int, steps: int, home: Path) -> JobCost:
    file = home / "sweep.json"
    file.write_text(json.dumps(settings(trials, steps)))
    words = [sys.executable, "-m", "orchestrator", "sweep", str(file), "--home", str(home), "--workers", "2"]
    until_recorded, total = run_and_measure(words, "writing the report", home)
    records = [json.loads(path.read_text()) for path in home.glob("sweeps/*/trials/*/record.json")]
    assert [record["step"] for record in records] == [steps] * trials
    after = (total[0] - until_recorded[0], total[1] - until_recorded[1])
    return JobCost(*until_recorded, after)


def peers(trials: int, steps: int, home: Path) -> JobCost:
    sizes = ["--trials", str(trials), "--steps", str(steps)]
    _, total = run_and_measure([*OURSELVES, "--peer", str(home), *sizes], "text that is never printed", home)
    return JobCost(*total)


def training(trials: int, steps: int, home: Path) -> JobCost:
    """One trial after another in a process of its own: seconds and CPU of their steps, start-up left out."""
    words = [*OURSELVES, "--alone", "--trials", str(trials), "--steps", str(steps)]
    return JobCost(*json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout))


def run_and_measure(words: list[str], mark: str, folder: Path) -> tuple[tuple[float, float], tuple[float, float]]:
    """(seconds, CPU) of the command and its processes until it prints `mark`, and until its end.

    It runs in `folder`, because the callback leaves artifacts in the current folder.
    """
    began, known, marked = time.monotonic(), dict[int, float](), None
    with tempfile.NamedTemporaryFile() as output:
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        root, file = psutil.Process(process.pid), Path(output.name)
        while process.poll() is None:
            note_cpu_times(root, known)
            if marked is None and mark in file.read_text():
                marked = time.monotonic() - began, sum(known.values())
            time.sleep(SECONDS_BETWEEN_LOOKS)
        end, text = (time.monotonic() - began, sum(known.values())), file.read_text()
    if process.returncode:
        sys.exit(f"{words} ended with code {process.returncode}\n{text[-3000:]}")
    return marked or end, end


def note_cpu_times(root: psutil.Process, known: dict[int, float]) -> None:
    """Note the CPU time of each process so far. That of an ended process stays as it was noted last."""
    try:
        for process in (root, *root.children(recursive=True)):
            used = process.cpu_times()
            known[process.pid] = used.user + used.system
    except psutil.NoSuchProcess:
        pass


def run_alone(trials: int, steps: int) -> None:
    import torch

    from gan_core.config.trial import TrialConfig
    from gan_core.data.datasets import load
    from gan_core.evaluation import evaluator, features
    from gan_core.training.trainer import Trainer

    torch.set_num_threads(1)
    sweep = settings(trials, steps)
    config = TrialConfig.model_validate({**sweep["trial"], **sweep["groups"][0]["trial"]})
    images = load(config.data)
    measure = evaluator.build(config.evaluation, images, features.random_features(1))
    began, used = time.monotonic(), time.process_time()
    for seed in sweep["seeds"]:
        trainer = Trainer(config.model_copy(update={"seed": seed}), images, "cpu", measure)
        for _ in range(steps):
            trainer.step()
    print(json.dumps([time.monotonic() - began, time.process_time() - used]))


def run_peer(trials: int, steps: int, home: Path) -> None:
    """Written as the documentation of Ray Tune and of its callback recommends."""
    import ray
    import torch
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    from gan_core import generator_file, sampling
    from gan_core.config.identity import effective_settings
    from gan_core.config.trial import TrialConfig
    from gan_core.data.datasets import load
    from gan_core.evaluation import evaluator, features
    from gan_core.training.trainer import Trainer

    sweep = settings(trials, steps)
    plain = {**sweep["trial"], **sweep["groups"][0]["trial"]}

    class Trial(tune.Trainable):  # type: ignore[misc]
        """Reports a row a step."""

        def setup(self, config: dict[str, Any], images: Any, measure: Any) -> None:
            torch.set_num_threads(1)
            self.images, self.measure, self.rows = images, measure, list[dict[str, float]]()
            self.config_of_trial = TrialConfig.model_validate({**plain, "seed": config["seed"]})
            self.trainer = Trainer(self.config_of_trial, images, "cpu", measure)
            # where the callback looks for artifacts
            self.folder = Path(self.logdir.replace("working_dirs", "driver_artifacts"))
            (self.folder / "samples").mkdir(parents=True, exist_ok=True)

        def step(self) -> dict[str, Any]:
            rows = list[dict[str, float]]()
            while not rows:
                progress = self.trainer.step()
                rows = progress.rows
                if progress.snapshot:
                    self.draw(progress.snapshot)
            self.rows += rows
            done = self.trainer.step_count == steps
            if done:
                self.finish()
            return {**{name: value for row in rows for name, value in row.items()}, "done": done}

        def draw(self, snapshot: Any) -> None:
            from PIL import Image

            picture = sampling.grid(snapshot.images, snapshot.columns)[..., 0]
            Image.fromarray(picture).save(self.folder / "samples" / f"{snapshot.step}.png")

        def finish(self) -> None:
            (self.folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in self.rows))
            weights = self.trainer.eval_generator.state_dict()
            generator_file.save(self.folder / "generator.pt", self.config_of_trial, 1, 0, weights)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.setup(new_config, self.images, self.measure)
            return True

    store = f"sqlite:///{home}/mlflow.db"
    images = load(TrialConfig.model_validate(plain).data)
    measure = evaluator.build(TrialConfig.model_validate(plain).evaluation, images, features.random_features(1))
    shared = effective_settings(TrialConfig.model_validate(plain))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=str(home / "ray"))
    tune.Tuner(
        tune.with_resources(tune.with_parameters(Trial, images=images, measure=measure), {"cpu": 1}),
        param_space={**shared, "seed": tune.grid_search(list(range(trials)))},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            storage_path=str(home / "tune"),
            verbose=0,
            callbacks=[MLflowLoggerCallback(store, experiment_name="stock", save_artifact=True)],
        ),
    ).fit()
    check_recorded(home, trials)


def check_recorded(home: Path, trials: int) -> None:
    """Raises AssertionError if the peer did not record what ours records."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("stock").experiment_id])
    assert len(runs) == trials
    for run in runs:
        files = {entry.path for entry in client.list_artifacts(run.info.run_id)}
        assert {"history.jsonl", "samples", "generator.pt"} <= files, files
        assert metric_names.LOSS_GENERATOR in run.data.metrics


if __name__ == "__main__":
    main()
