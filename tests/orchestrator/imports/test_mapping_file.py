"""A mapping file: what it says, and all of its mistakes at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import ROOT
from support.documents import Document

from orchestrator.errors import UserError
from orchestrator.imports.mapping import LossSource, Mapping, MetricSource, StepSource
from orchestrator.imports.mapping_file import load

WHOLE = """\
sweep: old
question: Why?
from: {csv: logs/h.csv, names: "{model}-s{seed}"}
group: model
settings:
  optimizer.lr: lr
  größe: size
seed: seed
step: {name: kimg, unit: kimg, batch_size: batch}
loss: {column: mode, values: {wgangp: wasserstein}}
metrics:
  frechet: fid
  accuracy/discriminator: {name: d_acc, divide_by: 100}
evaluator: FID
classes: 10
empty_is_nan: true
"""


def read(tmp_path: Path, text: str, name: str | None = None) -> Mapping:
    file = tmp_path / "map.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, name)


def problems(tmp_path: Path, text: str, name: str | None = None) -> list[str]:
    with pytest.raises(UserError) as caught:
        read(tmp_path, text, name)
    return str(caught.value).replace(f"{tmp_path}/", "").split("\n")


def test_a_whole_file(tmp_path: Path) -> None:
    mapping = read(tmp_path, WHOLE)
    assert (mapping.sweep, mapping.kind, mapping.source) == ("old", "csv", str(tmp_path / "logs" / "h.csv"))
    assert mapping.settings == {"optimizer.lr": "lr", "größe": "size"}
    assert mapping.step == StepSource("kimg", "kimg", "batch")
    assert mapping.loss == LossSource(column="mode", values={"wgangp": "wasserstein"})
    assert mapping.metrics["accuracy/discriminator"] == MetricSource("d_acc", 100.0)
    assert mapping.classes == 10 and mapping.empty_is_nan and mapping.pattern == "{model}-s{seed}"
    assert mapping.line_of("settings.optimizer.lr").endswith("map.yaml:6")
    assert mapping.line_of("step.batch_size").endswith(":9")
    assert read(tmp_path, WHOLE, "new").sweep == "new"


def test_stylegan_needs_no_metrics_seed_or_step(tmp_path: Path) -> None:
    mapping = read(tmp_path, "sweep: s\nfrom: {stylegan: runs}\n")
    assert mapping.seed == "random_seed" and mapping.step == StepSource("", "kimg", "batch_size")
    assert mapping.metrics["frechet"] == MetricSource("fid50k_full") and mapping.loss.name == "bce"


def test_all_that_is_missing_is_said_with_what_to_write(tmp_path: Path) -> None:
    lines = problems(tmp_path, "question: Why?\n")
    assert [line.split(": ")[1] for line in lines] == ["from", "metrics", "sweep", "seed"]
    assert "`without_seeds: true`" in lines[3] and "`from: {csv: histories.csv}`" in lines[0]


def test_mistakes_have_lines_and_nearest_names(tmp_path: Path) -> None:
    text = """\
