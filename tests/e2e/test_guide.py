"""docs/guide.md, command by command, as a reader would run it.

A command that starts no Ray and no server runs in the test's process, which has imported everything already.
"""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.commands import ROOT, Done, environment, invoke

from orchestrator.store.sweep_folder import SweepFolder

pytestmark = pytest.mark.e2e

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "guide.md").read_text(encoding="utf-8"), re.DOTALL)

Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def reader(tmp_path: Path) -> dict[str, object]:
    """A shell in a folder with the experiments; what pip installs goes into a folder of its own."""
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    installed = str(tmp_path / "installed")
    variables = environment() | {"PIP_TARGET": installed, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    variables["PATH"] = f"{Path(sys.executable).parent}:{variables['PATH']}"
    variables["PYTHONPATH"] = ":".join(filter(None, [installed, variables.get("PYTHONPATH")]))
    return {"cwd": tmp_path, "env": variables, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


@pytest.fixture
def start(reader: dict[str, object]) -> Iterator[Start]:
    """Starts a command; at the end all of them get a Ctrl-C, and SIGKILL if that is not enough."""
    started: list[subprocess.Popen[str]] = []

    def begin(command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(["bash", "-c", f"exec {command.strip()}"], **reader)  # type: ignore[call-overload]
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield begin
    for process in started:
        process.send_signal(signal.SIGINT)
    for process in started:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(address: str, seconds: float) -> bool:
    """Whether a server answers there before so many seconds have passed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return urllib.request.urlopen(address, timeout=5).status == 200  # type: ignore[no-any-return]
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    return False


def run_in_shell(text: str, reader: dict[str, object]) -> None:
    done = subprocess.run(["bash", "-ec", text], timeout=400, check=False, **reader)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{text}\n{done.stdout}"


def run_line(line: str, reader: dict[str, object], after_smoke: Path) -> None:
    """One command `orchestrate ...`. `after_smoke`: a home in which the guide's first sweep has run to its end."""
    words = shlex.split(line)[1:]
    is_smoke = words[:2] == ["sweep", "experiments/smoke.yaml"]
    if is_smoke and not Path("runs/sweeps/smoke/report").exists():
        shutil.copytree(after_smoke, "runs", dirs_exist_ok=True)
    if words[0] == "sweep" and not is_smoke:
        run_in_shell(line, reader)
    else:
        done = invoke(*words)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_every_command_of_the_guide_works(
    undisturbed: tuple[Path, Done],
    reader: dict[str, object],
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first sweep has run already, as a command of its own, for all tests: its home is copied."""
    monkeypatch.chdir(tmp_path)
    assert len(BLOCKS) > 10
    for block in BLOCKS:
        if block.startswith("orchestrate ui"):
            server = start(block)
            port = block.split("--port ")[1].strip()
            assert answers(f"http://127.0.0.1:{port}/health", 90), server.poll()
        elif block.startswith("ray start"):
            head = start(block)
            assert head.stdout
            for line in head.stdout:
                if "Ray runtime started" in line:
                    break
            else:
                raise AssertionError(f"ray start ended with {head.wait()}")
        elif all(line.startswith("orchestrate ") for line in block.splitlines()):
            for line in block.splitlines():
                run_line(line, reader, undisturbed[0])
        else:
            run_in_shell(block, reader)
    sweeps = {file.parent.name for file in (tmp_path / "runs" / "sweeps").glob("*/sweep.json")}
    assert sweeps == {"smoke", "old", "mine", "my-gan", "on-a-cluster"}
    stages = Counter(trial["confirms"] for trial in SweepFolder(tmp_path / "runs", "smoke").document()["trials"])
    assert stages == {False: 4}  # --confirm 1: no run is stable, so none is confirmed
    for name in sweeps:
        assert (tmp_path / "runs" / "sweeps" / name / "report" / "report.html").exists()
    assert (tmp_path / "samples.png").read_bytes().startswith(b"\x89PNG")
