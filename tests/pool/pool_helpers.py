"""What the pool's tests share: the type of the fixture, short deadlines, and whether a process is dead."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

from pytest_rlguard.pool import Deadlines, WorkerPool

__all__ = ["HASTY", "OpenPool", "is_gone"]

OpenPool = Callable[..., WorkerPool]

HASTY = Deadlines(step_sec=0.4, start_sec=30.0)


def is_gone(pid: int) -> bool:
    """Whether the process is dead; the kernel says when, and is given ten seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)
