"""The xdist worker's side: the one synthetic item that carries the plan, and on which the worker waits in silence.

An xdist worker takes its next index before it runs the current one, so the last test it was sent would wait for ever.
Followed by the synthetic item, every real test runs, and the worker waits on that item instead, holding no test that
belongs to a later stage. The item is a child of the session: the fixtures of the tests before it are torn down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from _pytest.runner import runtestprotocol

from pytest_rlguard.errors import RLGuardError
from pytest_rlguard.plugin.items import plan_session
from pytest_rlguard.plugin.keys import PLAN_PREFIX
from pytest_rlguard.plugin.plan import SessionPlan, encode_plan

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PlanItem", "WorkerGate", "append_plan"]


class PlanItem(pytest.Item):
    """The synthetic item. Its name is the plan, since a node id is all that reaches the controller."""

    def runtest(self) -> None:
        """Nothing."""

    def __repr__(self) -> str:
        return "<PlanItem>"

    def reportinfo(self) -> tuple[Path, None, str]:
        """No line and no readable name."""
        return self.path, None, "rlguard plan"


class WorkerGate:
    """Runs the synthetic item without a report."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """No report; but xdist sends the completion all the same, which is what the scheduler waits for."""
        if not isinstance(item, PlanItem):
            return None
        if nextitem is None:
            _tear_down_session(item)
        return True


def append_plan(session: pytest.Session) -> None:
    """Sort the session's items and append the plan; where the gates cannot be run, the plan alone, with the reason.

    A usage error raised in a worker would look like a crash to xdist; so the controller is left to raise it.
    """
    try:
        plan = plan_session(session)
    except RLGuardError as error:
        plan = SessionPlan(error=str(error))
        session.items.clear()
    name = PLAN_PREFIX.removeprefix("::") + encode_plan(plan)
    session.items.append(PlanItem.from_parent(session, name=name))


def _tear_down_session(item: PlanItem) -> None:
    """Tear down the session's fixtures here: the last item of a worker is where pytest reports their failures."""
    for report in runtestprotocol(item, nextitem=None, log=False):
        if report.failed:
            item.ihook.pytest_runtest_logreport(report=report)
