"""Writes imported runs as a sweep of the home, in place of what an earlier import of this name has written."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from gan_core.files import write_atomically
from orchestrator.command_hints import orchestrate_command
from orchestrator.errors import UserError
from orchestrator.imports.sweep_document import ImportedTrial
from orchestrator.store.history_log import encode_rows
from orchestrator.store.json_files import DamagedFile, read_with_checksum, write_text, write_with_checksum
from orchestrator.store.sweep_document import SweepDocument
from orchestrator.store.sweep_folder import SweepFolder


def refuse_if_trained(folder: SweepFolder) -> None:
    """Raises UserError if a sweep of this name was trained here: nothing of it may be replaced.

    Raises DamagedFile if its `sweep.json` does not tell.
    """
    try:
        document = read_with_checksum(folder.sweep_file)
    except DamagedFile as error:
        clean = orchestrate_command(f"clean {folder.name} --everything", folder.home)
        raise DamagedFile(f"{error}; {clean} deletes this sweep, or take another --name") from None
    is_imported = document is not None and "imported" in document
    if not is_imported and (document is not None or folder.begun_keys()):
        raise UserError(
            f"{folder.name} is a sweep that was trained in {folder.home}; give the imported runs another name "
            "(`sweep:` in the mapping file, or --name), or another --home"
        )


def write_sweep(folder: SweepFolder, document: SweepDocument, trials: Sequence[ImportedTrial], text: str) -> None:
    """Write all files, and delete runs that are not in the source any more.

    `sweep.json` comes first: it tells the next import that a folder which was left half-written is one of its own.
    text: of the mapping file. The caller holds the sweep's lock. Raises OSError.
    """
    write_with_checksum(folder.sweep_file, document)
    write_text(folder.source_file, text)
    for trial in trials:
        trial_folder = folder.trial(trial.record.key)
        trial_folder.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(trial_folder.history_file, encode_rows(trial.rows))
        trial_folder.write_record(trial.record)
    for key in folder.begun_keys() - {trial.record.key for trial in trials}:
        shutil.rmtree(folder.trial(key).folder)
