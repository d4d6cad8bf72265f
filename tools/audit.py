"""Known weaknesses of the pinned versions, as `make audit` asks for them.

    python tools/audit.py [OPTIONS OF PIP-AUDIT]

pip-audit ends with 1 where it found weaknesses and also where nobody told it whether there are any. Here 0 means that
none is known, 1 that some are, 2 that known weaknesses were not looked up.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"
OPTIONS = ("--no-deps", "--disable-pip", "--progress-spinner", "off")
SUMMARY_PREFIX = "Found "
"""How pip-audit begins its summary where there are weaknesses: without it, an end with 1 is a failure of its own."""


def main(words: list[str]) -> int:
    """Prints what pip-audit says, and what its end means."""
    arguments = words if "--requirement" in words else ["--requirement", str(CONSTRAINTS), *words]
    command = [sys.executable, "-m", "pip_audit", *OPTIONS, *arguments]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    stderr_lines = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode == 0:
        print(stderr_lines[-1] if stderr_lines else "No known vulnerabilities found")
        return 0
    if summary := next((line for line in stderr_lines if line.startswith(SUMMARY_PREFIX)), None):
        print(f"make audit: {summary}; they are listed above", file=sys.stderr)
        return 1
    reason = stderr_lines[-1] if stderr_lines else f"pip-audit ended with {done.returncode}"
    print(
        "make audit: known weaknesses were not looked up: the advisory service was not "
        f"reached, or pip-audit failed ({reason})",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
