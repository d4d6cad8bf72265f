"""Workers that start with Ray. `test_real_ray.py` has a trial that runs in one."""

from __future__ import annotations

import os

import pytest
from ray._private import services
from ray.tune.execution.class_cache import _ActorClassCache
from ray.tune.trainable import Trainable

from orchestrator.cluster.warm_workers import PRELOAD, PRESTART, TUNES_OWN, WarmWorkers, actors_in_them


def test_the_raylet_alone_is_told_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = list[list[str]]()
    monkeypatch.setattr(services, "start_ray_process", lambda command, *rest, **more: commands.append(command))
    with WarmWorkers(3, "json").starting():
        services.start_ray_process(["raylet", "--num_prestart_python_workers=64"], "raylet", fate_share=True)
        services.start_ray_process(["gcs_server"], "gcs_server", fate_share=True)
    services.start_ray_process(["raylet"], "raylet", fate_share=True)
    told = "--num_prestart_python_workers=3"
    assert commands == [["raylet", "--num_prestart_python_workers=64", told], ["gcs_server"], ["raylet"]]


@pytest.mark.parametrize(("count", "starts"), [(2, "1"), (0, "0")])
def test_none_start_where_none_are_asked_for(count: int, starts: str) -> None:
    with WarmWorkers(count, "json").starting():
        assert os.environ[PRESTART] == starts


def test_another_ray_of_this_process_has_the_environment_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook, one that its user starts after a sweep."""
    monkeypatch.setenv("PL_DISABLE_FORK", "0")
    before = dict(os.environ)
    with WarmWorkers(1, "json").starting():
        assert os.environ[PRELOAD] == "json"
        os.environ["SET_BY_ANOTHER_THREAD"] = "meanwhile"
    assert os.environ.pop("SET_BY_ANOTHER_THREAD") == "meanwhile"
    assert dict(os.environ) == before


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
