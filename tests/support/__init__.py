"""What tests share: small sweeps, servers, disks, hosts. Imported as `support`, from tests and benchmarks."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""As in our commands (`orchestrator/__main__.py`). Set here, since numpy looks at it when it is first imported."""
