"""`orchestrate doctor`: checks this machine, the home folder and MLflow's store for what a sweep needs."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console

from gan_core.error_text import first_line
from orchestrator import environment
from orchestrator.cluster.address import check_address
from orchestrator.cluster.capacity import object_store_bytes
from orchestrator.commands import cuda_mps, datasets, doctor_checks
from orchestrator.commands.datasets import DatasetState
from orchestrator.commands.doctor_checks import Check
from orchestrator.console.output import print_json, say
from orchestrator.console.table import Column, print_table
from orchestrator.errors import UserError
from orchestrator.formatting import count_of
from orchestrator.store import temp_folder
from orchestrator.store.disk_space import nearest_existing
from orchestrator.tracking import moved_home
from orchestrator.tracking.address import check_uri, without_secrets
from orchestrator.tracking.sqlite import database_file

STYLES = {"ok": "green", "warning": "yellow", "wrong": "red"}


def run_checks(home: Path, uri: str, address: str | None) -> list[Check]:
    """All checks, in the order in which a sweep needs things. `address`: of a Ray cluster; None: a local Ray."""
    temporary_folder = temp_folder.temp_parent()
    return [
        doctor_checks.python(sys.version_info[:2], platform.python_version()),
        *_torch(),
        doctor_checks.ray(_installed_version("ray"), address, _ray_error(address)),
        _disk("disk", home),
        _disk("temporary disk", temporary_folder),
        _shared_memory(home),
        doctor_checks.permissions("home", str(home.absolute()), _write_error(nearest_existing(home))),
        doctor_checks.permissions("temporary", str(temporary_folder), _write_error(temporary_folder)),
        doctor_checks.open_files(*(_finite(limit) for limit in resource.getrlimit(resource.RLIMIT_NOFILE))),
        _tracking(uri),
        _data(home),
    ]


def print_checks(checks: list[Check], console: Console, as_json: bool) -> int:
    """Print the checks; returns the exit code: 1 if something is wrong, otherwise 0."""
    wrong = sum(check.state == "wrong" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    if as_json:
        print_json([asdict(check) for check in checks])
        return int(wrong > 0)
    cells = []
    for check in checks:
        cells.append([check.name, check.state, check.found])
        if check.to_do:
            cells.append(["", "", f"-> {check.to_do}"])
    print_table(console, [Column("check"), Column("state", colours=STYLES), Column("result")], cells)
    if wrong:
        say(console, f"{count_of(wrong, 'error')}, {count_of(warnings, 'warning')}; see the arrows above")
    else:
        verdict = f"no errors, {count_of(warnings, 'warning')}" if warnings else "no problems"
        say(console, f"{verdict}; next: orchestrate sweep experiments/stability.yaml")
    return int(wrong > 0)


def _installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _torch() -> list[Check]:
    try:
        import torch
        import torchvision  # noqa: F401  # fails if it does not fit torch
    except Exception as error:  # wheels that do not fit each other fail in several ways
        return [doctor_checks.torch(None, 0, False, first_line(error))]
    from gan_core.precision import resolve_precision

    bfloat16 = resolve_precision("auto", torch.device("cpu")) == "bfloat16"
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = [torch.cuda.get_device_name(number) for number in range(count)]
    memory = torch.cuda.get_device_properties(0).total_memory if names else 0
    driver = Path("/proc/driver/nvidia/version").exists()
    return [
        doctor_checks.torch(torch.__version__, environment.available_cpus(), bfloat16),
        doctor_checks.gpu(names, memory, torch.backends.cuda.is_built(), driver),
        *([_cuda_mps()] if names or driver else []),
    ]


def _cuda_mps() -> Check:
    daemon = cuda_mps.find(os.environ)
    return doctor_checks.cuda_mps(daemon.folder, daemon.runs, daemon.other_user)


def _ray_error(address: str | None) -> str:
    try:
        if address:
            check_address(address)
    except UserError as error:
        return str(error)
    return ""


def _disk(name: str, folder: Path) -> Check:
    usage = shutil.disk_usage(nearest_existing(folder))
    return doctor_checks.disk(name, str(folder.absolute()), usage.free, usage.total)


def _shared_memory(home: Path) -> Check:
    """Whether shared memory holds the largest data set of the home."""
    folder = Path("/dev/shm")
    free = shutil.disk_usage(folder).free if folder.is_dir() else None
    present = [dataset for dataset in datasets.KNOWN_DATASETS if dataset.state(home / "datasets") is DatasetState.HERE]
    largest = max(dataset.memory for dataset in present)  # the digits are always there
    return doctor_checks.shared_memory(free, object_store_bytes(largest))


def _write_error(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return str(error.strerror)


def _finite(limit: int) -> int:
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def _tracking(uri: str) -> Check:
    error = tracking_error(uri)
    if error:
        return doctor_checks.tracking("", error)
    return doctor_checks.tracking(without_secrets(uri), caution=moved_home.warning(uri))


def tracking_error(uri: str) -> str:
    """Why MLflow's store cannot be used; empty if it answers, or is a SQLite file that does not exist yet."""
    try:
        check_uri(uri)
    except UserError as error:
        return str(error)
    file = database_file(uri)
    if file and file.exists():
        try:
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
                database.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            return f"{file} cannot be read as a database ({error})"
    return ""


def _data(home: Path) -> Check:
    states = {dataset.name: dataset.state(home / "datasets") for dataset in datasets.KNOWN_DATASETS}
    complete = [name for name, state in states.items() if state is DatasetState.HERE]
    incomplete = [name for name, state in states.items() if state is DatasetState.PARTLY]
    return doctor_checks.data(complete, incomplete)
