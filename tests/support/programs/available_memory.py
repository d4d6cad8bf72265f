"""Joins the control group of the folder argv[1], and prints how much memory is available."""

from __future__ import annotations

import sys
from pathlib import Path

from gan_core.memory import available_memory
from support.limited_memory import join


def main() -> None:
    join(Path(sys.argv[1]))
    print(available_memory())


if __name__ == "__main__":
    main()
