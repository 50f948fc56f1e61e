"""Process start: one worker from a fork server or by spawn, with our `__main__` hidden from it. Watches nothing."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from multiprocessing import connection, util
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

from pytest_rlguard.errors import PoolError
from pytest_rlguard.pool import worker
from pytest_rlguard.pool.messages import Seat

__all__ = ["MAX_HASH_SEED", "ChildProcess", "start_process"]

MAX_HASH_SEED = 2**32 - 1

_LONGEST_SOCKET_PATH = 107
_REAP_POLL_SEC = 0.0005
_PRELOAD = ["pytest_rlguard.pool.preload"]
_THREAD_LIMITS = (
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Every start polls all children of this process, and polling a fork server's child is a read that must happen once.
_polling = threading.RLock()


class ChildProcess:
    """A started process: is it dead, how did it end. Safe to ask from any thread; never waits without a deadline."""

    def __init__(self, process: BaseProcess) -> None:
        self._process = process
        self.pid: int = process.pid or 0
        self.sentinel: int = process.sentinel

    def wait(self, timeout_sec: float) -> bool:
        """Whether it is dead within the time."""
        return bool(connection.wait([self.sentinel], timeout_sec))

    def reap(self, timeout_sec: float) -> int | None:
        """Wait for its end; the exit code, negative for a signal, or None where it still runs after the time.

        Under spawn the sentinel is a pipe that closes a moment before the process can be reaped.
        """
        deadline = time.monotonic() + timeout_sec
        self.wait(timeout_sec)
        while (code := self._poll()) is None and time.monotonic() < deadline:
            time.sleep(_REAP_POLL_SEC)
        return code

    def close(self) -> None:
        """Give its descriptors back; ValueError where it still runs."""
        with _polling:
            self._process.close()

    def _poll(self) -> int | None:
        with _polling:
            return self._process.exitcode


def start_process(end: socket.socket, *, index: int, generation: int, hash_seed: int | None) -> ChildProcess:
    """Start worker `index` on its end of a socket pair.

    A hash seed needs an interpreter of its own, so it means spawn. The hidden `__main__` keeps scripts without a main
    guard, pytest and our own CLI from being run again in the child; cloudpickle carries their objects by value.
    """
    by_server = hash_seed is None and sys.platform == "linux" and _has_room_for_socket()
    environ = _child_environ(hash_seed)
    # PR_SET_PDEATHSIG is about the *thread* that forked: under spawn a passing thread must not take its workers along.
    dies_with_parent = by_server or threading.current_thread() is threading.main_thread()
    seat = Seat(worker=index, generation=generation, environ=environ, dies_with_parent=dies_with_parent)
    context = _server_context() if by_server else multiprocessing.get_context("spawn")
    process = context.Process(target=worker.serve, args=(end, seat), name=f"rlguard-worker-{index}")
    with _polling, _start_method_unset(), _hidden_main(), _patched_environ(environ, search_path=by_server):
        try:
            process.start()
        except (OSError, EOFError) as error:
            msg = f"worker {index} could not be started: {type(error).__name__}: {error}"
            raise PoolError(msg, advice="look for limits on processes, memory or open files") from error
    return ChildProcess(process)


def _server_context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    return context


def _has_room_for_socket() -> bool:
    """Whether the fork server's socket, `listener-` and 8 letters in multiprocessing's temporary folder, can be named.

    A Unix socket's path has at most 107 bytes; under a deeper TMPDIR the server cannot start, and spawn has to do.
    """
    return len(os.fsencode(util.get_temp_dir())) + len("/listener-12345678") <= _LONGEST_SOCKET_PATH


def _child_environ(hash_seed: int | None) -> dict[str, str]:
    """The parent's environment; one thread for each numeric library, unless the user has said otherwise."""
    environ = dict.fromkeys(_THREAD_LIMITS, "1") | dict(os.environ)
    return environ if hash_seed is None else environ | {"PYTHONHASHSEED": str(hash_seed)}


@contextlib.contextmanager
def _hidden_main() -> Iterator[None]:
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _start_method_unset() -> Iterator[None]:
    """Starting any process fixes multiprocessing's global start method; leave it open where the user has not chosen."""
    chosen = multiprocessing.get_start_method(allow_none=True)
    try:
        yield
    finally:
        if chosen is None:
            multiprocessing.set_start_method(None, force=True)


@contextlib.contextmanager
def _patched_environ(environ: Mapping[str, str], *, search_path: bool) -> Iterator[None]:
    """What interpreters read as they start: thread limits, the hash seed, and PYTHONPATH for the fork server.

    Before 3.12.8 the server's preload does not get the parent's sys.path (gh-117378), misses what is only there, and
    says nothing. Workers get the true environment back with their seat.
    """
    before = dict(os.environ)
    os.environ.update(environ)
    if search_path:
        os.environ["PYTHONPATH"] = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
