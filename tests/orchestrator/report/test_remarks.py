"""The answer says which runs repeat training images, and when the number of samples decides which is best."""

from __future__ import annotations

from support.made_runs import NOISE, ONE, card, made_run, made_sweep, measured, summary_of

from orchestrator.report import leaderboard
from orchestrator.report.data import RunData
from orchestrator.report.remarks import evaluator_cautions, remarks, repeats
from orchestrator.report.trial_quality import quality_texts


def copying(copied: float, seed: int = 0, of_real: float | None = 0.01, **fields: object) -> RunData:
    """A run with so many copies among its samples, and so many among 256 held-out real images."""
    run = measured(made_run(seed=seed, **fields), 4.0)
    run.latest[f"copied/{ONE}"] = copied
    assert run.evaluator and run.evaluator.kept_out
    real = run.evaluator.kept_out.model_copy(update={"copied": of_real})
    run.evaluator = run.evaluator.model_copy(update={"kept_out": real, "samples": 512, "training": 1541})
    return run


def said_of(*runs: RunData) -> list[str]:
    data = made_sweep(*runs)
    return remarks(data, leaderboard.rows(data.selection))


def test_runs_that_repeat_training_images_are_named_the_worst_first() -> None:
    runs = [copying(0.3, 0), copying(0.01, 1), copying(0.9, 2), made_run(seed=3)]
    expected = "2 of 3 runs repeat training images: g seed=2 (90% of its samples), g seed=0 (30% of its samples)."
    assert said_of(*runs) == [expected]
    assert expected in summary_of(made_sweep(*runs)).answer


def test_many_are_counted() -> None:
    (sentence,) = said_of(*(copying(0.9, seed) for seed in range(5)))
    assert sentence.startswith("5 of 5 runs repeat training images: g seed=0 (90% of its samples), ")
    assert sentence.endswith("g seed=2 (90% of its samples), 2 more.")


def test_as_many_copies_as_among_held_out_images_are_no_sign() -> None:
    assert not repeats(copying(0.10, of_real=0.08))
    assert repeats(copying(0.30, of_real=0.08))
    assert repeats(copying(0.10, of_real=None))
    of_earlier_version = copying(0.9)
    of_earlier_version.evaluator = card(ONE)
    assert not repeats(of_earlier_version)
    assert said_of(copying(0.01), made_run(seed=1)) == []


def test_the_last_samples_of_a_run_that_diverged_repeat_nothing() -> None:
    assert said_of(copying(0.9, verdict="diverged")) == []


def ranked(noise: float, frechet: float, extrapolated: float | None, verdict: str = "stable") -> RunData:
    run = measured(made_run({NOISE: noise}, verdict=verdict), frechet)
    if extrapolated is not None:
        run.latest[f"frechet_infinity/{ONE}"] = extrapolated
    return run


def test_another_order_at_the_top_with_infinitely_many_samples_is_said() -> None:
    assert said_of(ranked(0.1, 5.0, 4.0), ranked(0.2, 5.5, 2.0), ranked(0.3, 9.0, 8.0)) == [
        "With infinitely many samples g noise=0.2 would come before g noise=0.1: the extrapolated Frechet distances "
        "are 2 and 4."
    ]


def test_the_same_order_a_tie_and_an_unstable_rival_are_not_worth_a_word() -> None:
    assert said_of(ranked(0.1, 5.0, 2.0), ranked(0.2, 6.0, 3.0)) == []
    assert said_of(ranked(0.1, 5.0, 4.1), ranked(0.2, 6.0, 4.0)) == []
    assert said_of(ranked(0.1, 5.0, 4.0), ranked(0.2, 6.0, 1.0, "collapsed")) == []
    assert said_of(ranked(0.1, 5.0, None), ranked(0.2, 6.0, 1.0)) == []
    assert said_of(ranked(0.1, 5.0, 4.0), ranked(0.2, 6.0, None)) == []


def test_a_classifier_that_hardly_knows_a_class_is_a_caution() -> None:
    first, second = measured(made_run(), 4.0), measured(made_run(seed=1), 4.0)
    assert evaluator_cautions([first, second]) == []
    for run in (first, second):
        run.evaluator = card(ONE).model_copy(update={"tested": {"a": 200, "b": 1}})
    assert evaluator_cautions([first, second, made_run(seed=2)]) == [
        f"of the test images of the classifier {ONE} only 1 shows class b: nothing says how well it knows such a class"
    ]


def test_a_trial_shows_its_numbers_beside_those_of_held_out_images() -> None:
    run = copying(0.3)
    assert run.evaluator
    run.evaluator = run.evaluator.model_copy(update={"tested": {"cat": 50, "dog": 50}})
    run.latest |= {f"class_recall/{ONE}": 0.125, f"weakest_class/{ONE}": 1.0}
    assert quality_texts(run) == {
        "measured: Frechet distance": "4 (held-out real images: 1.1)",
        "measured: copies of training images": "0.3, suspicious (held-out real images: 0.01)",
        "measured: recall of the weakest class": "0.125, of class dog",
    }
    assert quality_texts(made_run()) == {}
