"""The mirror over HTTP, with a real MLflow server and a proxy that delays, refuses, cuts and lies."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.mirrors import expected_points, mirror_of, stored_points, synced_mirror
from support.ports import free_port
from support.proxy import Behaviour, Proxy, proxied, start_server
from support.tiny import finished_trial, run_some_steps

from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan
from orchestrator.tracking import client, run_content
from orchestrator.tracking.address import check_uri
from orchestrator.tracking.mirror import Mirror, TrackingUnavailable
from orchestrator.tracking.mirror_thread import MirrorThread

MakePlan = Callable[[], Plan]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    process = start_server(folder, port)
    yield port, folder / "server.db"
    process.terminate()
    process.wait(30)


@pytest.fixture
def proxy(server: tuple[int, Path]) -> Iterator[Proxy]:
    with proxied(server[0]) as open_proxy:
        yield open_proxy


def opened(tiny_plan: MakePlan, home: Path, proxy: Proxy) -> tuple[Plan, Mirror]:
    """A plan whose first trial has ended, and its mirror, which has sent nothing of it yet."""
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    mirror = mirror_of(plan, home, proxy.uri)
    mirror.open()
    return plan, mirror


def active_runs(mirror: Mirror, key: str) -> int:
    tags = {"mlflow.parentRunId": mirror.parent_run_id, client.KEY_TAG: key}
    return len(list(client.runs_with_tags(client.client_for(mirror.uri), mirror.experiment.id, tags)))


@pytest.mark.parametrize("behaviour", ["500", "429", "garbage", "cut", "drop"])
def test_whatever_the_server_answers_all_points_arrive_once(
    behaviour: Behaviour, proxy: Proxy, server: tuple[int, Path], tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan, mirror = opened(tiny_plan, tmp_path, proxy)
    key = plan.trials[0].key
    dice = random.Random(0)
    proxy.behaviour = lambda method, path: behaviour if dice.random() < 0.25 else "pass"
    thread = MirrorThread(mirror)
    assert any(thread.try_sync() for _ in range(100))  # each round comes further than the last
    proxy.always("pass")
    run_id = mirror.children[key].run_id
    assert Counter(stored_points(server[1], run_id)) == expected_points(plan, key)
    assert active_runs(mirror, key) == 1
    run = mirror.client.get_run(run_id)
    assert (run.info.status, run.data.tags["status"]) == ("FINISHED", "finished")


def test_points_arrive_in_order_after_an_outage(
    proxy: Proxy, server: tuple[int, Path], tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan = tiny_plan()
    key = plan.trials[0].key
    execution = run_some_steps(plan, plan.trials[0], 4)
    mirror = synced_mirror(plan, tmp_path, proxy.uri)
    proxy.always("500")
    execution.advance()
    with pytest.raises(TrackingUnavailable):
        mirror.sync()
    proxy.always("pass")
    mirror.sync()
    rows = stored_points(server[1], mirror.children[key].run_id)
    assert Counter(rows) == expected_points(plan, key)
    losses = [step for name, step, _, _ in rows if name == "loss/generator"]
    assert losses == [2, 4, 6, 8]


def test_a_dead_server_costs_a_round_one_trial_not_all(proxy: Proxy, tiny_plan: MakePlan, tmp_path: Path) -> None:
    plan = tiny_plan()
    for planned in plan.trials:
        finished_trial(plan, planned)
    mirror = mirror_of(plan, tmp_path, proxy.uri)
    mirror.open()
    proxy.requests.clear()
    proxy.always("500")
    with pytest.raises(TrackingUnavailable):
        mirror.sync()
    assert len(proxy.requests) == 2  # the trial's first call, and whether anything is answered at all


def test_an_interrupted_sweep_does_not_wait_for_a_server_that_hangs(
    proxy: Proxy, tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, mirror = opened(tiny_plan, tmp_path, proxy)
    proxy.always("hang")
    thread = MirrorThread(mirror, interval=0.01)
    thread.start()
    monkeypatch.setattr("orchestrator.shutdown_budgets.MLFLOW_GRACE_PERIOD", 0.5)
    left = threading.Event()

    def leave() -> None:
        assert not thread.send_rest(hurry=True)
        thread.stop_as_killed()
        left.set()

    threading.Thread(target=leave, daemon=True).start()
    assert left.wait(9)  # a call to a server that hangs takes 10 s
    assert thread.error


def test_the_end_waits_for_a_server_that_is_slow_but_answers(
    proxy: Proxy, server: tuple[int, Path], tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan, mirror = opened(tiny_plan, tmp_path, proxy)
    key = plan.trials[0].key
    proxy.delay = 0.1
    thread = MirrorThread(mirror, interval=0.01, patience=0.02)  # all of it takes far longer than that
    thread.start()
    assert thread.send_rest()
    assert Counter(stored_points(server[1], mirror.children[key].run_id)) == expected_points(plan, key)


def test_answers_that_take_seconds_keep_no_trial_and_all_arrives_once(
    proxy: Proxy, server: tuple[int, Path], tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan = tiny_plan()
    key = plan.trials[0].key
    execution = run_some_steps(plan, plan.trials[0], 4)
    mirror = synced_mirror(plan, tmp_path, proxy.uri)
    request_seen, answered = threading.Event(), len(proxy.requests) + 3

    def slow_at_first(method: str, path: str) -> Behaviour:
        proxy.delay = 3.0 if len(proxy.requests) <= answered else 0.0
        request_seen.set()
        return "pass"

    proxy.behaviour = slow_at_first
    for _ in range(2):
        execution._take_step()
    assert execution._trainer is not None and execution._writer is not None
    execution._writer.commit(execution._trainer)
    thread = MirrorThread(mirror, interval=0.01, patience=0.1)
    thread.start()
    assert request_seen.wait(60)
    execution.advance()  # to the end of the trial, while MLflow has not answered yet
    assert execution.done
    assert len(proxy.requests) <= answered
    assert thread.send_rest()
    assert Counter(stored_points(server[1], mirror.children[key].run_id)) == expected_points(plan, key)
    assert active_runs(mirror, key) == 1


def test_the_end_gives_up_on_a_server_that_takes_nothing(proxy: Proxy, tiny_plan: MakePlan, tmp_path: Path) -> None:
    _, mirror = opened(tiny_plan, tmp_path, proxy)
    proxy.always("500")
    thread = MirrorThread(mirror, interval=0.01, patience=0.5)
    thread.start()
    assert not thread.send_rest()
    assert thread.error


def test_a_password_in_the_address_is_never_said(
    proxy: Proxy, tiny_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    finished_trial(plan, plan.trials[0])
    mirror = mirror_of(plan, tmp_path, proxy.uri.replace("//", "//someone:hunter2@"))
    mirror.open()
    assert "hunter2" not in (plan.folder.mirror_file).read_text()
    proxy.always("garbage")
    thread = MirrorThread(mirror)
    assert not thread.try_sync()
    assert thread.error and "hunter2" not in thread.error
    with pytest.raises(UserError) as caught:
        mirror_of(plan, tmp_path, mirror.uri).open()
    assert "hunter2" not in str(caught.value)
    with pytest.raises(UserError) as caught:
        check_uri(mirror.uri)
    assert "hunter2" not in str(caught.value)
    assert not any("hunter2" in file.read_text(errors="replace") for file in tmp_path.rglob("*.json"))


def test_mlflow_keeps_a_point_that_is_sent_twice_once(
    proxy: Proxy, server: tuple[int, Path], tiny_plan: MakePlan, tmp_path: Path
) -> None:
    plan = tiny_plan()
    key = plan.trials[0].key
    finished_trial(plan, plan.trials[0])
    for uri, database in ((proxy.uri, server[1]), ("", tmp_path / "mlflow.db")):
        mirror = synced_mirror(plan, tmp_path, uri)
        run_id = mirror.children[key].run_id
        before = stored_points(database, run_id)
        points = [point for row in plan.folder.trial(key).history(8) for point in run_content.row_points(row)]
        from mlflow.entities import Metric

        mirror.client.log_batch(run_id, metrics=[Metric(*point) for point in points])
        assert stored_points(database, run_id) == before
        assert Counter(before) == expected_points(plan, key)
        assert json.loads((plan.folder.mirror_file).read_text())["runs"] == {key: run_id}
