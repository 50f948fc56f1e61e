"""The stages' book: what became of the tests of each stage, and what that makes of the stage. Shows nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_rlguard import gates
from pytest_rlguard.plugin.entries import TestEntry, is_crash
from pytest_rlguard.plugin.plan import PlannedTest, SessionPlan
from pytest_rlguard.verdict import Outcome, StageReport, Subject, worst

if TYPE_CHECKING:
    import pytest

__all__ = ["StageBook"]


class StageBook:
    """The one record of a session's stages. It is filled by pytest's reports, in whichever process they arrive."""

    def __init__(self, plan: SessionPlan) -> None:
        self.plan = plan
        self.gaps: list[str] = []
        """Why the session as a whole shows less than it could, where no single stage tells."""
        self._tests = {test.nodeid: test for test in plan.tests if test.stage}
        self._stages = {test.stage for test in self._tests.values()} | set(plan.deselected)
        self._entries: list[TestEntry] = []
        self._open: dict[tuple[str, str], TestEntry] = {}
        self._causes: defaultdict[str, list[str]] = defaultdict(list)

    @property
    def subject(self) -> Subject:
        """What the shipped gates tested; nothing is named where none of them ran."""
        return next((entry.subject for entry in self._entries if entry.subject is not None), Subject(env=""))

    def find(self, nodeid: str) -> PlannedTest | None:
        """The test of a stage with that node id; None for any other."""
        return self._tests.get(nodeid)

    def record(self, report: pytest.TestReport) -> None:
        """Enter one phase of a test. A run that a plugin will repeat is struck out, with what may still come of it."""
        test = self._tests.get(report.nodeid)
        if test is None:
            return
        key = report.nodeid, _worker_id(report)
        if report.outcome not in ("passed", "failed", "skipped"):
            self._strike_out(key)
        elif key in self._open or report.when == "setup" or report.failed:
            self._enter(key, test, report)

    def _enter(self, key: tuple[str, str], test: PlannedTest, report: pytest.TestReport) -> None:
        if key not in self._open:
            self._open[key] = TestEntry(test)
            self._entries.append(self._open[key])
        self._open[key].add(report)
        if report.failed and test.label not in self._causes[test.stage]:
            self._causes[test.stage].append(test.label)
        if report.when == "teardown" or is_crash(report):
            del self._open[key]

    def _strike_out(self, key: tuple[str, str]) -> None:
        if key in self._open:
            self._entries.remove(self._open.pop(key))

    def find_block(self, stage: str) -> gates.Block | None:
        """What keeps the stage from starting by now; tests without a stage are never blocked."""
        return gates.find_block(stage, self._causes) if stage else None

    def unreported(self) -> Iterator[PlannedTest]:
        """The tests of stages that nothing was heard of, each as often as it was collected."""
        heard = Counter(entry.test.nodeid for entry in self._entries)
        for test in self.plan.tests:
            if test.stage and not heard[test.nodeid]:
                yield test
            heard[test.nodeid] -= 1

    def withheld(self) -> Iterator[str]:
        """The node ids of the tests that were not run."""
        return (entry.test.nodeid for entry in self._entries if entry.is_withheld)

    def stage_reports(self) -> tuple[StageReport, ...]:
        """The stages that this session knows of, in gate order."""
        return tuple(self._report_stage(stage) for stage in gates.STAGES if stage in self._stages)

    def count(self, stage: str) -> Counter[Outcome]:
        """How many tests of the stage ended how."""
        return Counter(entry.outcome for entry in self._entries if entry.test.stage == stage)

    def outcome(self) -> Outcome:
        """The outcome of the session: no pass where a stage or a part of one was left out."""
        outcomes = {report.outcome for report in self.stage_reports()}
        total = worst(outcomes)
        is_partial = bool(self.gaps) or Outcome.SKIPPED in outcomes
        return Outcome.INCONCLUSIVE if total is Outcome.PASS and is_partial else total

    def _report_stage(self, stage: str) -> StageReport:
        places = {nodeid: place for place, nodeid in enumerate(self._tests)}
        entries = [entry for entry in self._entries if entry.test.stage == stage]
        entries.sort(key=lambda entry: places[entry.test.nodeid])
        outcome = worst(entry.stage_outcome for entry in entries)
        left_out = self.plan.deselected.get(stage, 0)
        if outcome is Outcome.PASS and left_out:
            outcome = Outcome.INCONCLUSIVE
        return StageReport(
            name=stage,
            outcome=outcome,
            reason=_explain(outcome, entries, left_out),
            seconds=sum(entry.seconds for entry in entries),
            verdicts=tuple(entry.judge() for entry in entries),
        )


def _explain(outcome: Outcome, entries: list[TestEntry], left_out: int) -> str:
    """Why the stage was blocked, skipped or left open; empty where its verdicts say it."""
    if outcome in (Outcome.BLOCKED, Outcome.INCONCLUSIVE) and not left_out:
        return next((entry.sentence for entry in entries if entry.outcome is outcome), "")
    if left_out:
        return f"{left_out} of its tests deselected" if entries else "not run: its tests were deselected"
    if outcome is Outcome.SKIPPED:
        return entries[0].sentence if entries else "not run"
    return ""


def _worker_id(report: pytest.TestReport) -> str:
    """The xdist worker that the report comes from; empty without xdist."""
    node = getattr(report, "node", None)
    return "" if node is None else str(node.gateway.id)
