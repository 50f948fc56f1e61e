"""What the fork server imports once so that no worker has to. Its import must not fail: the server would die of it."""

from __future__ import annotations

import contextlib
import importlib

for _name in ("pytest_rlguard.pool.worker", "numpy", "gymnasium"):
    with contextlib.suppress(Exception):
        importlib.import_module(_name)
