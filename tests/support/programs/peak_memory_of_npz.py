"""Reads the .npz file argv[1]. Prints three numbers of bytes: what was counted before it was read, how much the peak of
this process's memory rose meanwhile, and what the images have.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

from gan_core.config.sections import DataConfig
from gan_core.data import datasets


def peak_memory() -> int:
    """Not `ru_maxrss`, which begins with what the process had before it was this program."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    datasets.read(DataConfig())  # imports what reading needs
    before = peak_memory()
    with patch("gan_core.data.npz_file.check_memory") as check:
        images = datasets.read(DataConfig(name="npz", path=sys.argv[1]))
    _, as_read, as_used = check.call_args.args
    print(as_read + as_used, peak_memory() - before, images.images.nbytes + images.test_images.nbytes)


if __name__ == "__main__":
    main()