sweep: a/b
from: {cvs: h.csv}
setings: {lr: lr}
seed: seed
without_seeds: true
step: {unit: kimgs}
loss: wassertein
metrics: {loss/genrator: g, frechet: fid}
classes: many
empty_is_nan: perhaps
"""
    assert problems(tmp_path, text) == [
        "map.yaml:3: setings: unknown key, did you mean settings?",
        "map.yaml:2: from.cvs: unknown key, did you mean csv?",
        "map.yaml:8: metrics.loss/genrator: unknown metric, did you mean loss/generator?",
        "map.yaml:1: evaluator: missing; say what measured the quality, such as `evaluator: FID of 50,000 samples "
        "(clean-fid)`: distances of two evaluators are not compared",
        "map.yaml:1: sweep: 'a/b' is not a safe folder name; use 1 to 64 letters, digits, '-', '_' and '.', a letter "
        "or digit first",
        "map.yaml:5: without_seeds: there is `seed:`, too; keep one of them",
        "map.yaml:6: step.unit: 'kimgs' is no unit; write one of steps, images, kimg, epochs",
        "map.yaml:7: loss: 'wassertein' is no loss, did you mean wasserstein? If each run says its own: {column: NAME}",
        "map.yaml:9: classes: write how many classes the data have, such as 10",
        "map.yaml:10: empty_is_nan: write true or false",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('{csv: logs/h.csv, names: "{model}-s{seed}"}', "{csv: a, parquet: b}"), "one kind of source is needed"),
        (("{model}-s{seed}", "no names"), "has no {name} in it"),
        (("{model}-s{seed}", "{a b}"), "is not a name"),
        (("{model}-s{seed}", "{a}-{a}"), "stands in it twice"),
        (("optimizer.lr: lr", "seed: lr"), "has a meaning of its own"),
        (("optimizer.lr: lr", "lr$: lr"), "use letters, digits"),
        (("optimizer.lr: lr", "optimizer.lr:"), "write the name that the source has for it"),
        (("kimg, batch_size: batch", "kimg"), "step.batch_size: missing"),
        (("unit: kimg, batch_size: batch", "unit: epochs"), "step.steps_per_epoch: missing"),
        (("batch_size: batch", "batch_size: 0"), "a whole number above 0"),
        (("wgangp: wasserstein", "wgangp: wgan"), "'wgan' is not one of"),
        (("divide_by: 100", "divide_by: 0"), "divide_by: 100"),
        (("  frechet: fid\n  accuracy/discriminator: {name: d_acc, divide_by: 100}", "  recall: r"), "say nothing"),
    ],
)
def test_a_mistake_is_one_clear_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in WHOLE
    lines = problems(tmp_path, WHOLE.replace(*change))
    assert len(lines) == 1 and message in lines[0]


def test_keys_of_tables_are_refused_for_other_sources(tmp_path: Path) -> None:
    text = WHOLE.replace("csv: logs/h.csv", "tensorboard: runs").replace("group:", "run: r\ngroup:")
    lines = problems(tmp_path, text.replace("{name: kimg, unit", "{unit"))
    assert len(lines) == 2 and all("is for tables (csv, parquet), not for tensorboard" in line for line in lines)


@pytest.mark.parametrize("step", ["step: kimg", "step: {name: kimg, unit: kimg, batch_size: 64}"])
def test_a_source_with_steps_of_its_own_takes_no_name_of_them(tmp_path: Path, step: str) -> None:
    text = f"sweep: s\nfrom: {{tensorboard: runs}}\nseed: seed\n{step}\nmetrics: {{loss/generator: g}}\n"
    [line] = problems(tmp_path, text)
    assert line.startswith("map.yaml:4: step") and "has steps of its own" in line


def test_an_mlflow_source_needs_its_experiment(tmp_path: Path) -> None:
    source = '{csv: logs/h.csv, names: "{model}-s{seed}"}'
    text = (
        WHOLE.replace(source, "{mlflow: sqlite:///x}").replace("empty_is_nan: true\n", "").replace("name: kimg, ", "")
    )
    assert problems(tmp_path, text) == [
        "map.yaml:3: from.experiment: missing; write {mlflow: ADDRESS, experiment: NAME}"
    ]


def test_a_password_of_an_address_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "sweep: s\nfrom: {mlflow: ADDRESS, experiment: x}\nseed: seed\nmetrics: {loss/generator: g}\n"
    address = "http://me:secret@mlflow.example.org:5000"
    mapping = read(tmp_path, text.replace("ADDRESS", f'"{address}"'))
    assert mapping.source == address and "secret" not in mapping.text and "mlflow.example.org" in mapping.text
    escaped = read(tmp_path, text.replace("ADDRESS", '"' + address.replace("secret", "\\x73ecret") + '"'))
    assert escaped.source == address and escaped.text == ""
    monkeypatch.setenv("OLD_MLFLOW", address)
    named = read(tmp_path, text.replace("ADDRESS", "$OLD_MLFLOW"))
    assert named.source == address and "secret" not in named.text


def test_what_is_no_mapping_at_all(tmp_path: Path) -> None:
    assert "a mapping file is a mapping with keys" in problems(tmp_path, "- a\n- b\n")[0]
    assert "not valid YAML" in problems(tmp_path, "sweep: [\n")[0]
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "gone.yaml")
    assert problems(tmp_path, WHOLE, "../x")[0].startswith("--name: '../x' is not a safe folder name")


def test_every_example_of_the_documents_is_a_mapping_file(tmp_path: Path) -> None:
    examples = [code for language, code in Document.read(ROOT / "docs" / "import.md").code if language == "yaml"]
    assert [read(tmp_path, code).kind for code in examples] == ["csv", "wandb", "tensorboard", "stylegan"]
