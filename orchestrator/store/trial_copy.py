"""A trial copied into the folder of another, so that what is trained already is not trained again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder


def copy_trial(source: TrialFolder, copy: TrialFolder, record: Record, leave_out: Sequence[str] = ()) -> None:
    """Copy the files of `source`, but not those named in `leave_out`, then write `record`. Raises OSError.

    The record comes last: without it a trial whose copy was interrupted has not begun.
    """
    ignored = shutil.ignore_patterns(source.lock_file.name, source.record_file.name, *leave_out)
    shutil.copytree(source.folder, copy.folder, ignore=ignored, dirs_exist_ok=True)
    copy.write_record(record)
