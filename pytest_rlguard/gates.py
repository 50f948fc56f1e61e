"""Gates: the order of the stages, and which of them may start after what is known so far. Pure; starts nothing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_rlguard.errors import UsageError
from pytest_rlguard.verdict import Outcome, StageReport, blocked_reason

__all__ = ["STAGES", "Block", "find_block", "find_missing", "parse_stage", "stage_index"]

STAGES = ("contract", "determinism", "dataflow", "invariance", "scaling", "chaos", "memory", "transfer", "train")


@dataclass(frozen=True)
class Block:
    """Why a stage may not start: the earlier stage that stopped it, and the rule or test that failed there."""

    stage: str
    cause: str

    @property
    def reason(self) -> str:
        """`blocked by <stage>/<cause>`."""
        return blocked_reason(self.stage, self.cause)


def parse_stage(name: str) -> str:
    """The name itself if it is a stage's; else UsageError with the nearest one."""
    if name in STAGES:
        return name
    near = difflib.get_close_matches(name, STAGES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the stages are: {', '.join(STAGES)}"
    raise UsageError(f"there is no stage {name!r}", advice=hint)


def stage_index(name: str) -> int:
    """The place of a stage in the gate order, from 0."""
    return STAGES.index(parse_stage(name))


def find_block(stage: str, causes: Mapping[str, Sequence[str]]) -> Block | None:
    """The earliest failure that keeps `stage` from starting, or None.

    `causes` maps a stage to the rules or tests that failed in it, in the order in which they did.
    """
    for earlier in STAGES[: stage_index(stage)]:
        if causes.get(earlier):
            return Block(earlier, causes[earlier][0])
    return None


def find_missing(required: Sequence[str], reports: Sequence[StageReport]) -> list[str]:
    """The required stages that showed nothing: not collected, empty or skipped. A gate fails closed on them."""
    shown = {report.name for report in reports if report.outcome is not Outcome.SKIPPED and report.verdicts}
    return [stage for stage in required if stage not in shown]
