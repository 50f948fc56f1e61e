"""Our xdist scheduler: stage after stage, in units, each followed by the synthetic item. Judges no test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from xdist.report import report_collection_diff

from pytest_rlguard.plugin.units import Segment, Unit, make_segments

if TYPE_CHECKING:
    from collections import deque

    from xdist.workermanage import WorkerController

    from pytest_rlguard.plugin.book import StageBook
    from pytest_rlguard.plugin.plan import SessionPlan

__all__ = ["StageScheduling"]

SHARES_PER_WORKER = 4
"""A worker gets a quarter of its fair share of what is left: module fixtures last, and no worker ends much later."""


class StageScheduling:
    """The `xdist.scheduler.Scheduling` protocol.

    A stage begins when the one before has ended: nothing of it is left to send, and no worker runs a test of it.
    """

    def __init__(self, config: pytest.Config, book: StageBook, *, workers: int) -> None:
        self.config = config
        self._book = book
        self._workers = workers
        self._collections: dict[WorkerController, list[str]] = {}
        self._pending: dict[WorkerController, list[int]] = {}
        self._segments: deque[Segment] | None = None
        self._ids: list[str] = []

    @property
    def plan(self) -> SessionPlan:
        """What is distributed."""
        return self._book.plan

    @property
    def nodes(self) -> list[WorkerController]:
        """The workers that are up."""
        return list(self._pending)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every initial worker has collected."""
        return len(self._collections) >= self._workers

    @property
    def tests_finished(self) -> bool:
        """Whether xdist may shut the workers down."""
        return self._segments is not None and not self._segments and not self._is_busy()

    @property
    def has_pending(self) -> bool:
        """Whether the distribution has begun and not ended."""
        return bool(self._segments)

    def add_node(self, node: WorkerController) -> None:
        """A worker has started, at first or in place of a dead one."""
        self._pending[node] = []

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """A worker has collected; a replacement that found other tests is of no use."""
        if self._segments is None or list(collection) == self._ids:
            self._collections[node] = list(collection)
        else:
            node.shutdown()

    def schedule(self) -> None:
        """All have collected: begin; or a replacement has: go on."""
        if self._segments is None:
            first, self._ids = next(iter(self._collections.items()))
            is_same = all(self._matches(first, node) for node in self._collections)
            tests = self.plan.tests if is_same else ()
            self._segments = make_segments(tests, self.config.getoption("dist"))
        self._dispatch()

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:  # noqa: ARG002
        """The reports of the test, teardown included, have arrived before this."""
        self._pending[node].remove(item_index)
        self._dispatch()

    def mark_test_pending(self, item: str) -> None:
        """Run a test once more, as a plugin asks whose worker it has killed. A gate that did so has failed."""
        if self._segments and self._book.find(item) is None:
            self._segments[0].units.appendleft(Unit((self._ids.index(item),)))

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:
        """Only for schedulers that steal."""
        raise NotImplementedError

    def remove_node(self, node: WorkerController) -> str | None:
        """A worker has ended. Where it was running a test, that is returned; the others it held are sent again.

        Not now: only when the crash has been reported is it known whether the next stage may begin.
        """
        held = self._real(self._pending.pop(node))
        if not held:
            return None
        crashed, *others = held
        if others and self._segments:
            is_alone = any(self.plan.tests[index].alone for index in held)
            self._segments[0].units.appendleft(Unit(tuple(others), alone=is_alone))
        return self._ids[crashed]

    def end_crash(self) -> None:
        """The crash that `remove_node` returned has been reported, and with it entered into the book: go on."""
        self._dispatch()

    def _matches(self, first: WorkerController, node: WorkerController) -> bool:
        """Whether the worker has collected what the first has; if not, that is a failed collection."""
        difference = report_collection_diff(self._ids, self._collections[node], first.gateway.id, node.gateway.id)
        if difference is None:
            return True
        report = pytest.CollectReport(nodeid=node.gateway.id, outcome="failed", longrepr=difference, result=[])
        self.config.hook.pytest_collectreport(report=report)
        return False

    def _dispatch(self) -> None:
        """Send what may be sent; go on to the next stage where this one has ended; stop where it is blocked."""
        while self._segments:
            if self._book.find_block(self._segments[0].stage):
                self._segments.clear()
                return
            self._fill(self._segments[0])
            if self._segments[0].units or self._is_busy():
                return
            self._segments.popleft()

    def _fill(self, segment: Segment) -> None:
        """Give each idle worker its share; what runs alone waits until all are idle, and is the last of its stage."""
        for node, pending in self._pending.items():
            if not segment.units or (segment.units[0].alone and self._is_busy()):
                return
            if node in self._collections and not node.shutting_down and not self._real(pending):
                share = SHARES_PER_WORKER * len(self._pending)
                indices = [*segment.take(share), len(self._ids)]
                pending.extend(indices)
                node.send_runtest_some(indices)

    def _real(self, indices: Sequence[int]) -> list[int]:
        """Those that stand for tests; the synthetic item is the last of the collection and may be sent many times."""
        return [index for index in indices if index < len(self._ids)]

    def _is_busy(self) -> bool:
        return any(self._real(pending) for pending in self._pending.values())
