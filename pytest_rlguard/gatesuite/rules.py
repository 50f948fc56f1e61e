"""The parameters of a gate: a test for each rule of its stage, all of which one worker must run, in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_rlguard.stages import STAGE_TABLE

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

__all__ = ["list_rules"]


def list_rules(stage: str) -> list[ParameterSet]:
    """A parameter for each rule, whose id is its code. The group keeps them together: evidence is collected once."""
    alone = STAGE_TABLE[stage].runs_alone
    return [
        pytest.param(code, id=code, marks=pytest.mark.rl_stage(stage, alone=alone, group=f"rlguard-{stage}", rule=code))
        for code in STAGE_TABLE[stage].rules
    ]
