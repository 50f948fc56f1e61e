"""The worker pool: the only room that starts, watches and ends a process.

Its names are imported on first use, so that a worker, which needs one module of this room, does not import them all.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_rlguard.pool.messages import Deadlines as Deadlines
    from pytest_rlguard.pool.messages import JobResult as JobResult
    from pytest_rlguard.pool.messages import WorkerInfo as WorkerInfo
    from pytest_rlguard.pool.supervisor import WorkerPool as WorkerPool
    from pytest_rlguard.pool.worker import WorkerContext as WorkerContext

_HOMES = {
    "Deadlines": "messages",
    "JobResult": "messages",
    "WorkerContext": "worker",
    "WorkerInfo": "messages",
    "WorkerPool": "supervisor",
}

__all__ = ["Deadlines", "JobResult", "WorkerContext", "WorkerInfo", "WorkerPool"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
