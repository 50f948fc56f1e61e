"""One question put to one worker; what the user should read of it comes back as the error that it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_rlguard.errors import RLGuardError
from pytest_rlguard.pool import JobResult, WorkerContext, WorkerPool

__all__ = ["ask"]


def ask(pool: WorkerPool, job: Callable[..., Any], *item: Any) -> JobResult[Any]:
    """What came of `job(context, *item)` in a worker; an RLGuardError that it raised there is raised here, whole."""
    (result,) = pool.map(_answer, [(job, *item)])
    if isinstance(result.value, RLGuardError):
        raise result.value
    return result


def _answer(context: WorkerContext, job: Callable[..., Any], *item: Any) -> Any:
    try:
        return job(context, *item)
    except RLGuardError as error:
        return error
