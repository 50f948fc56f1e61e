"""Errors of ours inside a test or fixture, shown as the sentences they are, without our traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from pytest_rlguard.errors import RLGuardError

__all__ = ["shown_short"]


@contextlib.contextmanager
def shown_short() -> Iterator[None]:
    """Let an RLGuardError fail the test with its message and, where the user's code raised, with that traceback."""
    try:
        yield
    except RLGuardError as error:
        text = "\n".join(part for part in (str(error), error.user_traceback) if part)
        raise pytest.fail.Exception(text, pytrace=False) from None
