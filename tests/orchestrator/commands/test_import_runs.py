"""`orchestrate import`: from logs of other tools to the report, and every other command on what it made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page
from rich.console import Console
from support.commands import Done, invoke, trials
from support.mirrors import copy_home, empty_database, mirror_of, with_database
from support.other_tools import other_runs, write_mlflow, write_stylegan, write_table, write_tensorboard, write_wandb
from support.tiny import TINY, stable_trial

import orchestrator as orch
from orchestrator.commands.sync import sync
from orchestrator.errors import UserError
from orchestrator.planning.plan import make_plan
from orchestrator.store.json_files import read_with_checksum, write_with_checksum
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.sweepfile import loader
from orchestrator.tracking.client import client_for

TABLE = """\
sweep: old
question: Does R1 help at a high learning rate?
from: {csv: h.csv}
settings:
  optimizer.lr: lr
  stabilizers.r1: r1
seed: seed
step: {name: step, batch_size: 32}
loss: bce
metrics: {loss/generator: g_loss, loss/discriminator: d_loss, accuracy/discriminator: d_acc, frechet: fid}
evaluator: FID of 50,000 samples (clean-fid)
empty_is_nan: true
"""
pytestmark = pytest.mark.usefixtures("without_pictures")  # but for the reports of fixtures of the whole module
RUNS = other_runs(seeds=2)
VERDICTS = {"diverged": 1, "oscillating": 1, "stable": 6}
"""Of RUNS: without R1 at the high rate seed 0 diverges, and seed 1 ends with bad images."""


def home_of(folder: Path) -> Path:
    return with_database(folder / "home")


def mapping_file(folder: Path, text: str = TABLE) -> Path:
    file = folder / "map.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def names_of_files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A folder with h.csv, map.yaml and the home that it was imported into; and what the command said."""
    folder = tmp_path_factory.mktemp("imported")
    write_table(folder / "h.csv", RUNS)
    return folder, invoke("import", mapping_file(folder), home=home_of(folder))


@pytest.fixture
def copied(imported: tuple[Path, Done], tmp_path: Path) -> Path:
    """A copy of that folder."""
    folder = tmp_path / "copy"
    copy_home(imported[0] / "home", folder / "home")
    for name in ("h.csv", "map.yaml"):
        shutil.copy2(imported[0] / name, folder / name)
    return folder


# What it says and writes


def test_it_says_what_is_mapped_before_it_writes(imported: tuple[Path, Done]) -> None:
    done = imported[1]
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    said = ("lr -> setting optimizer.lr: 2e-4, 0.01", "seed -> seed: 0, 1", "g_loss -> metric loss/generator")
    assert all(lines.index(line) < lines.index("writing the report ...") for line in said)
    assert "ignored: note" in lines and "verdicts: 6 stable, 1 diverged, 1 oscillating" in lines
    assert any(line.startswith("not judged: no samples and no measure of their variety") for line in lines)


def test_a_dry_run_writes_nothing(imported: tuple[Path, Done], tmp_path: Path) -> None:
    folder = imported[0]
    done = invoke("import", folder / "map.yaml", "--dry-run", home=tmp_path / "home")
    assert done.returncode == 0 and "nothing was written" in done.stdout
    assert not list(tmp_path.iterdir())


def test_the_report_answers_with_all_its_statistics(imported: tuple[Path, Done]) -> None:
    report = imported[0] / "home" / "sweeps" / "old" / "report"
    assert {"report.html", "report.md", "trials.csv", "effects.csv", "curves.png"} <= names_of_files(report)
    assert "6 of 8 runs were stable" in imported[1].stdout
    effects = pd.read_csv(report / "effects.csv")
    assert set(effects["factor"]) == {"optimizer.lr", "stabilizers.r1"} and set(effects["pairs"]) == {4}
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "Trained elsewhere, and imported by" in text and "orchestrate import" in text


def test_a_reader_of_the_page_is_told_nothing_that_makes_no_sense(
    imported: tuple[Path, Done], open_page: Callable[..., Page]
) -> None:
    file = imported[0] / "home" / "sweeps" / "old" / "report" / "report.html"
    for width in (1366, 390):
        page = open_page(file, width)
        text = page.inner_text("main")
        for advice in ("orchestrate sweep", "--confirm", "real images that were held out and measured", "trial.steps"):
            assert advice not in text
        assert "trained elsewhere" in text and "Where the runs come from" in text
        assert page.locator("#samples").count() == 0 and page.locator("#curves .chart").count() == 4
        broken = "links => links.filter(a => !document.querySelector(a.getAttribute('href'))).length"
        assert page.eval_on_selector_all("a[href^='#']", broken) == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width


