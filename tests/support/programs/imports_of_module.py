"""Imports the module argv[2]; ends with 1 if that has imported one of the packages of argv[1], separated by commas."""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    packages, module = sys.argv[1:]
    importlib.import_module(module)
    heavy = set(packages.split(",")) & set(sys.modules)
    sys.exit(f"imported {heavy}" if heavy else 0)


if __name__ == "__main__":
    main()
