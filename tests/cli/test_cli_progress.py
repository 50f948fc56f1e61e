"""The progress bar: only where somebody looks, only in runs that last, and gone afterwards."""

from __future__ import annotations

import contextlib
import io

import pytest
from rich.console import Console

from pytest_rlguard.cli_progress import ProgressBar


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        """The time that the test says it is."""
        return self.now


@pytest.fixture
def screen() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)


def written(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_a_short_run_shows_nothing(screen: Console) -> None:
    clock = Clock()
    with ProgressBar(enabled=True, clock=clock, console=screen) as progress:
        for done in range(10):
            clock.now = done / 10
            progress.update("contract", done, 10)
    assert written(screen) == ""


def test_a_long_run_shows_the_stage_and_how_far_it_is(screen: Console) -> None:
    clock = Clock()
    with ProgressBar(enabled=True, clock=clock, console=screen) as progress:
        clock.now = 1.5
        progress.update("contract", 10, 30)
        progress.update("determinism", 7, 90)
    assert "determinism" in written(screen)
    assert "7/90" in written(screen)


def test_nobody_looks(screen: Console) -> None:
    clock = Clock()
    with ProgressBar(enabled=False, clock=clock, console=screen) as progress:
        clock.now = 9.0
        progress.update("contract", 1, 30)
    assert written(screen) == ""


def test_the_bar_is_wiped_when_the_run_raises(screen: Console) -> None:
    clock = Clock()
    progress = ProgressBar(enabled=True, clock=clock, console=screen)
    clock.now = 2.0
    with contextlib.suppress(KeyboardInterrupt), progress:
        progress.update("contract", 1, 30)
        raise KeyboardInterrupt
    assert written(screen).endswith("\x1b[1A\x1b[2K")
