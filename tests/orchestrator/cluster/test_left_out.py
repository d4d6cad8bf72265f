"""What a local Ray starts without. The places are Ray's own, so these tests also say when a new Ray has moved them."""

from __future__ import annotations

import sys

import pytest
from ray._private import services, utils
from ray._private.node import Node
from ray.air._internal import usage
from ray.tune import Callback, tune
from ray.tune.execution.tune_controller import TuneController

from orchestrator.cluster.left_out import SERVICES, without_services, without_tunes_own_records


def test_a_node_that_starts_here_has_no_services_that_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    for name in SERVICES:
        monkeypatch.setattr(services, name, lambda *_, name=name, **__: started.append(name))
    node = Node.__new__(Node)
    with without_services():
        node.start_api_server(include_dashboard=False, raise_on_failure=False)
        node.start_monitor()
        node.start_log_monitor()
        assert isinstance(utils.get_dashboard_dependency_error(), ImportError)
    assert started == []


def test_another_ray_of_this_process_has_all_of_them() -> None:
    """In a notebook, one that its user starts after a sweep."""
    before = [getattr(Node, name) for name in SERVICES], utils.get_dashboard_dependency_error
    with without_services():
        pass
    assert ([getattr(Node, name) for name in SERVICES], utils.get_dashboard_dependency_error) == before


def test_tune_imports_no_callbacks_to_count_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setitem(sys.modules, "ray.air.integrations.comet", None)  # Ray's own would fail with ImportError
    with without_tunes_own_records():
        tune.air_usage.tag_callbacks([Callback()])
    with pytest.raises(ImportError):
        usage.tag_callbacks([Callback()])


class SavedTrial:
    trial_id = "1"

    def get_json_state(self) -> str:
        return "all of it"


def test_tune_writes_no_trials_down() -> None:
    controller = TuneController.__new__(TuneController)
    controller._trials_to_cache, controller._trial_metadata = set(), {}
    with without_tunes_own_records():
        controller._mark_trial_to_checkpoint(SavedTrial())
        assert controller._get_trial_checkpoints() == {}
    controller._mark_trial_to_checkpoint(SavedTrial())
    assert controller._get_trial_checkpoints() == {"1": "all of it"}, "Ray's own way is another one now"


def test_a_user_who_wants_rays_statistics_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    own = usage.tag_callbacks
    with without_tunes_own_records():
        assert usage.tag_callbacks is own


@pytest.mark.parametrize("module", ["ray._private.node", "ray._private.utils", "ray.tune.execution.tune_controller"])
def test_a_ray_that_has_moved_a_place_starts_all_the_same(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package, name = module.rsplit(".", 1)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delattr(sys.modules[package], name, raising=False)
    with without_services(), without_tunes_own_records():
        pass


def test_a_ray_without_one_of_its_services_starts_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Node, SERVICES[0])
    with without_services():
        assert not hasattr(Node, SERVICES[0])
