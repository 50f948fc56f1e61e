"""Heartbeats: one shared page per worker, written by the child at each step, read by the parent. Has no clock."""

from __future__ import annotations

import mmap
import os
import struct
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pytest_rlguard.errors import UsageError

__all__ = ["PHASES", "Beat", "Heart", "Pulse", "open_page"]

PHASES = ("start", "make", "reset", "step", "close", "policy", "other")

_CODES = {phase: code for code, phase in enumerate(PHASES)}
_PAGE = struct.Struct("=qqq")
_LONGEST_LOOK_SEC = 0.5


@dataclass(frozen=True)
class Beat:
    """What a page said at one moment: beats so far, and the phase and env step of the last one."""

    count: int
    step: int
    phase: str


def open_page() -> IO[bytes]:
    """An unlinked file of one page, in memory where the system has `/dev/shm`: whatever dies, nothing is left of it."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - not a temporary name of ours: the file never has a name
    in_memory = sys.platform == "linux" and os.access(shared_memory, os.W_OK)
    page = tempfile.TemporaryFile(dir=shared_memory if in_memory else None)  # noqa: SIM115 - the caller closes it
    page.truncate(_PAGE.size)
    return page


class Heart:
    """The child's end of a page. `beat` is called at every env step, so it is one add, one lookup and one store."""

    __slots__ = ("_count", "_map")

    def __init__(self, page_fd: int) -> None:
        self._map = mmap.mmap(page_fd, _PAGE.size)
        self._count = 0

    def beat(self, phase: str, step: int) -> None:
        """Say that the worker lives, and where it is."""
        self._count += 1
        try:
            _PAGE.pack_into(self._map, 0, self._count, step, _CODES[phase])
        except KeyError:
            expected = ", ".join(PHASES)
            raise UsageError(f"there is no phase {phase!r}", advice=f"the phases are: {expected}") from None

    def last(self) -> Beat:
        """The last beat of this process."""
        return _read(self._map)


class Pulse:
    """The parent's end of a page: the last beat, and for how long nothing has changed.

    Only watched time counts as silence. Where the parent itself was stopped, paused by a debugger, or busy between two
    looks, the gap is cut to half a second, so that nobody's pause but the worker's own is held against the worker.
    """

    def __init__(self, page_fd: int, *, now: float) -> None:
        self._map = mmap.mmap(page_fd, _PAGE.size)
        self._count = 0
        self._looked_at = now
        self._silence = 0.0
        self._last = Beat(0, 0, PHASES[0])

    def look(self, now: float) -> Beat:
        """Read the page; afterwards `silence_sec` is up to date."""
        self._silence += min(now - self._looked_at, _LONGEST_LOOK_SEC)
        self._looked_at = now
        if not self._map.closed:
            self._last = _read(self._map)
        if self._last.count != self._count:
            self._count = self._last.count
            self._silence = 0.0
        return self._last

    @property
    def last(self) -> Beat:
        """The beat of the last look."""
        return self._last

    @property
    def silence_sec(self) -> float:
        """Seconds watched without a sign of life, as of the last look."""
        return self._silence

    def refresh(self, now: float) -> None:
        """Count another sign of life: bytes that came or went through the worker's channel, a job just given."""
        self._looked_at = now
        self._silence = 0.0

    def close(self) -> None:
        """Unmap the page; the last beat can still be read."""
        self._map.close()


def _read(page: mmap.mmap) -> Beat:
    count, step, code = _PAGE.unpack_from(page, 0)
    return Beat(count, step, PHASES[code] if 0 <= code < len(PHASES) else "other")
