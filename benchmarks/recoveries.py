"""How late runs recovered: the longest time without variety, and without drawing, from which each trial came back.

    python benchmarks/recoveries.py HOME [HOME ...]

For every trial of the homes that has ended: the images that G was trained on, its verdict, the longest stretch of
images without an evaluation with variety that such an evaluation ended, the same for drawing, and the step at which
`stop_early` would end it. The limits of `gan_core/verdict/early_end.py` are twice the latest of these.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from gan_core.config.trial import TrialConfig
from gan_core.verdict.early_end import lost_step
from gan_core.verdict.reference_values import reference_values
from gan_core.verdict.run import Evaluation, FinishedRun
from orchestrator.store.json_files import read_json_or_none
from orchestrator.store.trial_folder import TrialFolder

GREY = 1
"""Channels, which only the limit of a critic's loss depends on."""


def latest_return(evaluations: list[Evaluation], is_good: Callable[[Evaluation], bool]) -> int:
    """Steps of the longest stretch that a good evaluation ended; 0 if there is none."""
    good = [0, *(evaluation.step for evaluation in evaluations if is_good(evaluation))]
    return max((after - before for before, after in pairwise(good)), default=0)


def line_of(folder: TrialFolder) -> str:
    record = folder.record()
    config = TrialConfig.model_validate(read_json_or_none(folder.config_file))
    rows, against = folder.written_rows(record), reference_values(config, GREY, record.evaluator)
    evaluations, batch = FinishedRun(rows, against).evaluations, config.batch_size
    variety = batch * latest_return(evaluations, lambda evaluation: not evaluation.lack)
    drawing = batch * latest_return(evaluations, lambda evaluation: evaluation.draws)
    verdict = record.verdict["name"] if record.verdict else record.status
    lost = lost_step(rows, against)
    sweep = folder.folder.parents[1].name
    numbers = f"{batch * record.step:>12,} {variety:>12,} {drawing:>12,} {'-' if lost is None else f'{lost:,}':>9}"
    return f"{sweep:24} {folder.key[:8]} {verdict:12} {numbers}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homes", nargs="+", type=Path, metavar="HOME")
    titles = f"{'images':>12} {'variety':>12} {'drawing':>12} {'ended at':>9}"
    print(f"{'sweep':24} {'trial':8} {'verdict':12} {titles}")
    for home in parser.parse_args().homes:
        for file in sorted(home.glob("sweeps/*/trials/*/record.json")):
            folder = TrialFolder(file.parent)
            if folder.record().has_ended:
                print(line_of(folder), flush=True)


if __name__ == "__main__":
    main()
