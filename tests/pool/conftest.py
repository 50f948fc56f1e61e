"""Pools for the pool's tests: short deadlines, and a check that nothing outlives a test."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator

import psutil
import pytest
from pool_jobs import make_nothing, make_sum, play

from pytest_rlguard.pool import Deadlines, WorkerPool

OpenPool = Callable[..., WorkerPool]

HASTY = Deadlines(step_sec=0.4, start_sec=30.0)


@pytest.fixture
def open_pool() -> Iterator[OpenPool]:
    """A factory of pools that are closed after the test, and then have no process left."""
    pools: list[WorkerPool] = []
    seen: set[int] = set()

    def _open(**options: object) -> WorkerPool:
        pools.append(WorkerPool(**({"make_env": make_nothing, "make_policy": make_sum, "play": play} | options)))
        return pools[-1]

    yield _open
    for pool in pools:
        seen.update(info.pid for info in pool.workers())
        pool.close()
    assert not [pid for pid in seen if psutil.pid_exists(pid)]


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
