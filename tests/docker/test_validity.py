"""The containers' files are what their tools take. That they run, `tests/e2e/test_containers.py` shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.container_files import COMPOSE, DOCKERFILES, ROOT, SCRIPTS, manifests

BIN = Path(sys.executable).parent
SCHEMA = Path(__file__).with_name("kuberay.schema.json")


def refusal(tool: str, *arguments: str | Path) -> str:
    """What the tool says against the files; empty when it takes them."""
    done = subprocess.run([BIN / tool, *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def test_compose_file_is_what_its_specification_allows() -> None:
    assert refusal("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE) == ""


def test_dockerfile_has_no_known_mistake() -> None:
    assert refusal("hadolint", "--no-color", *DOCKERFILES) == ""


def test_scripts_are_sound_posix_shell() -> None:
    assert refusal("shellcheck", "--enable=quote-safe-variables,require-double-brackets", *SCRIPTS) == ""
    assert {script.read_text().splitlines()[0] for script in SCRIPTS} == {"#!/bin/sh"}
    assert all(script.stat().st_mode & 0o111 for script in SCRIPTS)


def test_kubernetes_objects_have_the_fields_of_their_kinds(tmp_path: Path) -> None:
    for kind, manifest in manifests().items():
        (tmp_path / f"{kind}.json").write_text(json.dumps(manifest))
    assert refusal("check-jsonschema", "--schemafile", SCHEMA, *tmp_path.iterdir()) == ""
    assert set(manifests()) == {"PersistentVolumeClaim", "RayCluster", "RayJob"}


@pytest.mark.parametrize("field", ["rayStartParam", "replica", "serviceAccount"])
def test_a_misspelled_field_of_a_cluster_is_found(field: str, tmp_path: Path) -> None:
    cluster = manifests()["RayCluster"]
    cluster["spec"]["workerGroupSpecs"][0][field] = {}
    (tmp_path / "cluster.json").write_text(json.dumps(cluster))
    assert field in refusal("check-jsonschema", "--schemafile", SCHEMA, "--verbose", tmp_path / "cluster.json")
