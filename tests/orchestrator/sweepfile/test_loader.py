"""What a sweep file means: which trials it asks for, and what each of them is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from textwrap import dedent

import pytest
from support.sweep_texts import group

from orchestrator.sweepfile.loader import load
from orchestrator.sweepfile.model import Sweep, Trial

EXPERIMENTS = Path(__file__).parents[3] / "experiments"


def read(folder: Path, text: str, *overrides: str) -> Sweep:
    file = folder / "sweep.yaml"
    file.write_text(dedent(text), encoding="utf-8")
    return load(file, list(overrides))


def names(trials: list[Trial]) -> list[str]:
    return [trial.configuration for trial in trials]


# The files that come with the project


@pytest.mark.parametrize(("name", "seeds"), [("stability.yaml", 12), ("stability-mnist.yaml", 2)])
def test_stability_experiments_cross_both_toggles_lambda_and_learning_rates(name: str, seeds: int) -> None:
    sweep = load(EXPERIMENTS / name)
    configurations = {(trial.group, trial.configuration) for trial in sweep.trials}
    assert Counter(group for group, _ in configurations).items() >= {"dcgan": 4, "wgan-gp": 4}.items()
    assert len(sweep.trials) == len(configurations) * seeds
    swept = {setting for trial in sweep.trials for setting in trial.factors}
    toggles = {"stabilizers.label_smoothing", "stabilizers.instance_noise.std"}
    assert swept == {"optimizer.lr", "loss.gradient_penalty", *toggles}
    assert sweep.cautions == []


def test_the_main_experiment_trains_until_it_is_answered() -> None:
    until = load(EXPERIMENTS / "stability.yaml").until
    assert until and (until.first, until.most, len(until.factors)) == (3, 12, 3)


def test_smoke_experiment_touches_every_family() -> None:
    sweep = load(EXPERIMENTS / "smoke.yaml")
    assert [trial.config.model.family for trial in sweep.trials] == ["dcgan", "dcgan", "acgan", "wgan_gp"]


# Grid, zip, exclude, trials by hand


def test_grid_is_the_product_of_its_levels_in_the_order_of_the_file(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("grid: {steps: [6, 5], batch_size: [8, 4]}"))
    assert names(sweep.trials) == [
        "g steps=6 batch_size=8",
        "g steps=6 batch_size=4",
        "g steps=5 batch_size=8",
        "g steps=5 batch_size=4",
    ]
    assert [(trial.config.steps, trial.config.batch_size) for trial in sweep.trials] == [(6, 8), (6, 4), (5, 8), (5, 4)]


def test_nested_grid_equals_dotted_grid(tmp_path: Path) -> None:
    nested = read(
        tmp_path, group("grid: {optimizer: {lr: [1e-3, 1e-4], generator: {lr: [1e-2]}}, model: {width: [8]}}")
    )
    dotted = read(
        tmp_path, group("grid: {optimizer.lr: [1e-3, 1e-4], optimizer.generator.lr: [1e-2], model.width: [8]}")
    )
    assert nested.trials == dotted.trials
    assert names(nested.trials) == ["g lr=1e-3 lr_G=0.01 width=8", "g lr=1e-4 lr_G=0.01 width=8"]


def test_zipped_settings_move_together(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("zip: {steps: [5, 6, 7], batch_size: [8, 9, 10]}"))
    assert [(trial.config.steps, trial.config.batch_size) for trial in sweep.trials] == [(5, 8), (6, 9), (7, 10)]


def test_a_zipped_list_may_repeat_a_level(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("zip: {steps: [5, 5], batch_size: [8, 9]}"))
    assert [(trial.config.steps, trial.config.batch_size) for trial in sweep.trials] == [(5, 8), (5, 9)]


def test_every_level_of_the_grid_meets_every_row_of_the_zip(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("grid: {log_every: [1, 2]}\nzip: {steps: [5, 6], batch_size: [8, 9]}"))
    assert {(t.config.log_every, t.config.steps, t.config.batch_size) for t in sweep.trials} == {
        (1, 5, 8),
        (1, 6, 9),
        (2, 5, 8),
        (2, 6, 9),
    }


def test_exclude_removes_every_combination_with_all_its_levels_and_no_other(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        group(
            """
            grid: {steps: [5, 6], batch_size: [8, 9]}
            exclude:
              - {steps: 5, batch_size: 9}
            """
        ),
    )
    assert [(t.config.steps, t.config.batch_size) for t in sweep.trials] == [(5, 8), (6, 8), (6, 9)]


def test_exclude_makes_room_for_settings_that_cannot_work_together(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        group(
            """
            grid: {loss.name: [bce, wasserstein], stabilizers.label_smoothing: [0, 0.1]}
            exclude:
              - {loss.name: wasserstein, stabilizers.label_smoothing: 0.1}
            """
        ),
    )
    assert len(sweep.trials) == 3


def test_exclude_compares_levels_as_numbers_and_lists_as_wholes(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        group(
            """
            grid: {optimizer.betas: [[0.0, 0.9], [0.5, 0.999]], optimizer.lr: [1.0, 2.0]}
            exclude:
              - {optimizer.betas: [0, 0.9]}
              - {optimizer.lr: 2}
            """
        ),
    )
    assert names(sweep.trials) == ["g betas=(0.5, 0.999) lr=1"]


def test_exclude_works_on_the_zip(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        group("zip: {steps: [5, 6], batch_size: [8, 9]}\nexclude:\n  - {batch_size: 9}\ngrid: {log_every: [1]}"),
    )
    assert [trial.config.batch_size for trial in sweep.trials] == [8]


def test_exclude_never_removes_a_trial_written_by_hand(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("grid: {steps: [5, 6]}\nexclude:\n  - steps: 6\ntrials:\n  - {steps: 6}"))
    assert [trial.config.steps for trial in sweep.trials] == [5, 6]


def test_trials_by_hand_alone_are_the_whole_group(tmp_path: Path) -> None:
    sweep = read(
        tmp_path, group("trials:\n  - {steps: 5}\n  - {optimizer: {lr: 1e-3, betas: [0.1, 0.2]}}\n  - {batch_size: 8}")
    )
    assert names(sweep.trials) == ["g steps=5", "g lr=1e-3 betas=(0.1, 0.2)", "g batch_size=8"]
    assert [trial.config.steps for trial in sweep.trials] == [5, 1000, 1000]
    assert sweep.trials[1].config.optimizer.betas == (0.1, 0.2)


def test_trials_by_hand_follow_the_grid_without_its_levels(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("trials:\n  - batch_size: 8\ngrid: {steps: [5, 6]}"))
    assert names(sweep.trials) == ["g steps=5", "g steps=6", "g batch_size=8"]
    assert sweep.trials[-1].config.steps == 1000


def test_an_empty_trial_by_hand_is_the_group_as_it_is(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("trial: {batch_size: 8}\ntrials:\n  - {}\n  - {steps: 5}"))
    assert [(trial.config.steps, trial.config.batch_size) for trial in sweep.trials] == [(1000, 8), (5, 8)]


def test_a_group_without_a_sweep_is_one_configuration(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("trial: {steps: 5}"))
    assert [(trial.name, trial.factors) for trial in sweep.trials] == [("g seed=0", {})]


# Seeds


def test_every_configuration_runs_once_with_every_seed(tmp_path: Path) -> None:
    sweep = read(tmp_path, "sweep: s\nseeds: [3, 1]\ngroups:\n  - {name: g, grid: {steps: [5, 6]}}\n")
    assert [(t.config.steps, t.seed, t.config.seed) for t in sweep.trials] == [
        (5, 3, 3),
        (5, 1, 1),
        (6, 3, 3),
        (6, 1, 1),
    ]
    assert [trial.name for trial in sweep.trials][:2] == ["g steps=5 seed=3", "g steps=5 seed=1"]
    assert sweep.seeds == [3, 1]


def test_without_seeds_there_is_seed_zero(tmp_path: Path) -> None:
    assert read(tmp_path, group("trial: {steps: 5}")).seeds == [0]


@pytest.mark.parametrize("seed", [0, 2**31 - 1])
def test_seeds_reach_from_zero_to_the_largest_of_31_bits(tmp_path: Path, seed: int) -> None:
    sweep = read(tmp_path, f"sweep: s\nseeds: [{seed}]\ngroups: [{{name: g}}]\n")
    assert [trial.config.seed for trial in sweep.trials] == [seed]


# Layers


def test_later_layers_win_over_earlier_ones(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        """
        sweep: s
        trial: {steps: 1, log_every: 1, batch_size: 2, checkpoint_every: 1}
        groups:
          - name: g
            trial: {log_every: 2, batch_size: 3, checkpoint_every: 2}
            grid: {batch_size: [4]}
            trials:
              - {checkpoint_every: 3}
          - name: h
        """,
    )
    swept, by_hand, plain = (trial.config for trial in sweep.trials)
    assert (swept.steps, swept.log_every, swept.batch_size, swept.checkpoint_every) == (1, 2, 4, 2)
    assert (by_hand.steps, by_hand.log_every, by_hand.batch_size, by_hand.checkpoint_every) == (1, 2, 3, 3)
    assert (plain.steps, plain.log_every, plain.batch_size, plain.checkpoint_every) == (1, 1, 2, 1)


def test_a_group_changes_one_setting_of_a_shared_section_and_keeps_the_others(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("trial: {optimizer.lr: 1e-3}", shared="optimizer: {lr: 1e-2, betas: [0.1, 0.2]}"))
    assert sweep.trials[0].config.optimizer.lr == 1e-3
    assert sweep.trials[0].config.optimizer.betas == (0.1, 0.2)


def test_each_family_brings_its_own_defaults_even_as_a_level(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("grid: {model.family: [dcgan, wgan_gp]}"))
    dcgan, wgan_gp = (trial.config for trial in sweep.trials)
    assert (dcgan.optimizer.lr, dcgan.optimizer.betas, dcgan.loss.n_critic) == (2e-4, (0.5, 0.999), 1)
    assert (wgan_gp.optimizer.lr, wgan_gp.optimizer.betas, wgan_gp.loss.n_critic) == (1e-4, (0.0, 0.9), 5)
    assert names(sweep.trials) == ["g model=dcgan", "g model=wgan_gp"]


@pytest.mark.parametrize("section", ["trial:\n", "trial: {}\n", "trial: {optimizer: }\n", "trial: {optimizer: {}}\n"])
def test_an_empty_section_changes_nothing(tmp_path: Path, section: str) -> None:
    empty = read(tmp_path, f"sweep: s\n{section}groups:\n  - name: g\n    trial:\n")
    assert empty.trials == read(tmp_path, "sweep: s\ngroups: [{name: g}]\n").trials


NOISE_LAYERS = {
    "shared": group("trial:", shared="NOISE: 0.1"),
    "shared, nested": group("trial:", shared="stabilizers: {SHORT: 0.1}"),
    "group": group("trial: {NOISE: 0.1}"),
    "grid": group("grid: {NOISE: [0.1, 0.2]}"),
    "grid, nested": group("grid: {stabilizers: {SHORT: [0.1, 0.2]}}"),
    "zip": group("zip: {NOISE: [0.1, 0.2], steps: [5, 6]}"),
    "exclude": group("grid: {stabilizers.instance_noise: [0.1, 0.2]}\nexclude:\n  - {NOISE: 0.2}"),
    "trials": group("trials:\n  - {NOISE: 0.1}"),
    "group over shared": group("trial: {NOISE: 0.1}", shared="stabilizers.instance_noise: 0.3"),
    "group over shared std": group("trial: {NOISE: 0.1}", shared="stabilizers.instance_noise.std: 0.3"),
    "grid over shared": group("grid: {NOISE: [0.1]}", shared="stabilizers.instance_noise: 0.3"),
    "grid over shared std": group("grid: {NOISE: [0.1]}", shared="stabilizers.instance_noise.std: 0.3"),
}


@pytest.mark.parametrize("layer", NOISE_LAYERS)
def test_instance_noise_is_short_for_its_std_in_every_layer(tmp_path: Path, layer: str) -> None:
    text = NOISE_LAYERS[layer]
    short, long = (
        read(tmp_path, text.replace("NOISE", f"stabilizers.{name}").replace("SHORT", name))
        for name in ("instance_noise", "instance_noise.std")
    )
    assert short.trials == long.trials
    assert short.trials[0].config.stabilizers.instance_noise.std == 0.1


def test_instance_noise_as_a_mapping_sets_all_its_parts(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("grid: {stabilizers.instance_noise: {std: [0.1], anneal: [true, false]}}"))
    assert [t.config.stabilizers.instance_noise.anneal for t in sweep.trials] == [True, False]
    assert names(sweep.trials) == ["g noise=0.1 anneal=on", "g noise=0.1 anneal=off"]


# Values


@pytest.mark.parametrize("written", ["1e-4", "1E-4", "0.0001", "1.0e-04", ".0001"])
def test_learning_rates_may_be_written_in_any_notation(tmp_path: Path, written: str) -> None:
    sweep = read(tmp_path, group(f"trial: {{optimizer.lr: {written}}}"))
    assert sweep.trials[0].config.optimizer.lr == 1e-4


def test_a_whole_number_is_a_number(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("trial: {optimizer: {lr: 1, betas: [0, 0]}, loss.gradient_penalty: 10}"))
    config = sweep.trials[0].config
    assert (config.optimizer.lr, config.optimizer.betas, config.loss.gradient_penalty) == (1.0, (0.0, 0.0), 10.0)


@pytest.mark.parametrize("setting", ["label_smoothing", "instance_noise", "instance_noise.std"])
def test_false_switches_a_stabilizer_off(tmp_path: Path, setting: str) -> None:
    switched = read(tmp_path, group(f"trial: {{stabilizers.{setting}: false}}"))
    zero = read(tmp_path, group(f"trial: {{stabilizers.{setting}: 0}}"))
    assert switched.trials[0].config == zero.trials[0].config
    assert switched.trials[0].config.stabilizers.label_smoothing == 0.0
    assert switched.trials[0].config.stabilizers.instance_noise.std == 0.0


def test_betas_are_one_level(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        group(
            "grid:\n  optimizer.betas:\n    - [0.5, 0.999]\n    - [0, 0.9]\n  optimizer.generator.betas: [[0.1, 0.2]]"
        ),
    )
    assert [trial.config.optimizer.betas for trial in sweep.trials] == [(0.5, 0.999), (0.0, 0.9)]
    assert names(sweep.trials)[1] == "g betas=(0, 0.9) betas_G=(0.1, 0.2)"


def test_a_list_of_classes_is_one_level(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("grid: {data.classes: [[0, 1], [cat]]}"))
    assert [trial.config.data.classes for trial in sweep.trials] == [(0, 1), ("cat",)]


def test_null_is_the_default_where_there_may_be_none(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("grid: {optimizer.generator.lr: [null, 1e-3]}"))
    assert [trial.config.optimizer.generator.lr for trial in sweep.trials] == [None, 1e-3]


def test_null_is_the_default_of_the_family(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("grid: {model.family: [dcgan, wgan_gp], optimizer.lr: [null, 1e-3]}"))
    assert [trial.config.optimizer.lr for trial in sweep.trials] == [2e-4, 1e-3, 1e-4, 1e-3]


def test_null_written_by_hand_resets_what_is_shared(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        group("trials:\n  - {optimizer.generator.lr: null}\n  - {steps: 5}", shared="optimizer.generator.lr: 1e-3"),
    )
    assert [trial.config.optimizer.generator.lr for trial in sweep.trials] == [None, 1e-3]


def test_null_can_be_excluded(tmp_path: Path) -> None:
    sweep = read(
        tmp_path, group("grid: {optimizer.generator.lr: [null, 1e-3]}\nexclude:\n  - optimizer.generator.lr: null")
    )
    assert [trial.config.optimizer.generator.lr for trial in sweep.trials] == [1e-3]


# YAML


def test_anchors_and_merge_keys_work(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        """
        sweep: s
        groups:
          - name: a
            trial: &base {steps: 5, batch_size: 8}
            grid: &grid {optimizer.lr: &rates [1e-3, 1e-4]}
          - name: b
            trial: {<<: *base, steps: 6}
            grid: *grid
          - name: c
            grid: {optimizer.generator.lr: *rates}
        """,
    )
    assert [(t.config.steps, t.config.batch_size) for t in sweep.trials if t.group == "b"] == [(6, 8), (6, 8)]
    assert names(sweep.trials)[2:] == ["b lr=1e-3", "b lr=1e-4", "c lr_G=1e-3", "c lr_G=1e-4"]


@pytest.mark.parametrize(
    "text", ["---\nsweep: s\ngroups: [{name: g}]\n...\n", '{"sweep": "s", "groups": [{"name": "g"}]}']
)
def test_explicit_documents_and_json_are_yaml(tmp_path: Path, text: str) -> None:
    assert len(read(tmp_path, text).trials) == 1


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_files_from_windows_are_read(tmp_path: Path, newline: str, mark: bytes) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_bytes(mark + newline.join(["sweep: s", "groups:", "  - name: g", ""]).encode())
    assert load(file).name == "s"


# Names, questions, sources, cautions


@pytest.mark.parametrize("name", ["stability", "a", "A-b_c.d", "0", "x" * 64])
def test_safe_folder_names_are_names_of_sweeps(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, f"sweep: '{name}'\ngroups: [{{name: g}}]\n").name == name


@pytest.mark.parametrize("name", ["dcgan 2", "a.b", "生成", "ünï", "λ=10"])
def test_groups_may_be_called_anything_on_one_line(tmp_path: Path, name: str) -> None:
    sweep = read(tmp_path, f"sweep: s\ngroups:\n  - name: {name}\n    grid: {{steps: [5]}}\n")
    assert sweep.trials[0].group == name
    assert sweep.trials[0].configuration == f"{name} steps=5"


def test_the_question_is_read_and_has_a_default(tmp_path: Path) -> None:
    sweep = read(tmp_path, "sweep: s\nquestion: >\n  Why?\n\ngroups: [{name: g}]\n")
    assert sweep.question == "Why?"
    assert "s" in read(tmp_path, "sweep: s\ngroups: [{name: g}]\n").question


@pytest.mark.parametrize("question", ["", "~", "''", "' '"])
def test_a_question_left_empty_is_the_default_one(tmp_path: Path, question: str) -> None:
    default = read(tmp_path, "sweep: s\ngroups: [{name: g}]\n").question
    assert read(tmp_path, f"sweep: s\nquestion: {question}\ngroups: [{{name: g}}]\n").question == default


def test_a_trial_knows_its_swept_settings_and_only_those(tmp_path: Path) -> None:
    sweep = read(tmp_path, group("trial: {batch_size: 8}\ngrid: {steps: [5, 6]}\nzip: {optimizer.lr: [1e-3]}"))
    assert [trial.factors for trial in sweep.trials] == [
        {"steps": 5, "optimizer.lr": 1e-3},
        {"steps": 6, "optimizer.lr": 1e-3},
    ]


def test_a_trial_knows_the_line_of_each_of_its_settings(tmp_path: Path) -> None:
    group_text = "- name: g\n  trial: {batch_size: 8}\n  grid:\n    steps:\n    - 5\n    - 6\n"
    sweep = read(tmp_path, f"sweep: s\ntrial:\n  log_every: 1\ngroups:\n{group_text}")
    lines = [
        {setting: int(source.rsplit(":", 1)[1]) for setting, source in trial.sources.items()} for trial in sweep.trials
    ]
    assert lines == [{"log_every": 3, "batch_size": 6, "steps": line} for line in (9, 10)]


def test_each_caution_is_given_once_with_the_groups_it_concerns(tmp_path: Path) -> None:
    sweep = read(
        tmp_path,
        """
        sweep: s
        seeds: [0, 1]
        trial: {evaluation.every: 1}
        groups:
          - {name: b, trial: {loss.gradient_penalty: 10}, grid: {steps: [5, 6]}}
          - {name: a, trial: {loss.gradient_penalty: 1}}
          - {name: c}
        """,
    )
    assert len(sweep.cautions) == 1
    assert "batch norm" in sweep.cautions[0]
    assert sweep.cautions[0].endswith("(a, b)")


def test_a_grid_of_many_trials_has_as_many_cautions_as_kinds_of_them(tmp_path: Path) -> None:
    grid = "{stabilizers.ema: [0.99, 0.999], steps: [4, 5, 6], batch_size: [8, 16, 24, 32]}"
    sweep = read(tmp_path, group(f"grid: {grid}", shared="evaluation.every: 2"))
    assert len(sweep.trials) == 24
    starts = ("fewer than 4 evaluations", "a moving average with decay 0.99 ", "a moving average with decay 0.999 ")
    assert len(sweep.cautions) == len(starts)
    assert all(any(caution.startswith(start) for caution in sweep.cautions) for start in starts)
