"""Units: tests that must go to one worker in one go, per stage and `--dist` mode. Pure; sends nothing."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_rlguard.plugin.plan import PlannedTest

__all__ = ["Segment", "Unit", "make_segments"]


@dataclass(frozen=True)
class Unit:
    """The indices of the tests in the collection, and whether no other worker may run anything meanwhile."""

    indices: tuple[int, ...]
    alone: bool = False


@dataclass(frozen=True)
class Segment:
    """What is left to send of one stage, units that run alone last. `stage` is empty for tests without one."""

    stage: str
    units: deque[Unit]

    def take(self, share: int) -> tuple[int, ...]:
        """The next indices to send: a `share`-th of what is left, at least one unit, and one only if it is alone."""
        count = len(self.units) // share
        taken = [self.units.popleft()]
        while len(taken) < count and not self.units[0].alone:
            taken.append(self.units.popleft())
        return tuple(index for unit in taken for index in unit.indices)


def make_segments(tests: Iterable[PlannedTest], dist: str) -> deque[Segment]:
    """The stages in the order of `tests`, which are sorted by stage, each cut as `--dist` asks."""
    numbered = enumerate(tests)
    return deque(
        Segment(stage, _make_units(list(entries), dist))
        for stage, entries in itertools.groupby(numbered, key=lambda entry: entry[1].stage)
    )


def _make_units(entries: list[tuple[int, PlannedTest]], dist: str) -> deque[Unit]:
    grouped: dict[tuple[str, str | int], list[tuple[int, PlannedTest]]] = {}
    for index, test in entries:
        grouped.setdefault(_unit_key(index, test, dist), []).append((index, test))
    units = [
        Unit(tuple(index for index, _ in members), alone=any(test.alone for _, test in members))
        for members in grouped.values()
    ]
    return deque(sorted(units, key=lambda unit: unit.alone))


def _unit_key(index: int, test: PlannedTest, dist: str) -> tuple[str, str | int]:
    if test.group:
        return "group", test.group
    if dist == "loadscope":
        return "scope", test.nodeid.partition("[")[0].rpartition("::")[0]
    if dist == "loadfile":
        return "file", test.nodeid.partition("::")[0]
    return "test", index
