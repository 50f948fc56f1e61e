"""The crew: all worker processes of one pool. Starts, hears, watches, replaces and ends them; gives them no work."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from typing import Any

from pytest_rlguard.errors import WorkerDiedError
from pytest_rlguard.pool.handle import Task, WorkerHandle
from pytest_rlguard.pool.messages import Deadlines, JobResult

__all__ = ["Crew", "Heard", "Settled"]

Settled = tuple[Task, JobResult[Any]]
Heard = tuple[Task, JobResult[Any] | None]

_POLL_SEC = 0.02
_FLUSH_SEC = 0.001
_MOST_FALSE_STARTS = 3


class Crew:
    """Worker processes by index. It knows nothing of the pool, so that it can end them after the pool is gone."""

    def __init__(self, *, deadlines: Deadlines, hash_seed: int | None, restart_limit: int) -> None:
        self.handles: list[WorkerHandle] = []
        self._deadlines = deadlines
        self._hash_seed = hash_seed
        self._restart_limit = restart_limit
        self._failed_starts = 0
        self._watched_at = 0.0
        self._selector = selectors.DefaultSelector()
        self._owner = os.getpid()
        self.is_ended = False

    def resize(self, count: int) -> None:
        """Start or end workers until there are `count`."""
        while len(self.handles) > count:
            self._dismiss(self.handles.pop())
        while len(self.handles) < count:
            self.handles.append(self._hire(len(self.handles), 0))

    def restore(self) -> None:
        """Put a new process in the place of each dead one, once its task is settled."""
        for place, handle in enumerate(self.handles):
            if handle.exit is None or handle.task is not None:
                continue
            self._count_failed_start(handle)
            self._dismiss(handle)
            self.handles[place] = self._hire(handle.index, handle.generation + 1)

    def poll(self) -> list[Heard]:
        """Wait a moment; then hear every worker that stirred and look after the silent ones.

        A task without a result is one to give out again: its worker died before it began.
        """
        unsent = any(handle.channel.has_unsent for handle in self.handles)
        stirred = {key.data for key, _ in self._selector.select(_FLUSH_SEC if unsent else _POLL_SEC)}
        is_due = time.monotonic() - self._watched_at >= _POLL_SEC
        if is_due:
            self._watched_at = time.monotonic()
        heard: list[Heard] = []
        for handle in self.handles:
            task = handle.task
            result = handle.hear() if handle in stirred or handle.exit or handle.channel.has_unsent else None
            if result is None and is_due:
                result = handle.watch(self._deadlines)
            if task is not None and result is not None:
                heard.append((task, None if _is_false_start(handle, task, result) else result))
        return heard

    def await_ready(self, count: int) -> None:
        """Wait until the first `count` workers can take a task; their start deadline bounds the wait."""
        while not all(handle.is_idle for handle in self.handles[:count]):
            self.restore()
            self.poll()

    def has_busy(self) -> bool:
        """Whether any worker has a task."""
        return any(handle.task is not None for handle in self.handles)

    def end_busy(self) -> None:
        """Kill the workers that still have a task: nobody waits for it any more."""
        for handle in self.handles:
            if handle.task is not None:
                handle.end()
                handle.task = None

    def strike(self) -> None:
        """Kill all workers and their groups; wait for nothing, change nothing."""
        for handle in self.handles:
            with contextlib.suppress(OSError):
                os.killpg(handle.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill all workers and give everything back. Idempotent; does nothing in a fork of the owner."""
        if self.is_ended or os.getpid() != self._owner:
            return
        while self.handles:
            self._dismiss(self.handles[-1])
            self.handles.pop()
        self._selector.close()
        self.is_ended = True

    def _hire(self, index: int, generation: int) -> WorkerHandle:
        handle = WorkerHandle(index, generation, hash_seed=self._hash_seed)
        self._selector.register(handle.channel, selectors.EVENT_READ, handle)
        self._selector.register(handle.sentinel, selectors.EVENT_READ, handle)
        return handle

    def _dismiss(self, handle: WorkerHandle) -> None:
        for watched in (handle.channel, handle.sentinel):
            with contextlib.suppress(KeyError, ValueError):  # a second try, after the first was interrupted
                self._selector.unregister(watched)
        handle.close()

    def _count_failed_start(self, handle: WorkerHandle) -> None:
        self._failed_starts = 0 if handle.is_ready else self._failed_starts + 1
        if self._failed_starts <= self._restart_limit or handle.exit is None:
            return
        last_words = f"\nits last words:\n{handle.exit.stderr_tail}" if handle.exit.stderr_tail else ""
        msg = f"{self._failed_starts} workers in a row died before they were ready; the last: {handle.exit.describe()}"
        raise WorkerDiedError(msg + last_words, advice="if they were only slow, raise Deadlines.start_sec")


def _is_false_start(handle: WorkerHandle, task: Task, result: JobResult[Any]) -> bool:
    """Whether the death is the worker's own affair. Not for ever: reading a task can be what kills."""
    if result.exit is None or handle.has_begun or task.is_pinned:
        return False
    task.false_starts += 1
    return task.false_starts <= _MOST_FALSE_STARTS
