"""The section `rlguard stages` of pytest's terminal summary: a line a stage, and the total. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_rlguard.report.labels import Label, label_outcome, label_verdicts
from pytest_rlguard.verdict import Outcome, StageReport

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    import pytest

    from pytest_rlguard.plugin.book import StageBook

__all__ = ["render_summary", "write_summary"]

_WORDS = {
    Outcome.FAIL: "failed",
    Outcome.PASS: "passed",
    Outcome.SKIPPED: "skipped",
    Outcome.BLOCKED: "blocked",
    Outcome.INCONCLUSIVE: "not finished",
}


def write_summary(terminal: pytest.TerminalReporter, book: StageBook) -> None:
    """Write the section; nothing where the session knows of no stage."""
    lines = list(render_summary(book))
    if lines:
        terminal.write_sep("=", "rlguard stages")
        for line in lines:
            terminal.write_line(line)


def render_summary(book: StageBook) -> Iterator[str]:
    """The stages in gate order, what passed only with a remark, and the total."""
    stages = book.stage_reports()
    if not stages:
        return
    for stage in stages:
        yield _render_stage(stage, book.count(stage.name))
    for stage in stages:
        for label, verdict in label_verdicts(stage):
            if label in (Label.WARNING, Label.WAIVED):
                remark = f" ({verdict.waiver})" if verdict.waiver else ""
                yield f"{label} {stage.name}/{verdict.rule}: {verdict.sentence}{remark}"
    yield f"total: {_render_total(book)}"


def _render_stage(stage: StageReport, counts: Counter[Outcome]) -> str:
    counted = ", ".join(f"{counts[outcome]} {word}" for outcome, word in _WORDS.items() if counts[outcome])
    parts = [f"{stage.name:<12}{label_outcome(stage.outcome):<13}{counted or 'nothing ran'}", stage.reason]
    return "; ".join(part for part in parts if part)


def _render_total(book: StageBook) -> str:
    outcome = book.outcome()
    if outcome is not Outcome.INCONCLUSIVE:
        return label_outcome(outcome)
    return "; ".join(["incomplete", *book.gaps])