# The other commands


def test_every_other_command_works_on_it(imported: tuple[Path, Done]) -> None:
    home = imported[0] / "home"
    rows = trials("old", home)
    assert {row["verdict"] for row in rows} == set(VERDICTS) and {row["status"] for row in rows} == {"finished"}
    assert {(row["step"], row["steps"]) for row in rows if row["verdict"] == "diverged"} == {(1_200, 2_000)}
    status = invoke("status", "old", home=home).stdout
    assert "orchestrate import" in status and "orchestrate sample" not in status
    logs = invoke("logs", "old", "1", home=home).stdout
    assert "verdict  stable" in logs and "orchestrate report old" in logs and "sample" not in logs
    assert "has everything of old already" in invoke("sync", "old", home=home).stdout
    assert invoke("report", "old", home=home).returncode == 0


def test_a_generator_is_not_there_and_nothing_is_trained(imported: tuple[Path, Done], tmp_path: Path) -> None:
    home = imported[0] / "home"
    before = names_of_files(home / "sweeps" / "old" / "trials")
    for words in (("sample", "old", "1"), ("sample", "old", "1", "--best")):
        done = invoke(*words, home=home)
        assert done.returncode == 2 and "its generator stayed where it was trained" in done.stderr
    (tmp_path / "old.yaml").write_text(TINY.replace("sweep: tiny", "sweep: old"))
    for command in ("sweep", "plan"):
        done = invoke(command, tmp_path / "old.yaml", home=home)
        assert done.returncode == 2 and "old holds imported runs" in done.stderr
    assert names_of_files(home / "sweeps" / "old" / "trials") == before


def test_the_python_api_loads_it(imported: tuple[Path, Done]) -> None:
    result = orch.load("old", home=imported[0] / "home")
    assert result.trials["verdict"].value_counts().to_dict() == VERDICTS
    assert len(result.effects) == 2 and set(result.histories["metric"]) >= {"loss/generator"}
    with pytest.raises(UserError, match="its runs were imported"):
        result.best()


