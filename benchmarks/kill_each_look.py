"""kill -9 after each look of a sweep that trains until its question is answered: does it decide the same?

    python benchmarks/kill_each_look.py

A tiny sweep runs to its end undisturbed. Then it runs again, in a home of its own, and the command is killed as soon as
`sweep.json` has a new look; the same command follows, until it ends. Prints each kill, and exits with 1 unless all
looks, claims and weights are those of the undisturbed sweep. Takes about a minute for each look.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.commands import start  # noqa: E402
from support.endings import assert_same, weights_and_streams  # noqa: E402
from support.until_answered import UNTIL  # noqa: E402

from orchestrator.store.json_files import read_with_checksum  # noqa: E402
from orchestrator.store.sweep_document import AnswerDocument  # noqa: E402
from orchestrator.store.sweep_folder import SweepFolder  # noqa: E402

RATE = "optimizer: {lr: 1e+4}"
"""Every run diverges: after so few steps it would be unfinished else, and say nothing."""
SAME = "stable: 0.8"
"""How near the shares of stable runs have to be: it takes several looks to give that up."""


def answer_of(folder: SweepFolder) -> AnswerDocument | None:
    """The answer so far, as the command has written it."""
    document = read_with_checksum(folder.sweep_file) if folder.sweep_file.exists() else None
    return document["answer"] if document else None


def looks(folder: SweepFolder) -> int:
    """The seeds of the last look; 0 before the first one."""
    answer = answer_of(folder)
    return answer["seeds"] if answer else 0


def run(file: Path, home: Path, kill: bool) -> list[int]:
    """Run the sweep to its end; the looks after which it was killed, each once."""
    folder, killed = SweepFolder(home, "tiny"), list[int]()
    while True:
        process = start("sweep", file, home=home)
        while process.poll() is None:
            time.sleep(0.05)
            if kill and looks(folder) > max(killed, default=0) and (answer_of(folder) or {}).get("end") == "":
                killed.append(looks(folder))
                process.kill()
                print(f"killed after the look at {killed[-1]} seeds", flush=True)
        output, _ = process.communicate()
        if process.returncode == 0:
            return killed
        if process.returncode != -9:
            raise SystemExit(f"the command ended with {process.returncode}:\n{output}")


def compare(undisturbed: SweepFolder, disturbed: SweepFolder) -> None:
    expected, answer = answer_of(undisturbed), answer_of(disturbed)
    if not expected or not answer:
        raise SystemExit("a sweep ended without an answer")
    for name in ("seeds", "end", "comparisons", "best"):
        if answer[name] != expected[name]:
            raise SystemExit(f"{name}: {answer[name]}, undisturbed {expected[name]}")
    keys = [file.parent.name for file in undisturbed.folder.glob("trials/*/checkpoint.pt")]
    common = [key for key in keys if (disturbed.trial(key).folder / "checkpoint.pt").exists()]
    for key in common:
        states = [
            weights_and_streams(folder.trial(key).folder / "checkpoint.pt") for folder in (undisturbed, disturbed)
        ]
        assert_same(*states)
    print(f"the same answer ({answer['end']}, {answer['seeds']} seeds), and the same weights in {len(common)} trials")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "tiny.yaml"
        file.write_text(UNTIL.replace("stable: 0.99", SAME).replace("  steps: 8\n", f"  steps: 8\n  {RATE}\n"))
        homes = [Path(name) / "undisturbed", Path(name) / "killed"]
        run(file, homes[0], kill=False)
        killed = run(file, homes[1], kill=True)
        compare(SweepFolder(homes[0], "tiny"), SweepFolder(homes[1], "tiny"))
        if len(killed) < 2:
            raise SystemExit("hardly anything was killed: the sweep ended at its first looks")
        print(f"{len(killed)} kills")


if __name__ == "__main__":
    main()
