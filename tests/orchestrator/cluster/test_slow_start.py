"""Ray gives up on its node after 30 s; we wait for as long as its processes live."""

from __future__ import annotations

import time

import pytest
from ray._private import services

from orchestrator.cluster import slow_start
from orchestrator.cluster.slow_start import wait_for_node


class SlowNode:
    """Ray's `get_node`, which finds the node when it is asked for the `late`-th time."""

    def __init__(self, late: int):
        self.late, self.asked = late, 0

    def __call__(self, address: str, node: str) -> str:
        self.asked += 1
        if self.asked < self.late:
            raise RuntimeError("no such node")
        return f"{node} at {address}"


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> SlowNode:
    slow = SlowNode(5)
    monkeypatch.setattr(services, "get_node", slow)
    monkeypatch.setattr(slow_start, "SECONDS_BETWEEN_TRIES", 0.001)
    return slow


def test_a_node_that_comes_late_is_waited_for_in_one_call(node: SlowNode) -> None:
    """So that Ray's own limit, which it looks at after a call, never counts."""
    with wait_for_node(lambda: True):
        assert services.get_node("here", "node") == "node at here"
    assert node.asked == 5 and services.get_node is node


def test_a_node_whose_processes_have_died_is_not_waited_for(node: SlowNode) -> None:
    with pytest.raises(RuntimeError, match="no such node"), wait_for_node(lambda: False):
        services.get_node("here", "node")
    assert node.asked == 1 and services.get_node is node


def test_nothing_is_waited_for_forever(node: SlowNode, monkeypatch: pytest.MonkeyPatch) -> None:
    node.late = 10**9
    monkeypatch.setattr(slow_start, "MAX_SECONDS", 0.05)
    began = time.monotonic()
    with pytest.raises(RuntimeError), wait_for_node(lambda: True):
        services.get_node("here", "node")
    assert time.monotonic() - began < 30


def test_ray_asks_for_its_node_where_we_wait() -> None:
    """Ray's own code, which another version may change."""
    import inspect

    from ray._private import node

    assert "ray._private.services.get_node(" in inspect.getsource(node.Node.__init__)


def test_the_node_is_told_the_ports_of_its_agents_and_waits_for_none(
    node: SlowNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits 15 s for each port that it is not told: on a busy machine that ended most starts."""
    commands: list[list[str]] = []
    given: dict[str, int] = {}

    def start_raylet(session: str, *, metrics_agent_port: int, **ports: int) -> None:
        given.update(ports, metrics_agent_port=metrics_agent_port)
        services.start_ray_process(["raylet", session], "raylet", fate_share=True)

    monkeypatch.setattr(services, "start_raylet", start_raylet)
    monkeypatch.setattr(services, "start_ray_process", lambda command, *rest, **more: commands.append(command))
    with wait_for_node(lambda: True):
        services.start_raylet("session", metrics_agent_port=0)
    assert len(set(given.values())) == 4 and min(given.values()) > 0
    assert commands == [["raylet", "session", f"--dashboard_agent_listen_port={given['dashboard_agent_listen_port']}"]]
