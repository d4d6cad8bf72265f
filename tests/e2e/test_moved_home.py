"""A home that was moved: the real commands and MLflow's own pages, in a real browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, HttpCredentials
from support.commands import SMOKE, Done, invoke, orchestrate
from support.ui_server import mlflow_ui

pytestmark = pytest.mark.e2e


def test_a_sweep_goes_on_and_mlflow_shows_its_pictures_where_the_home_is_now(
    undisturbed: tuple[Path, Done], tmp_path: Path, chromium: Browser
) -> None:
    original, former, home = undisturbed[0], tmp_path / "former", tmp_path / "new"
    shutil.copytree(original, former)
    done = orchestrate("sync", "smoke", home=former)
    assert done.returncode == 0, done
    former.rename(home)
    done = invoke("sweep", SMOKE, home=home)
    assert done.returncode == 0, done
    assert f"this home was at {former} before" in done.stdout
    artifacts = home / "mlartifacts" / "smoke"
    mirror = json.loads((home / "sweeps/smoke/mirror.json").read_text())
    assert len(mirror["runs"]) == 4
    for run in mirror["runs"].values():
        assert (artifacts / run / "artifacts" / "images").is_dir()
    with mlflow_ui(home) as server:
        login = HttpCredentials(username=server.user, password=server.password)
        page = chromium.new_page(viewport={"width": 1500, "height": 1200}, http_credentials=login)
        page.set_default_timeout(60_000)
        run = next(iter(mirror["runs"].values()))
        page.goto(f"{server.address}/#/experiments/{mirror['experiment']}/runs/{run}/artifacts")
        page.get_by_text("real.png").first.click()
        page.wait_for_function(
            "[...document.images].some(i => i.src.startsWith('blob:') && i.complete && i.naturalWidth)"
        )
        page.close()
    assert not former.exists()
