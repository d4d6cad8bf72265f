"""Workers that a new Ray is asked for. `test_real_ray.py` has a trial that runs in one."""

from __future__ import annotations

import os

import pytest
from ray.tune.execution.class_cache import _ActorClassCache
from ray.tune.trainable import Trainable

from orchestrator.cluster import warm_workers
from orchestrator.cluster.ray_environment import LOCAL_ENVIRONMENT
from orchestrator.cluster.warm_workers import PRELOAD, TUNES_OWN, WarmWorkers, actors_in_them


def test_ray_starts_none_by_itself() -> None:
    """`ray.init` would wait for them in C++, where no signal is heard."""
    assert LOCAL_ENVIRONMENT["RAY_prestart_worker_first_driver"] == "0"


def test_another_ray_of_this_process_has_the_environment_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook, one that its user starts after a sweep."""
    monkeypatch.setenv("PL_DISABLE_FORK", "0")
    before = dict(os.environ)
    with WarmWorkers(1, "json").environment():
        assert os.environ[PRELOAD] == "json"
        os.environ["SET_BY_ANOTHER_THREAD"] = "meanwhile"
    assert os.environ.pop("SET_BY_ANOTHER_THREAD") == "meanwhile"
    assert dict(os.environ) == before


def test_a_node_that_does_not_take_the_question_starts_workers_later(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[int]()

    def refuse(count: int) -> None:
        asked.append(count)
        raise ConnectionError

    monkeypatch.setattr(warm_workers, "_ask_node", refuse)
    WarmWorkers(0, "json").start()
    WarmWorkers(3, "json").start()
    assert asked == [3]


def environment_of_an_actor() -> dict[str, str]:
    """What Tune asks Ray for."""
    actor = _ActorClassCache().get(Trainable)
    return dict(actor._default_options["runtime_env"] or {})


def test_actors_ask_for_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray takes a process only if its environment is the one that was asked for."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the user's storage")
    with actors_in_them():
        assert environment_of_an_actor() == {}
    assert environment_of_an_actor()["env_vars"] == {**TUNES_OWN, "AWS_ACCESS_KEY_ID": "of the user's storage"}
