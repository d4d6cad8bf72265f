"""Which of the trials that would be ended early run on to their last step, to show how often an early end is wrong."""

from __future__ import annotations

import hashlib

AUDITED_SHARE = 10
"""One in so many."""


def is_audit(key: str) -> bool:
    """A function of the trial's key alone, so that every command and every worker chooses the same trials."""
    return int.from_bytes(hashlib.sha256(f"audit {key}".encode()).digest()[:8], "big") % AUDITED_SHARE == 0
