"""Reports for tests that were never run, so that neither the terminal nor JUnit misses them. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from pytest_rlguard.plugin.plan import PlannedTest

__all__ = ["log_withheld"]


def log_withheld(config: pytest.Config, test: PlannedTest, name: str, reason: str) -> None:
    """Log the test as skipped for `reason`, which also becomes its user property `name`.

    JUnit closes a case at its teardown and takes the properties from there, so both phases carry them.
    """
    path, _, inner = test.nodeid.partition("::")
    location = path, test.line, inner.replace("::", ".")
    skipped = path, (test.line or 0) + 1, f"Skipped: {reason}"
    config.hook.pytest_runtest_logstart(nodeid=test.nodeid, location=location)
    for report in (
        _make_report(test, location, "setup", (name, reason), outcome="skipped", longrepr=skipped),
        _make_report(test, location, "teardown", (name, reason), outcome="passed", longrepr=None),
    ):
        config.hook.pytest_runtest_logreport(report=report)
    config.hook.pytest_runtest_logfinish(nodeid=test.nodeid, location=location)


def _make_report(
    test: PlannedTest,
    location: tuple[str, int | None, str],
    when: Literal["setup", "teardown"],
    entry: tuple[str, str],
    **ending: Any,  # outcome and longrepr, as TestReport takes them
) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=test.nodeid, location=location, keywords={}, when=when, user_properties=[entry], **ending
    )
