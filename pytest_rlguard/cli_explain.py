"""The rules as text: the table of all of them, and the page of one."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from pytest_rlguard.checks.rules import Rule
from pytest_rlguard.gates import stage_index

__all__ = ["render_page", "render_table"]


def render_table(rules: Iterable[Rule[Any]], *, width: int) -> str:
    """Every rule on a line of its own, stage by stage in gate order, as the catalogue has them."""
    ordered = sorted(rules, key=lambda rule: stage_index(rule.stage))
    lines = []
    for stage, members in groupby(ordered, key=lambda rule: rule.stage):
        lines.append(stage)
        for rule in members:
            lead = f"  {rule.code}  {rule.severity.value:<7}  "
            lines += textwrap.wrap(rule.meaning, width, initial_indent=lead, subsequent_indent=" " * len(lead))
    return "\n".join(lines)


def render_page(rule: Rule[Any]) -> str:
    """The code, where it belongs, what it means, then the page."""
    return f"{rule.code} · {rule.stage} · {rule.severity.value}\n{rule.meaning}\n\n{rule.page.strip()}"
