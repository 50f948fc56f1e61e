"""One worker process as its parent sees it: give it a task, hear from it, notice that it died or hangs, end it."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from pytest_rlguard.pool.channel import Channel
from pytest_rlguard.pool.heartbeat import Pulse, open_page
from pytest_rlguard.pool.launch import start_process
from pytest_rlguard.pool.log import WorkerLog
from pytest_rlguard.pool.messages import Call, Deadlines, Factories, Hello, JobResult, Raised, Returned
from pytest_rlguard.pool.worker import STACK_SIGNAL
from pytest_rlguard.records import EnvCrash, WorkerExit

__all__ = ["Task", "WorkerHandle"]

_DEATH_SEC = 10.0
_LAST_WORDS_SEC = 0.1


@dataclass
class Task:
    """A job with its item, on its way through the pool.

    `deaths` are those of the workers that had it before; `false_starts` counts workers that died with it in their
    hands but had not begun. One that is pinned belongs to one worker, and to no other.
    """

    number: int
    index: int
    name: str
    job: bytes = field(repr=False)
    item: bytes = field(repr=False)
    subject: object = field(default=None, repr=False)
    is_pinned: bool = False
    worker: int = -1
    false_starts: int = 0
    deaths: list[WorkerExit] = field(default_factory=list)


class WorkerHandle:
    """A process from its start to its end; a replacement gets a handle of its own.

    One thread (the one that drives the pool) calls everything; any thread may call `end` and `is_alive`.
    """

    def __init__(self, index: int, generation: int, *, hash_seed: int | None) -> None:
        self.index = index
        self.generation = generation
        self.is_ready = False
        self.is_preloaded = False
        self.task: Task | None = None
        self.exit: WorkerExit | None = None
        self._lock = threading.Lock()
        self._factories: Factories | None = None
        self._beats_before = 0
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as undo, theirs, open_page() as page:
            undo.callback(ours.close)
            self._log = WorkerLog()
            undo.callback(self._log.close)
            socket.send_fds(ours, [b"\0"], [page.fileno(), self._log.fileno()])
            self._process = start_process(theirs, index=index, generation=generation, hash_seed=hash_seed)
            self._pulse = Pulse(page.fileno(), now=time.monotonic())
            undo.pop_all()
        self.channel = Channel(ours)
        self.pid = self._process.pid
        self.sentinel = self._process.sentinel

    @property
    def is_idle(self) -> bool:
        """Whether it can take a task now."""
        return self.is_ready and self.task is None and self.exit is None

    @property
    def has_begun(self) -> bool:
        """Whether it began the task given last: its first heartbeat comes before anything of the user's."""
        return self._pulse.last.count > self._beats_before

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.exit is None and not self._process.wait(0)

    def assign(self, task: Task, factories: Factories) -> None:
        """Give the worker a task, after the factories it does not have yet."""
        self.task, task.worker = task, self.index
        if factories is not self._factories:
            self.channel.post(pickle.dumps(factories))
            self._factories = factories
        self.channel.post(pickle.dumps(Call(number=task.number, job=task.job, item=task.item)))
        self._beats_before = self._pulse.look(time.monotonic()).count
        self._pulse.refresh(time.monotonic())

    def hear(self) -> JobResult[Any] | None:
        """Take what the worker has sent; the result of its task once there is one, be it its death."""
        is_dead = not self.is_alive()  # asked first: what it sent before it died has come by now
        moved_before = self.channel.moved_bytes
        self.channel.flush()
        while (message := self.channel.receive()) is not None:
            result = self._understand(pickle.loads(message))  # noqa: S301 - from our own child
            if result is not None:
                return result
        if self.channel.moved_bytes != moved_before:
            self._pulse.refresh(time.monotonic())
        if is_dead or not self.channel.is_open:
            return self._settle_death(self.end())
        return None

    def watch(self, deadlines: Deadlines) -> JobResult[Any] | None:
        """End the worker where it is silent for too long, or stopped; the result of its task if that was its end."""
        if self.exit is not None or (self.is_ready and self.task is None):
            return None
        beat = self._pulse.look(time.monotonic())
        if self._pulse.silence_sec == 0:
            return None
        is_stopped = _is_stopped(self.pid)
        if is_stopped or self._pulse.silence_sec > deadlines.limit_sec(beat.phase if self.is_ready else "start"):
            if not is_stopped:
                self._ask_for_stack()
            self.end(hung=True, cause="SIGSTOP" if is_stopped else "")
            return self.hear()
        return None

    def end(self, *, hung: bool = False, cause: str = "") -> WorkerExit:
        """Kill the process and all its group, wait until it is dead, and say how it ended; again: say it again."""
        with self._lock:
            if self.exit is None:
                died_alone = self._process.wait(0)
                _kill_family(self.pid, is_leader_alive=not died_alone)
                code = self._process.reap(_DEATH_SEC)
                self._pulse.look(time.monotonic())
                self.exit = self._describe_exit(code, hung=hung and not died_alone, cause=cause)
            return self.exit

    def close(self) -> None:
        """End the process and give every descriptor back."""
        self.end()
        with self._lock:
            self.channel.close()
            self._pulse.close()
            self._log.close()
            with contextlib.suppress(ValueError):  # not dead even now: blocked in the kernel
                self._process.close()

    def _understand(self, message: Hello | Returned | Raised) -> JobResult[Any] | None:
        if isinstance(message, Hello):
            self.is_ready, self.is_preloaded = True, message.is_preloaded
            return None
        if self.task is None or message.number != self.task.number:
            return None
        self.task = None
        self._log.trim()
        return JobResult(crash=message.crash) if isinstance(message, Raised) else _load_value(message)

    def _settle_death(self, death: WorkerExit) -> JobResult[Any] | None:
        if self.task is None:
            return None
        self.task = None
        return JobResult(exit=death)

    def _ask_for_stack(self) -> None:
        """Have the interpreter write where it hangs into the log; wait a moment for it, never longer."""
        size = self._log.size()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, STACK_SIGNAL)
        deadline = time.monotonic() + _LAST_WORDS_SEC
        while self._log.size() == size and time.monotonic() < deadline and not self._process.wait(0.001):
            continue

    def _describe_exit(self, code: int | None, *, hung: bool, cause: str) -> WorkerExit:
        by_signal = signal.Signals(-code).name if code is not None and code < 0 else ""
        return WorkerExit(
            worker=self.index,
            pid=self.pid,
            exit_code=None if hung else code,
            signal_name=cause or by_signal,
            hung=hung,
            job=self.task.name if self.task else "no job",
            step=self._pulse.last.step,
            seconds=self._pulse.silence_sec,
            phase=self._pulse.last.phase,
            stderr_tail=self._log.tail(),
        )


def _load_value(message: Returned) -> JobResult[Any]:
    try:
        return JobResult(value=pickle.loads(message.value))  # noqa: S301 - from our own child
    except Exception as error:  # noqa: BLE001 - the user's classes take part in this
        told = f"the job's result cannot be read back: {error}"
        return JobResult(crash=EnvCrash(phase="other", step=0, error=type(error).__name__, message=told))


def _is_stopped(pid: int) -> bool:
    """Whether a SIGSTOP holds the process: state T. A debugger's stop is t, and none of our business."""
    if sys.platform != "linux":
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] == b"T"


def _kill_family(pid: int, *, is_leader_alive: bool) -> None:
    """SIGKILL to the process, its group, and its descendants that left the group (simulators start sessions)."""
    strays: list[psutil.Process] = []
    if is_leader_alive:
        with contextlib.suppress(psutil.Error):
            strays = psutil.Process(pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for stray in strays:
        with contextlib.suppress(psutil.Error):
            stray.kill()
