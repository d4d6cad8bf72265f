"""Whatever a sweep file holds ends in a plan or in clear lines with file, line and path: no traceback, hang or flood.

FUZZ_CASES=5000 runs more cases; `--hypothesis-show-statistics` counts what became of them.
"""

from __future__ import annotations

import json
import os
import resource
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from support.mutated import PIECES, VALID, anything, files

from orchestrator.errors import SpecError, UserError
from orchestrator.planning.plan import make_plan
from orchestrator.sweepfile import loader, yaml_limits
from orchestrator.sweepfile.group_reader import GROUP_KEYS
from orchestrator.sweepfile.settings import SETTINGS

CASES = int(os.environ.get("FUZZ_CASES", "100"))
ROOM = 300_000
"""kB that a case may add to the largest size of this process."""
many = settings(
    max_examples=CASES,
    deadline=timedelta(minutes=1),  # not a speed limit: what takes so long has hung
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
    phases=(Phase.generate, Phase.shrink),
)


def size() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def ends_well(file: Path, overrides: list[str], home: Path) -> None:
    """A plan that can be written down and whose names are safe, or clear lines."""
    before, refusal = size(), None
    try:
        sweep = loader.load(file, overrides)
        assert len(sweep.trials) <= loader.MAX_TRIALS
        assert bool(sweep.trials) == (sweep.explores is None), "only a map or a search has none yet"
        assert (home / "sweeps" / sweep.name).resolve().parent == home / "sweeps"
        if len(sweep.trials) <= 30 and all(trial.config.data.name == "digits" for trial in sweep.trials):
            json.dumps(make_plan(sweep, home).to_document(), allow_nan=False)
    except UserError as error:
        refusal = error
    event("refused" if refusal else "a plan")
    if isinstance(refusal, SpecError):
        for problem in refusal.problems:
            assert problem.source.startswith((str(file), "--set ")), str(problem)
            assert str(problem).isprintable() and len(str(problem)) < 1000, str(problem)
    elif refusal:
        assert all(line.isprintable() for line in str(refusal).split("\n")), str(refusal)
        assert str(refusal).startswith("--set "), str(refusal)
    assert size() - before < ROOM
    assert not home.exists()


@many
@given(content=files())
def test_a_mutated_sweep_file_is_a_plan_or_refused_in_clear_lines(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_bytes(content)
    ends_well(file, [], tmp_path / "home")


values = st.one_of(
    st.sampled_from(PIECES), st.text(max_size=30), anything.map(lambda value: json.dumps(value, default=str))
)
paths = st.one_of(
    st.sampled_from([f"trial.{path}" for path in SETTINGS]),
    st.sampled_from([f"groups.{group}.{part}.{path}" for group in "ab" for part in GROUP_KEYS for path in SETTINGS]),
    st.sampled_from(["sweep", "seeds", "question", "groups", "trial", "groups.a", "groups..x", ""]),
    st.text(max_size=20),
)


@many
@given(overrides=st.lists(st.builds("{}={}".format, paths, values), min_size=1, max_size=3))
def test_any_override_is_a_plan_or_refused_in_clear_lines(tmp_path: Path, overrides: list[str]) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(VALID[-3])
    ends_well(file, overrides, tmp_path / "home")


LAUGHS = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"a0: &a0 [lol]\n{LAUGHS}sweep: s\n", 6, id="a billion laughs"),
        pytest.param(
            f"a0: &a0 {{x: lol}}\n{LAUGHS.replace('[', '{<<: [').replace(']', ']}')}sweep: s\n", 5, id="merged"
        ),
        pytest.param("sweep: s\nseeds: " + "[" * 21 + "]" * 21, 2, id="a deep list"),
        pytest.param(f"sweep: s\nseeds: [{'0,' * 25_000}]", 2, id="a long list"),
    ],
)
def test_what_grows_without_bound_is_refused_at_the_line_where_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int
) -> None:
    monkeypatch.setattr(yaml_limits, "MAX_VALUES", 20_000)  # ruamel reads as many in seconds
    file = tmp_path / "sweep.yaml"
    file.write_text(text)
    before = size()
    with pytest.raises(SpecError, match=rf"sweep\.yaml:{line}: too large"):
        loader.load(file)
    assert size() - before < ROOM


def test_of_a_file_of_100_megabytes_only_the_start_is_read(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    with open(file, "wb") as large:
        large.truncate(100_000_000)
    before = size()
    with pytest.raises(SpecError, match="at most 1,000,000 bytes"):
        loader.load(file)
    assert size() - before < 50_000


def test_a_pipe_that_nobody_writes_to_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "sweep.yaml")
    with pytest.raises(UserError, match="not a file"):
        loader.load(tmp_path / "sweep.yaml")


def test_a_fifth_of_the_largest_plan_takes_a_fifth_of_the_memory_that_is_there_for_it(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    steps, sizes = list(range(1, 101)), list(range(2, 42))
    file.write_text(f"sweep: s\ngroups:\n- name: g\n  grid: {{steps: {steps}, batch_size: {sizes}}}\n")
    before = size()
    assert len(make_plan(loader.load(file), tmp_path / "home").trials) == loader.MAX_TRIALS // 5
    assert size() - before < 80_000


def test_more_exclusions_than_a_grid_can_be_compared_with_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    exclude = "".join(f"  - {{steps: {step}}}\n" for step in range(2_000))
    grid = f"{{steps: {list(range(1, 101))}, batch_size: {list(range(2, 102))}}}"
    file.write_text(f"sweep: s\ngroups:\n- name: g\n  grid: {grid}\n  exclude:\n{exclude}")
    with pytest.raises(SpecError, match=r"sweep\.yaml:3: groups\[0\]\.exclude: too many exclusions"):
        loader.load(file)
