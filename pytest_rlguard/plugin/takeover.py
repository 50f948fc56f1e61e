"""The moment at which xdist's controller learns that gates are in use, and hands the distribution to our scheduler.

The controller does not collect. Were the scheduler given through `pytest_xdist_make_scheduler`, ours would have to sit
in every xdist session of everybody; here, a session without gates keeps the scheduler it has, untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_rlguard.plugin.activation import open_controller
from pytest_rlguard.plugin.keys import PLAIN_COLLECTIONS, PLAN_PREFIX, SESSION
from pytest_rlguard.plugin.plan import SessionPlan, decode_plan
from pytest_rlguard.plugin.scheduler import StageScheduling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdist.workermanage import WorkerController

__all__ = ["take_over"]


def take_over(node: WorkerController, ids: list[str]) -> None:
    """Take the synthetic item out of a worker's collection, so that nobody counts or shows it, and act on its plan."""
    config = node.config
    encoded = ids.pop()
    plan = decode_plan(encoded.removeprefix(PLAN_PREFIX), ids)
    if plan.error:  # raised here, since in a worker it would look like a crash
        raise pytest.UsageError(plan.error)
    dsession: Any = config.pluginmanager.get_plugin("dsession")
    if not isinstance(dsession.sched, StageScheduling):
        dsession.sched = _begin(config, plan, node, dsession.sched.nodes)
    elif plan != dsession.sched.plan:
        ids.append(encoded)  # the node ids may be those of the others, but it is not the same collection


def _begin(
    config: pytest.Config, plan: SessionPlan, node: WorkerController, started: Sequence[WorkerController]
) -> StageScheduling:
    """Open the book and the scheduler; stop where xdist would not, on a module that could not be collected."""
    if config.getoption("dist") == "each":
        raise pytest.UsageError(
            "--dist each runs every gate on every worker: no stage can wait for another\nuse --dist load"
        )
    controller = open_controller(config, plan)
    failed = config.stash[SESSION].testsfailed
    if failed and not config.getoption("continue_on_collection_errors"):
        raise pytest.Session.Interrupted(f"{failed} error{'s' if failed != 1 else ''} during collection")
    controller.scheduler = StageScheduling(config, controller.book, workers=node.workerinput["workercount"])
    for worker in started:
        controller.scheduler.add_node(worker)
    for worker, ids in config.stash.get(PLAIN_COLLECTIONS, []):
        controller.scheduler.add_node_collection(worker, [*ids, PLAN_PREFIX])
    return controller.scheduler
