"""Runs `orchestrate` with the words after the first; ends with 1 if it has imported one of the packages of the first,
which are separated by commas."""

from __future__ import annotations

import sys

from orchestrator.cli.app import run_command


def main() -> None:
    packages, *words = sys.argv[1:]
    code = run_command(words)
    heavy = set(packages.split(",")) & set(sys.modules)
    sys.exit(f"imported {heavy}" if heavy else code)


if __name__ == "__main__":
    main()
