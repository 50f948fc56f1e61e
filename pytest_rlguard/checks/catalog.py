"""The catalogue: every rule that exists, by code, in the order of its stages."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pytest_rlguard.checks import contract, determinism
from pytest_rlguard.checks.rules import Rule
from pytest_rlguard.errors import UsageError

__all__ = ["CATALOG", "find_rule", "rules_of"]

_RULES: tuple[Rule[Any], ...] = (*contract.RULES, *determinism.RULES)
CATALOG: Mapping[str, Rule[Any]] = {rule.code: rule for rule in _RULES}


def find_rule(code: str) -> Rule[Any]:
    """The rule of that code, in any case of letters; UsageError names the nearest."""
    found = CATALOG.get(code.upper())
    if found is not None:
        return found
    near = difflib.get_close_matches(code.upper(), CATALOG, n=1)
    advice = f"Did you mean {near[0]}?" if near else "rlguard explain lists all rules."
    raise UsageError(f"there is no rule {code!r}", advice=advice)


def rules_of(stage: str) -> tuple[str, ...]:
    """The codes of a stage's rules, in the order in which they are judged."""
    return tuple(code for code, rule in CATALOG.items() if rule.stage == stage)
