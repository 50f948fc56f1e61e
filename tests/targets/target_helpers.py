"""What the tests of targets share: the answer of a command line, and who still runs after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psutil

_ENDS_SEC = 10.0


@dataclass(frozen=True)
class Answer:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str


RunCommand = Callable[..., Answer]


def find_running(mark: str) -> list[psutil.Process]:
    """The processes with `mark` in their environment that do not end by themselves at once."""
    left = [process for process in psutil.process_iter() if mark in _environ(process).values()]
    _, alive = psutil.wait_procs(left, timeout=_ENDS_SEC)
    return list(alive)


def _environ(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
