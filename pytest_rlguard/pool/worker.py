"""The child process: takes jobs from its channel, one by one, until the parent goes or kills it. Imports no numpy."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import pickle
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from multiprocessing import forkserver
from typing import Any, NoReturn

import cloudpickle

from pytest_rlguard.errors import PolicyError
from pytest_rlguard.pool.channel import receive_message, send_message
from pytest_rlguard.pool.heartbeat import Heart
from pytest_rlguard.pool.messages import Call, Factories, Hello, Raised, Returned, Seat
from pytest_rlguard.records import EnvCrash
from pytest_rlguard.tracebacks import describe_error

__all__ = ["STACK_SIGNAL", "WorkerContext", "serve"]

STACK_SIGNAL = signal.SIGUSR2

_PR_SET_PDEATHSIG = 1
_STDOUT, _STDERR = 1, 2


class WorkerContext:
    """What a job is given: who it runs in, the user's factories, and a cache that lives as long as the process."""

    def __init__(self, worker: int, heart: Heart, *, generation: int = 0) -> None:
        self.worker = worker
        self.generation = generation
        self.cache: dict[str, object] = {}
        self.policy_version = 0
        self.beat = heart.beat
        self._factories: Factories | None = None
        self._make_env: Callable[[], Any] | None = None
        self._make_policy: Callable[[Any], Any] | None = None

    def make_env(self) -> Any:
        """A new env from the user's factory."""
        self.beat("make", 0)
        if self._make_env is None:
            self._make_env = pickle.loads(self._given().make_env)  # noqa: S301 - from our own parent
        env = self._make_env()
        self.beat("other", 0)
        return env

    def make_policy(self, env: Any) -> Any:
        """A new policy for `env` from the user's factory."""
        self.beat("policy", 0)
        if self._make_policy is None:
            pickled = self._given().make_policy
            if pickled is None:
                raise PolicyError("this pool has no policy", advice="give it one: WorkerPool(make_env, make_policy)")
            self._make_policy = pickle.loads(pickled)  # noqa: S301 - from our own parent
        policy = self._make_policy(env)
        self.beat("other", 0)
        return policy

    def use(self, factories: Factories) -> None:
        """Take the factories that hold from now on; they are unpickled at their first use, inside a job."""
        before = self._factories
        self._factories = factories
        self.policy_version = factories.policy_version
        self._make_policy = None
        if before is None or before.make_env != factories.make_env:
            self._make_env = None

    def _given(self) -> Factories:
        if self._factories is None:
            raise PolicyError("this worker was given no factories", advice="run jobs through a WorkerPool")
        return self._factories


def serve(end: socket.socket, seat: Seat) -> NoReturn:
    """Be a worker: the target of the process."""
    is_preloaded = "numpy" in sys.modules
    _leave_parent(seat)
    _, (page_fd, log_fd), _, _ = socket.recv_fds(end, 1, 2)
    _redirect_output(log_fd)
    heart = Heart(page_fd)
    os.close(page_fd)
    _enter_seat(seat)
    context = WorkerContext(seat.worker, heart, generation=seat.generation)
    try:
        send_message(end, pickle.dumps(Hello(is_preloaded=is_preloaded)))
        while True:
            _handle(end, pickle.loads(receive_message(end)), context, heart)  # noqa: S301 - from our own parent
    except (EOFError, OSError):
        _end_group()


def _handle(end: socket.socket, message: Factories | Call, context: WorkerContext, heart: Heart) -> None:
    if isinstance(message, Factories):
        context.use(message)
        return
    answer = _perform(message, context, heart)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    send_message(end, pickle.dumps(answer))


def _perform(call: Call, context: WorkerContext, heart: Heart) -> Returned | Raised:
    """Run one job. Whatever it raises, SystemExit too, is its crash and leaves the worker alive."""
    heart.beat("start", 0)
    try:
        job, item = pickle.loads(call.job), pickle.loads(call.item)  # noqa: S301 - from our own parent
        heart.beat("other", 0)
        value = job(context, *item)
        heart.beat("other", heart.last().step)
        return Returned(number=call.number, value=cloudpickle.dumps(value))
    except BaseException as error:  # noqa: BLE001 - user code may raise anything, and all of it is data
        return Raised(number=call.number, crash=_describe_crash(error, heart))


def _describe_crash(error: BaseException, heart: Heart) -> EnvCrash:
    last = heart.last()
    return EnvCrash(
        phase=last.phase,
        step=last.step,
        error=type(error).__name__,
        message=str(traceback.TracebackException.from_exception(error)),
        traceback=describe_error(error),
    )


def _leave_parent(seat: Seat) -> None:
    """Own session (a group to kill, no terminal), no Ctrl-C, and death with the parent even in the middle of a job."""
    starter = os.getppid()
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_fork_server_end()
    if sys.platform == "linux" and seat.dies_with_parent:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != starter:
            _end_group()


def _let_fork_server_end() -> None:
    """Close our copy of the pipe that keeps the fork server alive.

    Every child of a fork server holds one, so a server outlives its parent for as long as any child is busy; without
    ours it ends with the parent, and takes us along (PR_SET_PDEATHSIG is about the server: that is *our* parent).
    """
    server = getattr(forkserver, "_forkserver", None)
    alive_fd = getattr(server, "_forkserver_alive_fd", None)
    if server is not None and alive_fd is not None:
        os.close(alive_fd)
        server._forkserver_alive_fd = None  # noqa: SLF001 - there is no public way


def _redirect_output(log_fd: int) -> None:
    """Send stdout and stderr to the log where the parent looks for last words, faulthandler's tracebacks included."""
    os.dup2(log_fd, _STDOUT)
    os.dup2(log_fd, _STDERR)
    os.close(log_fd)
    faulthandler.enable(_STDERR)
    faulthandler.register(STACK_SIGNAL, _STDERR, all_threads=True, chain=False)


def _enter_seat(seat: Seat) -> None:
    """The parent's environment of today, not that of the fork server's start; and random state of one's own.

    Forked workers would otherwise all inherit the global numpy state of the server, and draw the same numbers.
    """
    os.environ.clear()
    os.environ.update(seat.environ)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def _end_group() -> NoReturn:
    os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
