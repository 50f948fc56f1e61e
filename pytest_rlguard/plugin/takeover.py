"""The moment at which xdist's controller learns that gates are in use, and hands the distribution to our scheduler.

The controller does not collect. Were the scheduler given through `pytest_xdist_make_scheduler`, ours would have to sit
in every xdist session of everybody; here, a session without gates keeps the scheduler it has, untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_rlguard.plugin.activation import open_controller
from pytest_rlguard.plugin.keys import PLAN_PREFIX, SESSION
from pytest_rlguard.plugin.plan import SessionPlan, decode_plan
from pytest_rlguard.plugin.scheduler import StageScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

__all__ = ["take_over"]


def take_over(node: WorkerController, ids: list[str]) -> None:
    """Take the synthetic item out of a worker's collection, so that nobody counts or shows it, and act on its plan."""
    config = node.config
    encoded = ids.pop()
    plan = decode_plan(encoded.removeprefix(PLAN_PREFIX), ids)
    _refuse(config, plan)
    dsession: Any = config.pluginmanager.get_plugin("dsession")
    if isinstance(dsession.sched, StageScheduling):
        if plan != dsession.sched.plan:
            ids.append(encoded)  # its node ids may be those of the others, but it is not the same collection
        return
    controller = open_controller(config, plan)
    scheduler = StageScheduling(config, controller.book, workers=node.workerinput["workercount"])
    for started in dsession.sched.nodes:
        scheduler.add_node(started)
    dsession.sched = controller.scheduler = scheduler


def _refuse(config: pytest.Config, plan: SessionPlan) -> None:
    """Raise where the gates cannot be run: here, since in a worker it would look like a crash."""
    if plan.error:
        raise pytest.UsageError(plan.error)
    if config.getoption("dist") == "each":
        raise pytest.UsageError(
            "--dist each runs every gate on every worker: no stage can wait for another\nuse --dist load"
        )
    failed = config.stash[SESSION].testsfailed
    if failed and not config.getoption("continue_on_collection_errors"):
        raise pytest.Session.Interrupted(f"{failed} error{'s' if failed != 1 else ''} during collection")
