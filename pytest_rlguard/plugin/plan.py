"""The plan of a session: which test belongs to which stage, as data that fits into a node id. Knows no pytest.

Under xdist only the workers collect, and only node ids reach the controller. So the plan travels as the node id of the
one synthetic item; no file and no environment variable is needed, and remote workers are served too.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["PlannedTest", "SessionPlan", "decode_plan", "encode_plan"]


@dataclass(frozen=True)
class PlannedTest:
    """One collected test. `stage` is empty for a test without one; `label` names it in reasons and reports."""

    nodeid: str
    stage: str = ""
    label: str = ""
    line: int | None = None
    group: str = ""
    alone: bool = False


@dataclass(frozen=True)
class SessionPlan:
    """All collected tests in their order, and how many tests of each stage were deselected.

    `error` is set where the gates cannot be run at all; then there are no tests.
    """

    tests: tuple[PlannedTest, ...] = ()
    deselected: Mapping[str, int] = field(default_factory=dict)
    error: str = ""


def encode_plan(plan: SessionPlan) -> str:
    """The plan without its node ids, which travel beside it, in printable characters."""
    rows = [[test.stage, test.label, test.line, test.group, test.alone] for test in plan.tests]
    text = json.dumps([rows, dict(plan.deselected), plan.error], separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(text.encode())).decode("ascii")


def decode_plan(encoded: str, nodeids: list[str]) -> SessionPlan:
    """The inverse of `encode_plan`, given the node ids in the same order."""
    rows, deselected, error = json.loads(zlib.decompress(base64.urlsafe_b64decode(encoded)))
    tests = tuple(PlannedTest(nodeid, *row) for nodeid, row in zip(nodeids, rows, strict=True))
    return SessionPlan(tests, deselected, error)
