"""`orchestrate doctor`: looks at this machine, the home folder and the tracking store before work is lost."""

from __future__ import annotations

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
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gan_core.error_text import first_line
from orchestrator import environment
from orchestrator.cluster.address import check_address
from orchestrator.cluster.ray_runtime import object_store_bytes
from orchestrator.commands import datasets, doctor_checks
from orchestrator.commands.doctor_checks import Check
from orchestrator.console.output import print_json, say
from orchestrator.errors import UserError
from orchestrator.store import temp_folder
from orchestrator.tracking.address import check_uri, without_secrets

STYLES = {"ok": "green", "warning": "yellow", "wrong": "red"}


def examine(home: Path, uri: str, address: str | None) -> list[Check]:
    """Every check, in the order in which things are needed. `address`: a Ray cluster's, None for a local one."""
    temporary = temp_folder.parent_folder()
    return [
        doctor_checks.python(sys.version_info[:2], platform.python_version()),
        *_torch(),
        doctor_checks.ray(_version("ray"), address, _trouble_of_ray(address)),
        _disk("disk", home),
        _disk("temporary disk", temporary),
        _shared_memory(home),
        doctor_checks.permissions("home", str(home.absolute()), _trouble_of_writing(_existing(home))),
        doctor_checks.permissions("temporary", str(temporary), _trouble_of_writing(temporary)),
        doctor_checks.open_files(*(_readable(limit) for limit in resource.getrlimit(resource.RLIMIT_NOFILE))),
        doctor_checks.tracking(without_secrets(uri), trouble_of_tracking(uri)),
        _data(home),
    ]


def report(found: list[Check], console: Console, as_json: bool) -> int:
    """Prints the checks; the exit code, 1 if something is wrong."""
    wrong = sum(check.state == "wrong" for check in found)
    warnings = sum(check.state == "warning" for check in found)
    if as_json:
        print_json([asdict(check) for check in found])
        return int(wrong > 0)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for check in found:
        table.add_row(check.name, Text(check.state, style=STYLES[check.state]), Text(check.found))
        if check.to_do:
            table.add_row("", "", Text(f"-> {check.to_do}"))
    console.print(table)
    if wrong:
        say(console, f"{wrong} wrong, {warnings} to be warned of; see the arrows above", word_wrap=True)
    else:
        said = f"{warnings} to be warned of, nothing is wrong" if warnings else "all is well"
        say(console, f"{said}; next: orchestrate sweep experiments/stability.yaml", word_wrap=True)
    return int(wrong > 0)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _torch() -> list[Check]:
    try:
        import torch
        import torchvision  # noqa: F401  # fails where it does not fit torch
    except Exception as error:  # a wrong pair of wheels fails in several ways
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
    ]


def _trouble_of_ray(address: str | None) -> str:
    try:
        if address:
            check_address(address)
    except UserError as error:
        return str(error)
    return ""


def _existing(folder: Path) -> Path:
    """The folder, or the nearest path above it that is there."""
    return next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())


def _disk(name: str, folder: Path) -> Check:
    usage = shutil.disk_usage(_existing(folder))
    return doctor_checks.disk(name, str(folder.absolute()), usage.free, usage.total)


def _shared_memory(home: Path) -> Check:
    """What Ray needs for the largest data set that is here."""
    shared = Path("/dev/shm")
    free = shutil.disk_usage(shared).free if shared.is_dir() else None
    here = [known.memory for known in datasets.KNOWN if known.state(home / "datasets") == "here"]
    return doctor_checks.shared_memory(free, object_store_bytes(max(here)))


def _trouble_of_writing(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return str(error.strerror)


def _readable(limit: int) -> int:
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def trouble_of_tracking(uri: str) -> str:
    """Why MLflow's store at `uri` cannot be used; empty if it answers, or is a SQLite file that will be made."""
    try:
        check_uri(uri)
    except UserError as error:
        return str(error)
    file = Path(urlsplit(uri).path.removeprefix("/"))
    if urlsplit(uri).scheme.startswith("sqlite") and file.exists():
        try:
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
                database.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            return f"{file} cannot be read as a database ({error})"
    return ""


def _data(home: Path) -> Check:
    states = {known.name: known.state(home / "datasets") for known in datasets.KNOWN}
    chosen = {wanted: [name for name, state in states.items() if state == wanted] for wanted in ("here", "partly")}
    return doctor_checks.data(chosen["here"], chosen["partly"])
