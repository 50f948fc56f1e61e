"""Stage `contract`: a test for each of its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_rlguard.gatesuite.rules import list_rules

if TYPE_CHECKING:
    from pytest_rlguard.plugin.gate import Gate

__all__ = ["test_contract"]


@pytest.mark.parametrize("rule", list_rules("contract"))
def test_contract(rl_gate: Gate, rule: str) -> None:
    """`rlguard explain CODE` says what a rule means and how a finding is mended."""
    rl_gate.check("contract", rule)
