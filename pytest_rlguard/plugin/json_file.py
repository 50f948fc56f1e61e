"""`--rlguard-json`: the session's report as JSON, written by the process that reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_rlguard import __version__
from pytest_rlguard.errors import UsageError
from pytest_rlguard.plugin.keys import BOOK
from pytest_rlguard.report.json_report import write_json
from pytest_rlguard.verdict import Outcome, Report, Subject

__all__ = ["JsonFile"]


class JsonFile:
    """Writes the report when the session ends, however it ends: a reader must not take an old one for this one's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """By now the controller has entered what never ran."""
        try:
            write_json(make_report(session.config), self._path)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None


def make_report(config: pytest.Config) -> Report:
    """The report; without a gate in use it says that nothing was shown."""
    book = config.stash.get(BOOK, None)
    return Report(
        subject=Subject(env="") if book is None else book.subject,
        outcome=Outcome.SKIPPED if book is None else book.outcome(),
        stages=() if book is None else book.stage_reports(),
        rlguard_version=__version__,
    )