def test_mlflow_has_the_settings_and_the_metrics(imported: tuple[Path, Done]) -> None:
    client = client_for(f"sqlite:///{imported[0] / 'home' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("old").experiment_id
    runs = client.search_runs([experiment], "tags.`orchestrate.kind` = 'trial'")
    assert len(runs) == 8 and {run.info.status for run in runs} == {"FINISHED"}
    run = next(run for run in runs if run.data.tags["verdict"] == "oscillating")
    assert run.data.params == {
        "optimizer.lr": "0.01",
        "stabilizers.r1": "0",
        "seed": "1",
        "loss.name": "bce",
    }
    [evaluator] = {name.partition("/")[2] for name in run.data.metrics if name.startswith("frechet/")}
    assert evaluator.startswith("imported-") and run.data.tags["evaluator"] == evaluator
    [parent] = client.search_runs([experiment], "tags.`orchestrate.kind` = 'sweep'")
    assert parent.data.metrics["share/stable"] == 0.75 and parent.info.status == "FINISHED"


def test_two_imports_are_compared_and_distances_of_two_evaluators_are_not(copied: Path) -> None:
    home = copied / "home"
    text = TABLE.replace("sweep: old", "sweep: other").replace("clean-fid", "our own code")
    assert invoke("import", mapping_file(copied, text), home=home).returncode == 0
    done = invoke("report", "old", "other", home=home)
    assert done.returncode == 0 and "old had 6 of 8 runs stable; other had 6 of 8 runs stable." in done.stdout
    page = (home / "sweeps" / "old" / "against-other" / "report.html").read_text(encoding="utf-8")
    assert "of imported runs only the mapped settings are known" in page


def test_an_import_is_compared_with_a_sweep_of_our_own(copied: Path) -> None:
    home = copied / "home"
    (copied / "tiny.yaml").write_text(TINY)
    plan = make_plan(loader.load(copied / "tiny.yaml"), home)
    for planned in plan.trials:
        stable_trial(plan, planned)
    uri = mirror_of(plan, home).uri
    assert sync(plan.folder, uri, Console(quiet=True)) == 0
    done = invoke("report", "tiny", "old", home=home)
    assert done.returncode == 0, done.stderr
    assert "tiny had 4 of 4 runs stable; old had 6 of 8 runs stable." in done.stdout and "Next," not in done.stdout
    page = (home / "sweeps" / "tiny" / "against-old" / "report.html").read_text(encoding="utf-8")
    assert "Where the runs of old come from" in page and "Where the runs of tiny come from" not in page


# The same import again


def sent(home: Path) -> dict[str, str]:
    """Name of each run of a trial in MLflow -> its id."""
    client = client_for(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("old").experiment_id
    runs = client.search_runs([experiment], "tags.`orchestrate.kind` = 'trial'")
    return {run.info.run_name: run.info.run_id for run in runs}


def test_the_same_import_again_changes_nothing(copied: Path) -> None:
    before = sent(copied / "home")
    assert invoke("import", copied / "map.yaml", home=copied / "home").returncode == 0
    assert sent(copied / "home") == before


def test_a_changed_source_replaces_runs_adds_new_ones_and_drops_those_that_are_gone(copied: Path) -> None:
    home, before = copied / "home", sent(copied / "home")
    frame = pd.read_csv(copied / "h.csv")
    frame.loc[(frame.lr == 2e-4) & (frame.r1 == 0) & (frame.seed == 0) & (frame.step == 2_000), "fid"] = 77.0
    frame = frame[(frame.lr == 2e-4) | (frame.r1 == 10) | (frame.seed == 0)]
    new = frame[(frame.lr == 2e-4) & (frame.r1 == 10) & (frame.seed == 1)].assign(seed=2)
    stat = (copied / "h.csv").stat()
    pd.concat([frame, new]).to_csv(copied / "h.csv", index=False)
    os.utime(copied / "h.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    done = invoke("import", copied / "map.yaml", home=home)
    assert done.returncode == 0, done.stderr
    after = sent(home)
    changed, gone = "imported lr=2e-4 r1=0 seed=0", "imported lr=0.01 r1=0 seed=1"
    assert set(after) == set(before) - {gone} | {"imported lr=2e-4 r1=10 seed=2"}
    assert {name for name in before if name in after and before[name] != after[name]} == {changed}
    run = client_for(f"sqlite:///{home / 'mlflow.db'}").get_run(after[changed])
    assert next(value for name, value in run.data.metrics.items() if name.startswith("frechet/")) == 77.0
    assert len(trials("old", home)) == 8 and "7 of 8 runs were stable" in done.stdout
    assert len(list((home / "sweeps" / "old" / "trials").iterdir())) == 8


def test_the_name_of_a_trained_sweep_is_refused(copied: Path) -> None:
    home = copied / "home"
    (home / "sweeps" / "trained").mkdir()
    shutil.copy2(home / "sweeps" / "old" / "sweep.json", home / "sweeps" / "trained" / "sweep.json")
    trained = home / "sweeps" / "trained" / "sweep.json"
    document = read_with_checksum(trained) or {}
    del document["imported"]
    write_with_checksum(trained, document)
    before = trained.read_bytes()
    done = invoke("import", copied / "map.yaml", "--name", "trained", home=home)
    assert done.returncode == 2 and "trained is a sweep that was trained in" in done.stderr
    assert trained.read_bytes() == before


# What goes wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seed: seed\n", ""), "seed: missing; name what holds the seed of a run"),
        (("seed: seed\n", "seed: sed\n"), "map.yaml:7: seed: {h} has no column 'sed', did you mean seed?"),
        (("csv: h.csv", "csv: gone.csv"), "gone.csv does not exist"),
        (
            ("optimizer.lr: lr", "optimizer.lr: learning_rate"),
            "settings.optimizer.lr: {h} has no column 'learning_rate'",
        ),
        (("  stabilizers.r1: r1\n", ""), "has a second value at step"),
        (("name: step", "name: steps"), "has no column 'steps', did you mean step?"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    imported: tuple[Path, Done], tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    shutil.copy2(imported[0] / "h.csv", tmp_path / "h.csv")
    assert change[0] in TABLE
    done = invoke("import", mapping_file(tmp_path, TABLE.replace(*change)), home=tmp_path / "home")
    message = message.replace("{h}", str(tmp_path / "h.csv"))
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "home").exists()


def test_an_mlflow_that_does_not_answer_is_told_before_anything_is_written(
    imported: tuple[Path, Done], tmp_path: Path
) -> None:
    words = ("--tracking-uri", "http://127.0.0.1:9")
    done = invoke("import", imported[0] / "map.yaml", *words, home=tmp_path / "home")
    assert done.returncode == 2 and "does not answer" in done.stderr
    assert not (tmp_path / "home").exists()


def test_an_import_that_was_killed_is_done_again(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, file = copied / "home", mapping_file(copied, TABLE.replace("sweep: old", "sweep: killed"))
    written: list[object] = []

    def write_two(folder: TrialFolder, record: Record) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(record)
        original(folder, record)

    original = TrialFolder.write_record
    monkeypatch.setattr(TrialFolder, "write_record", write_two)
    assert invoke("import", file, home=home).returncode == 130 and len(written) == 2
    monkeypatch.setattr(TrialFolder, "write_record", original)
    done = invoke("import", file, home=home)
    assert done.returncode == 0 and "6 of 8 runs were stable" in done.stdout


def test_a_damaged_sweep_is_not_replaced(copied: Path) -> None:
    file = copied / "home" / "sweeps" / "old" / "sweep.json"
    file.write_text(file.read_text()[:-50])
    done = invoke("import", copied / "map.yaml", home=copied / "home")
    assert done.returncode == 2 and "is damaged" in done.stderr and "clean old --everything" in done.stderr


def test_control_characters_of_a_log_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("lr,seed,step,g_loss,\x1b[31mred\n0.1,0,1,1,2\n")
    text = (
        "sweep: s\nfrom: {csv: h.csv}\nsettings: {lr: lr}\nseed: seed\nstep: step\nmetrics: {loss/generator: g_loss}\n"
    )
    done = invoke("import", mapping_file(tmp_path, text), "--dry-run", home=tmp_path / "home")
    assert done.returncode == 0 and "\x1b[31m" not in done.stdout and "red" in done.stdout


def test_sync_completes_an_import_whose_mlflow_was_lost(copied: Path) -> None:
    home = copied / "home"
    (home / "mlflow.db").write_bytes(empty_database())
    done = invoke("sync", "old", home=home)
    assert done.returncode == 0 and "sent to MLflow" in done.stdout
    assert len(sent(home)) == 8


# The same runs from every tool


def test_the_same_runs_have_the_same_verdicts_and_effects_from_every_tool(
    imported: tuple[Path, Done], tmp_path: Path
) -> None:
    home = home_of(tmp_path)
    write_tensorboard(tmp_path / "tb", RUNS)
    write_wandb(tmp_path / "wandb", RUNS)
    (tmp_path / "old.db").write_bytes(empty_database())
    write_mlflow(f"sqlite:///{tmp_path / 'old.db'}", "gans", RUNS)
    write_stylegan(tmp_path / "training-runs", RUNS)
    shared = "loss: bce\nevaluator: FID\nstep: {batch_size: 32}\n"
    texts = {
        "tensorboard": "from: {tensorboard: tb}\nseed: seed\nsettings: {optimizer.lr: lr, stabilizers.r1: r1}\n"
        "metrics: {loss/generator: train/g_loss, loss/discriminator: train/d_loss, frechet: train/fid}\n" + shared,
        "wandb": "from: {wandb: wandb}\nseed: seed\nsettings: {optimizer.lr: optimizer.lr, stabilizers.r1: r1}\n"
        "metrics: {loss/generator: train.g_loss, loss/discriminator: train.d_loss, frechet: fid}\n" + shared,
        "mlflow": f'from: {{mlflow: "sqlite:///{tmp_path}/old.db", experiment: gans}}\nseed: tags.seed\n'
        "settings: {optimizer.lr: lr, stabilizers.r1: r1}\n"
        "metrics: {loss/generator: g_loss, loss/discriminator: d_loss, frechet: fid}\n" + shared,
        "stylegan": "from: {stylegan: training-runs}\n"
        "settings: {optimizer.lr: G_opt_kwargs.lr, stabilizers.r1: loss_kwargs.r1_gamma}\n",
    }
    effects = orch.load("old", home=imported[0] / "home").effects
    for name, text in texts.items():
        done = invoke("import", mapping_file(tmp_path, f"sweep: {name}\n{text}"), home=home)
        assert done.returncode == 0, (name, done.stderr)
        result = orch.load(name, home=home)
        assert result.trials["verdict"].value_counts().to_dict() == VERDICTS, name
        numbers = effects.select_dtypes("number").to_numpy()
        assert result.effects.select_dtypes("number").to_numpy() == pytest.approx(numbers, rel=1e-5, nan_ok=True), name
