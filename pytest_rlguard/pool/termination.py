"""SIGTERM while a pool is open: the parent dies of it as ever, but takes its workers and temporary files along."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import weakref
from multiprocessing import util
from types import FrameType
from typing import Protocol

__all__ = ["Mortal", "hold_termination", "release_termination"]


class Mortal(Protocol):
    """What dies with the parent."""

    def strike(self) -> None:
        """Kill without waiting and without a lock: it is called from a signal handler."""


class _Guard:
    """The process has one handler for SIGTERM, so there is one guard, in place while any pool is open.

    Raising from the handler would be simpler, but pytest books a SystemExit as a failed test and runs on. The user's
    own handler, and that of our command line, is left alone.
    """

    def __init__(self) -> None:
        self._crews: weakref.WeakSet[Mortal] = weakref.WeakSet()
        self._owner = 0

    def hold(self, crew: Mortal) -> None:
        self._crews.add(crew)
        self._owner = os.getpid()
        if _is_main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._die)

    def release(self, crew: Mortal) -> None:
        self._crews.discard(crew)
        if not self._crews and _is_main_thread() and signal.getsignal(signal.SIGTERM) == self._die:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _die(self, number: int, _: FrameType | None) -> None:
        if os.getpid() == self._owner:
            for crew in list(self._crews):
                crew.strike()
            with contextlib.suppress(OSError):
                shutil.rmtree(util.get_temp_dir())  # multiprocessing's: the socket of its fork server
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


_guard = _Guard()


def hold_termination(crew: Mortal) -> None:
    """Take `crew` along from now on."""
    _guard.hold(crew)


def release_termination(crew: Mortal) -> None:
    """Leave it out again: it has ended."""
    _guard.release(crew)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
