"""Takes five steps of the first trial of a sweep file, sends them to MLflow and kills itself.

`dies_while_mirroring.py FILE FOLDER`: MLflow's database and the home are in FOLDER.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from orchestrator.planning.plan import make_plan
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile import loader
from support.mirrors import synced_mirror
from support.tiny import run_some_steps


def main() -> None:
    file, folder = map(Path, sys.argv[1:])
    plan = make_plan(loader.load(file), folder / "home")
    execution = run_some_steps(plan, plan.trials[0], 5)
    synced_mirror(plan, folder)
    assert execution.record.status == TrialStatus.RUNNING  # it holds the trial's lock until the process dies
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
