"""Collected items: sort them by stage, and write down the plan of the session. Runs and blocks nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_rlguard.gates import stage_index
from pytest_rlguard.plugin.keys import DESELECTED
from pytest_rlguard.plugin.markers import StageMark, read_stage_mark
from pytest_rlguard.plugin.plan import PlannedTest, SessionPlan

if TYPE_CHECKING:
    import pytest

__all__ = ["plan_session"]


def plan_session(session: pytest.Session) -> SessionPlan:
    """Sort the session's items by stage, those without one first, and say where each belongs.

    Raises UsageError for a marker, ConfigError or UsageError for the settings of the shipped gates.
    """
    marks = [read_stage_mark(item) for item in session.config.stash.get(DESELECTED, [])]
    deselected = Counter(mark.stage for mark in marks if mark is not None)
    marked = [(item, read_stage_mark(item)) for item in session.items]
    if any(mark is not None and mark.rule for _, mark in marked):
        from pytest_rlguard.plugin.gate_selection import select_gates  # a shipped gate is in use

        marked = select_gates(session.config, marked)
    marked.sort(key=_place)
    session.items[:] = [item for item, _ in marked]
    return SessionPlan(tuple(_plan_test(item, mark) for item, mark in marked), deselected)


def _place(entry: tuple[pytest.Item, StageMark | None]) -> int:
    mark = entry[1]
    return -1 if mark is None else stage_index(mark.stage)


def _plan_test(item: pytest.Item, mark: StageMark | None) -> PlannedTest:
    if mark is None:
        return PlannedTest(item.nodeid, group=_xdist_group(item))
    return PlannedTest(
        item.nodeid,
        stage=mark.stage,
        label=mark.rule or item.name,
        line=item.location[1],
        group=mark.group or _xdist_group(item),
        alone=mark.alone,
    )


def _xdist_group(item: pytest.Item) -> str:
    """The worker-affinity group, read as xdist reads it, in the one mode that honours it.

    The controller cannot see it otherwise: pytest 9.2 no longer lets xdist append it to the node id.
    """
    if not item.config.getoption("loadgroup", default=False):
        return ""
    marks = item.iter_markers("xdist_group")
    names = {str(mark.args[0] if mark.args else mark.kwargs.get("name", "default")) for mark in marks}
    return "_".join(sorted(names))
