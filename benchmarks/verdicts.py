"""How often the verdict is wrong, on samples whose right verdict is known: the confusion matrix.

    python benchmarks/verdicts.py [--root FOLDER] [--npz FILE ...] [--seed 1] [--cache FOLDER] [--json FILE]

Constructed samples (tests/support/known_samples.py: repeated images, single classes, noise, blur, blends, copies, held-
out images) stand for a generator whose evaluations all look so, from step 100 of 400 on. Always on the digits; with
`--root` also on MNIST and Fashion-MNIST (torchvision's files), with `--npz` on others; in the features of the data's
classifier, and in random ones, as for data without labels. The thresholds were chosen on the digits and on hands with
seed 0: other data and seeds are those to report.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.known_samples import cases, verdict_on

from gan_core.config.sections import DataConfig, EvaluationConfig
from gan_core.data.datasets import ImageSet, load
from gan_core.evaluation.evaluator import build
from gan_core.evaluation.features import classifier, random_features
from gan_core.verdict.names import VerdictName
from gan_core.verdict.rules import VERDICTS
from orchestrator.statistics.intervals import wilson_share


class JudgedCase(NamedTuple):
    data: str
    features: str
    case: str
    right: list[str]
    verdict: str
    reason: str


def outcomes(name: str, images: ImageSet, cache: Path, seed: int) -> Iterator[JudgedCase]:
    """The outcomes of all cases of a data set, in the features of its classifier, and in random ones."""
    for kind in ("classifier", "random"):
        features = classifier(images, cache) if kind == "classifier" else random_features(images.channels)
        evaluator = build(EvaluationConfig(), images, features)
        for case in cases(images.images, images.test_images, images.test_labels, seed):
            if case.needs_labels and kind == "random":
                continue
            verdict = verdict_on(case, images, evaluator)
            yield JudgedCase(name, kind, case.name, sorted(case.verdicts), verdict.name, verdict.reason)


def data_sets(root: Path | None, files: list[Path]) -> Iterator[tuple[str, ImageSet]]:
    yield "digits", load(DataConfig(name="digits"))
    if root:
        yield "mnist", load(DataConfig(name="mnist", root=str(root)))
        yield "fashion_mnist", load(DataConfig(name="fashion_mnist", root=str(root)))
    for file in files:
        yield file.stem, load(DataConfig(name="npz", path=str(file)))


def report(results: list[JudgedCase]) -> str:
    """The confusion matrix, the shares of wrong verdicts with their intervals, and each wrong one."""
    decided = [each for each in results if each.right]
    matrix: dict[str, Counter[str]] = defaultdict(Counter)
    for each in decided:
        matrix[" or ".join(each.right)][each.verdict] += 1
    lines = [f"{len(decided)} cases, and {len(results) - len(decided)} about which people may differ", ""]
    lines += ["| right | " + " | ".join(VERDICTS) + " |", "|---" * (len(VERDICTS) + 1) + "|"]
    lines += [f"| {right} | " + " | ".join(str(row[name]) for name in VERDICTS) + " |" for right, row in matrix.items()]
    false_stable = [
        each for each in decided if each.verdict == VerdictName.STABLE and VerdictName.STABLE not in each.right
    ]
    false_alarms = [
        each for each in decided if each.verdict != VerdictName.STABLE and each.right == [VerdictName.STABLE]
    ]
    must_not = sum(VerdictName.STABLE not in each.right for each in decided)
    must = sum(each.right == [VerdictName.STABLE] for each in decided)
    for name, wrong, total in (("false 'stable'", false_stable, must_not), ("false alarms", false_alarms, must)):
        share = wilson_share(len(wrong), total)
        lines.append(f"{name}: {share} ({share.rate:.1%}, 95% interval {share.low:.1%} to {share.high:.1%})")
    lines += [
        f"wrong: {each.data}, {each.features}: {each.case}: {each.verdict} ({each.reason})"
        for each in decided
        if each.verdict not in each.right
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with torchvision's MNIST and FashionMNIST")
    parser.add_argument("--npz", type=Path, nargs="*", default=[], help="other data sets")
    parser.add_argument("--seed", type=int, default=1, help="of the draws (0: those the thresholds were chosen on)")
    parser.add_argument("--cache", type=Path, help="folder that keeps the classifiers")
    parser.add_argument("--json", type=Path, help="write every outcome there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: list[JudgedCase] = []
    with tempfile.TemporaryDirectory() as scratch:
        cache = arguments.cache or Path(scratch)
        for name, images in data_sets(arguments.root, arguments.npz):
            results += outcomes(name, images, cache / f"{images.fingerprint}.pt", arguments.seed)
            print(f"{name}: {sum(each.data == name for each in results)} outcomes", file=sys.stderr, flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps([each._asdict() for each in results], indent=1))
    print(report(results))


if __name__ == "__main__":
    main()
