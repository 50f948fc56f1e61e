"""Pools for the pool's tests, and a check that no process outlives a test."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from pool_helpers import OpenPool
from pool_jobs import make_nothing, make_sum, play

from pytest_rlguard.pool import WorkerPool


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
