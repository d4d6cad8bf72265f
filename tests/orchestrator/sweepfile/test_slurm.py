"""What a sweep file or the user's profile asks Slurm for."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sweep_texts import lines, marked_lines, problems

from orchestrator.errors import SpecError
from orchestrator.sweepfile import slurm
from orchestrator.sweepfile.loader import load

HEAD = "sweep: s\ngroups:\n  - name: g\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "sweep.yaml"
    file.write_text(HEAD + text)
    return file


def test_the_file_says_what_a_job_asks_for(tmp_path: Path) -> None:
    file = write(tmp_path, "slurm: {partition: gpu, time: 1-12, nodes: 2, options: [--constraint=a100]}\n")
    settings = slurm.merged({"partition": "cpu", "account": "mine"}, load(file).slurm)
    assert settings == slurm.SlurmSettings(
        partition="gpu", account="mine", time="1-12", nodes=2, options=("--constraint=a100",)
    )


def test_an_option_replaces_one_key_or_all(tmp_path: Path) -> None:
    file = write(tmp_path, "slurm: {partition: gpu, nodes: 2}\n")
    assert load(file, ["slurm.nodes=4"]).slurm == {"partition": "gpu", "nodes": 4}
    assert load(file, ["slurm={nodes: 1}"]).slurm == {"nodes": 1}
    assert load(write(tmp_path, ""), ["slurm.time=60"]).slurm == {"time": "60"}


@pytest.mark.parametrize(
    ("key", "value", "right"),
    [
        ("partition", "[gpu]", "a name"),
        ("partition", "'a b'", "without spaces"),
        ("nodes", "0", "from 1 on"),
        ("nodes", "true", "a whole number"),
        ("gpus", "-1", "from 0 on"),
        ("time", "2 hours", "HH:MM:SS"),
        ("time", "9", "10 minutes or more"),
        ("time", "'0:09:59'", "10 minutes or more"),
        ("memory", "16 GB", "such as 16G"),
        ("memory", "64", "with its unit"),
        ("options", "{a: 1}", "a list of lines"),
        ("options", "[constraint=a100]", "begins with a dash"),
        ("options", "['--nodes=3']", "leave it out"),
        ("options", "['-N 3']", "leave it out"),
        ("setup", '["a\\nb"]', "a list of lines"),
        ("partitions", "gpu", "did you mean partition?"),
    ],
)
def test_what_is_wrong_is_said_on_its_line(tmp_path: Path, key: str, value: str, right: str) -> None:
    text = f"{HEAD}slurm:\n  account: mine\n  {key}: {value}  # here\n"
    (problem,) = problems(tmp_path, text)
    assert lines([problem]) == marked_lines(text)
    assert problem.path == f"slurm.{key}" and right in problem.message


def test_a_mistake_is_said_where_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"{HEAD}slurm: {{nodes: 0}}\n")
    with pytest.raises(SpecError) as caught:
        load(file, ["slurm.time=50", "slurm.cpus=none"])
    assert [str(problem) for problem in caught.value.problems] == [
        f"{file}:4: slurm.nodes: 0 is not allowed; write a whole number from 1 on",
        "--set slurm.cpus: 'none' is not allowed; write a whole number from 1 on",
    ]


def test_all_of_it_may_be_wrong(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, f"{HEAD}slurm: gpu\n")
    assert problem.path == "slurm" and "partition" in problem.message


@pytest.mark.parametrize(
    ("time", "minutes"), [("90", 90), ("90:30", 90.5), ("2:00:00", 120), ("1-0", 1440), ("1-2:30", 1590)]
)
def test_the_forms_of_slurms_times(time: str, minutes: float) -> None:
    assert slurm.minutes(time) == minutes
