"""`map:` and `search:` in a sweep file: what they say, and one clear line for each mistake."""

from __future__ import annotations

import pytest
from support.explored import GROUP, LR, MAP, SEARCH

from orchestrator.commands import parts
from orchestrator.commands.sweep_options import Part, SweepOptions
from orchestrator.errors import SpecError, UserError
from orchestrator.sweepfile import loader
from orchestrator.sweepfile.model import Search, StabilityMap, Sweep

SMOOTHING = "stabilizers.label_smoothing"
OVER = MAP.replace("{trials: 12}", f"{{over: [{LR}, {SMOOTHING}], trials: 12}}")
REQUIRE = SEARCH.replace("{trials: 12}", "{trials: 12, require: {stable: 0.8}, schedule: asha}")


def read(text: str, *overrides: str) -> Sweep:
    return loader.read(text, "m.yaml", list(overrides))


def problems(text: str, *overrides: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(text, *overrides)
    return str(caught.value).splitlines()


def test_a_map_is_over_what_it_names_or_over_all_that_is_drawn() -> None:
    assert read(OVER).explores == read(MAP).explores == StabilityMap((LR, SMOOTHING), 12)


def test_a_search_says_what_it_requires() -> None:
    assert read(SEARCH).explores == Search(12, 0.9, "")
    assert read(REQUIRE).explores == Search(12, 0.8, "asha")


def test_such_a_sweep_has_no_trials_of_its_own_and_makes_them_of_settings() -> None:
    sweep = read(MAP)
    assert not sweep.trials and not sweep.seeds
    trial = sweep.trial_at({LR: 0.01, SMOOTHING: 0.1}, 5)
    assert (trial.seed, trial.config.seed, trial.config.optimizer.lr, trial.config.steps) == (5, 5, 0.01, 8)
    assert trial.name == "dcgan lr=0.01 smoothing=0.1 seed=5" and trial.sampled == (LR, SMOOTHING)


def test_settings_that_cannot_be_trained_are_one_line() -> None:
    with pytest.raises(UserError, match=r"m\.yaml: dcgan smoothing=2 cannot be trained: .*; make the ranges smaller"):
        read(MAP).trial_at({SMOOTHING: 2}, 0)


@pytest.mark.parametrize(
    ("overrides", "explores"),
    [
        (["map.trials=20"], StabilityMap((LR, SMOOTHING), 20)),
        ([f"map.over=[{SMOOTHING}, {LR}]"], StabilityMap((SMOOTHING, LR), 12)),
        (["map={trials: 9}"], StabilityMap((LR, SMOOTHING), 9)),
    ],
)
def test_set_changes_a_map(overrides: list[str], explores: StabilityMap) -> None:
    assert read(OVER, *overrides).explores == explores


@pytest.mark.parametrize(
    ("override", "search"),
    [
        ("search.trials=20", Search(20, 0.8, "asha")),
        ("search.require.stable=0.7", Search(12, 0.7, "asha")),
        ("search.require={stable: 0.6}", Search(12, 0.6, "asha")),
    ],
)
def test_set_changes_a_search(override: str, search: Search) -> None:
    assert read(REQUIRE, override).explores == search


def replaced(before: str, after: str, text: str = OVER) -> str:
    assert before in text
    return text.replace(before, after)


TRIALS = "write a whole number from 8 to 300"
ENDS = f"  {SMOOTHING}: {{uniform: [0, 0.3]}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (replaced("trials: 12", "trials: 7"), f"m.yaml:3: map.trials: 7 is not allowed; {TRIALS}"),
        (
            replaced("trials: 12", "trials: 301"),
            f"m.yaml:3: map.trials: 301 is not allowed; {TRIALS}: to choose one of",
        ),
        (
            replaced("trials: 12", "trials: 1001", REQUIRE),
            "search.trials: 1001 is not allowed; write a whole number fr",
        ),
        (replaced("trials: 12", "trials: many"), f"m.yaml:3: map.trials: 'many' is not allowed; {TRIALS}"),
        (replaced("trials: 12", "trials: true"), f"m.yaml:3: map.trials: True is not allowed; {TRIALS}"),
        (replaced(", trials: 12", ""), "m.yaml:3: map.trials: missing; write how many trials it takes"),
        (replaced("over:", "ovr:"), "m.yaml:3: map.ovr: unknown key, did you mean over?"),
        (replaced("map: {", "map: 80 # {"), "m.yaml:3: map: a mapping is needed, such as map: {over:"),
        (replaced("map: {", "map: # {"), "m.yaml:3: map: a mapping is needed, such as map: {over:"),
        (replaced(LR + ", ", "optimizer.lrr, "), "optimizer.lrr is not drawn in the `sample:` of group dcgan, did you"),
        (replaced(LR + ", ", "loss.n_critic, "), "loss.n_critic is not drawn in the `sample:` of group dcgan; drawn"),
        (replaced(LR + ", ", ""), f"map.over: {LR} of the `sample:` is missing here; name all that is drawn"),
        (replaced(LR + ", ", f"{LR}, {LR}, "), f"map.over: {LR} is written twice"),
        (replaced(f"[{LR}, {SMOOTHING}]", LR), "map.over: a list of settings is needed"),
        (replaced("map: {", "seeds: [0]\nmap: {"), "m.yaml:3: seeds: in a map, trial number n (from 0) has seed n"),
        (replaced("map: {", "until: answered\nmap: {"), "m.yaml:3: until: a map chooses its trials itself"),
        (replaced("map: {", "budget: 2h\nmap: {"), "m.yaml:3: budget: belongs to `until: answered`"),
        (replaced("map: {", "search: {trials: 9}\nmap: {"), "m.yaml:3: search: a sweep either maps or searches"),
        (replaced("{uniform: [0, 0.3]}", "{choice: [0, 0.3]}"), "a map has no boundary between the levels of a choice"),
        (replaced("{uniform: [0, 0.3]}", "{uniform: [0.3, 0]}"), "the range is upside down"),
        (replaced("{uniform: [0, 0.3]}", "{uniform: [0.3, 0.3]}"), "the range is empty"),
        (replaced("{uniform: [0, 0.3]}", "{log_uniform: [0, 0.3]}"), "a logarithm needs numbers above 0"),
        (replaced("{uniform: [0, 0.3]}", "{uniform: [0, 3]}"), "the range reaches 3, which is not allowed"),
        (
            replaced("    sample:", "    sample:\n      count: 8"),
            "sample.count: a map or a search chooses the points its",
        ),
        (
            replaced("    sample:", "    sample:\n      method: sobol"),
            "sample.method: a map or a search chooses the poi",
        ),
        (
            replaced("    sample:", "    grid: {loss.n_critic: [1]}\n    sample:"),
            "grid: a map chooses from the `sample:`",
        ),
        (
            replaced("    sample:", "    zip: {loss.n_critic: [1]}\n    sample:"),
            "zip: a map chooses from the `sample:`",
        ),
        (
            replaced("    sample:", "    trials: [{loss.n_critic: 1}]\n    sample:"),
            "trials: a map chooses from the `sample:`",
        ),
        (
            replaced("    sample:", f"    exclude: [{{{LR}: 0.1}}]\n    sample:"),
            "exclude: a map chooses from the `sample:`",
        ),
        (replaced(GROUP, "groups:\n  - name: dcgan\n"), "sample: missing; a map chooses its trials from one"),
        (OVER + "  - name: other\n", "m.yaml:16: groups: a map has one group with a `sample:`"),
        (replaced(SMOOTHING, "evaluation.samples"), "the trials of a map are compared, so they need the same images"),
        (
            replaced(ENDS, "  steps: {integers: [4, 8]}", MAP),
            "sample.steps: the trials of a map are compared, so they need the same steps: move it to `trial:`",
        ),
        (
            replaced(ENDS, "  checkpoint_every: {choice: [2, 4]}", SEARCH),
            "sample.checkpoint_every: the trials of a search are compared, so they need the same steps: move it",
        ),
        (replaced(ENDS + "\n", "", MAP), "sample: 1 setting drawn; a map takes 2 to 4"),
        (replaced("stable: 0.8", "stable: 1.2", REQUIRE), "m.yaml:3: search.require.stable: 1.2 is not allowed; write"),
        (replaced("stable: 0.8", "stable: 0", REQUIRE), "search.require.stable: 0 is not allowed; write the share"),
        (
            replaced("stable: 0.8", "stable: yes", REQUIRE),
            "search.require.stable: 'yes' is not allowed; write the share",
        ),
        (replaced("stable: 0.8", "sable: 0.8", REQUIRE), "search.require.sable: unknown key, did you mean stable?"),
        (replaced("{stable: 0.8}", "0.8", REQUIRE), "search.require: a mapping is needed, such as {stable: 0.9}"),
        (replaced("asha", "pbt", REQUIRE), "search.schedule: 'pbt' is not allowed; write schedule: asha"),
    ],
)
def test_each_mistake_is_one_line_that_says_where(text: str, message: str) -> None:
    found = problems(text)
    assert len([line for line in found if message in line]) == 1, found
    assert len(found) == 1 or "evaluation.samples" in text, found


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("map.trials=2", f"--set map.trials: 2 is not allowed; {TRIALS}"),
        (f"map.over=[{LR}]", f"--set map.over: {SMOOTHING} of the `sample:` is missing here"),
        ("map.trails=20", "--set map.trails: nothing can be set under this path, did you mean map.trials?"),
        ("search.trials=20", "a sweep either maps or searches"),
        ("seeds=[0]", "--set seeds: in a map, trial number n (from 0) has seed n"),
    ],
)
def test_a_mistake_of_set_names_the_option(override: str, message: str) -> None:
    (line,) = problems(OVER, override)
    assert message in line


def test_a_search_may_draw_choices_and_a_single_setting() -> None:
    text = replaced(ENDS, f"  {SMOOTHING}: {{choice: [0, 0.1]}}", SEARCH)
    assert read(text).explores and read(replaced(ENDS + "\n", "", SEARCH)).explores


def test_a_contradiction_gets_advice_that_a_search_can_follow() -> None:
    both = "  loss.name: {choice: [bce, hinge]}\n  " + f"{SMOOTHING}: {{choice: [0, 0.1]}}"
    (line,) = problems(replaced(ENDS.strip(), both.strip().replace("\n", "\n    "), SEARCH))
    assert "the hinge loss has no targets" in line and "exclude" not in line and "drawn in point" not in line
    assert "such a point, as lr=" in line and "can be chosen; draw only what can be together" in line


@pytest.mark.parametrize("option", ["--part", "--slurm-array"])
def test_parts_are_refused(option: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    options = SweepOptions(tmp_path_factory.mktemp("home"), "uri", part=Part(1, 2))
    with pytest.raises(UserError, match=f"{option}: a map or a search chooses each trial from all that have ended"):
        parts.check(read(MAP), options, option)
