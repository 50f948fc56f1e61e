"""SIGTERM while a pool is open: it unwinds the parent as Ctrl-C does, where the user has no handler of their own."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

__all__ = ["hold_termination", "release_termination"]


class _Guard:
    """The process has one handler for SIGTERM, so there is one guard; it is in place while any pool holds it."""

    def __init__(self) -> None:
        self._pools = 0
        self._owner = 0

    def hold(self) -> None:
        self._pools += 1
        self._owner = os.getpid()
        if _is_main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._unwind)

    def release(self) -> None:
        self._pools -= 1
        if self._pools == 0 and _is_main_thread() and signal.getsignal(signal.SIGTERM) == self._unwind:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _unwind(self, number: int, _: FrameType | None) -> None:
        if self._pools and os.getpid() == self._owner:
            raise SystemExit(128 + number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


_guard = _Guard()


def hold_termination() -> None:
    """A pool opens."""
    _guard.hold()


def release_termination() -> None:
    """A pool closes."""
    _guard.release()


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
