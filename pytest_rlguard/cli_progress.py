"""A progress bar on stderr for runs that last; rich is imported only once there is something to show."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

__all__ = ["ProgressBar"]

_PATIENCE_SEC = 1.0


class ProgressBar:
    """Shows the stage at work and how far it is, from the first second on, and leaves nothing on the screen.

    `console` is rich's own for stderr, which knows NO_COLOR, unless a test hands in another.
    """

    def __init__(
        self, *, enabled: bool, clock: Callable[[], float] = time.monotonic, console: Console | None = None
    ) -> None:
        """Start the clock; `enabled` is whether anybody looks."""
        self._enabled = enabled
        self._clock = clock
        self._console = console
        self._started = clock()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Nothing is shown yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Wipe the bar."""
        if self._progress is not None:
            self._progress.stop()

    def update(self, stage: str, done: int, total: int) -> None:
        """Say how far a stage is; `check` calls it."""
        if not self._enabled or self._clock() - self._started < _PATIENCE_SEC:
            return
        if self._progress is None or self._task is None:
            self._progress = self._open()
            self._task = self._progress.add_task(stage)
        self._progress.update(self._task, description=stage, completed=done, total=total)

    def _open(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = self._console or Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        progress = Progress(*columns, console=console, transient=True)
        progress.start()
        return progress
