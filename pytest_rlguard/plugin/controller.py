"""The process that reports: it keeps the stages' book up to date, closes it, and has it shown and written."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_rlguard.plugin import last_failed
from pytest_rlguard.plugin.book import StageBook
from pytest_rlguard.plugin.entries import is_crash
from pytest_rlguard.plugin.keys import BLOCKED_PROPERTY, NOT_RUN_PROPERTY, PLAN_PREFIX
from pytest_rlguard.plugin.summary import write_summary
from pytest_rlguard.plugin.withheld import log_withheld

if TYPE_CHECKING:
    from pytest_rlguard.plugin.plan import SessionPlan
    from pytest_rlguard.plugin.scheduler import StageScheduling

__all__ = ["Controller"]


class Controller:
    """Without xdist the one process, with it the controller; never a worker."""

    def __init__(self, config: pytest.Config, plan: SessionPlan) -> None:
        self.book = StageBook(plan)
        self.scheduler: StageScheduling | None = None
        self._config = config
        self._failed_before = last_failed.read(config)
        if self._failed_before and config.getoption("lf", default=False):
            self.book.gaps.append("only what failed last time was run")

    @pytest.hookimpl(wrapper=True, optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> Generator[None, object, object]:
        """A gate that killed its worker has failed, whatever a plugin that reruns tests makes of it."""
        result = yield
        if self.book.find(crashitem) is not None:
            report.outcome = "failed"
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, None, None]:
        """Acts after the others, so that a failure is shown before what it blocks."""
        if report.nodeid.startswith(PLAN_PREFIX):
            _name_session_teardown(report)
            self.book.gaps.append("a session fixture did not close")
        yield
        self.book.record(report)
        if is_crash(report) and self.scheduler is not None:
            self.scheduler.end_crash()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, None, None]:
        """Before the others (JUnit, the terminal): report what never ran. After them: mend what `--lf` will read."""
        for test in list(self.book.unreported()):
            block = self.book.find_block(test.stage)
            if block is not None:
                log_withheld(self._config, test, BLOCKED_PROPERTY, block.reason)
            else:
                log_withheld(self._config, test, NOT_RUN_PROPERTY, "not run: the session ended early")
        yield
        last_failed.restore(self._config, self._failed_before, self.book.withheld())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The section `rlguard stages`."""
        write_summary(terminalreporter, self.book)


def _name_session_teardown(report: pytest.TestReport) -> None:
    """A session fixture failed to tear down: pytest blames the last item, which is ours and has no readable name."""
    report.nodeid = "the session"
    report.location = ("", None, report.nodeid)
