"""The words that every report shares: what a verdict is called, and its numbers in one phrase."""

from __future__ import annotations

from enum import StrEnum

from pytest_rlguard.verdict import Outcome, Severity, StageReport, Verdict

__all__ = ["Label", "describe_counts", "describe_numbers", "label_outcome", "label_verdicts"]


class Label(StrEnum):
    """What a reader sees for an outcome. `FAIL` alone is upper case, since it is what one looks for."""

    PASS = "pass"  # noqa: S105 (not a password)
    FAIL = "FAIL"
    WARNING = "warning"
    WAIVED = "waived"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    BLOCKED = "blocked"


def label_outcome(outcome: Outcome) -> Label:
    """The label of a stage or a run."""
    return Label[outcome.name]


def label_verdicts(stage: StageReport) -> list[tuple[Label, Verdict]]:
    """Each verdict of a stage with its label: a waived finding, and a warning that did not block, are called so."""
    strict = _was_strict(stage)
    return [(_label(verdict, strict=strict), verdict) for verdict in stage.verdicts]


def describe_numbers(verdict: Verdict) -> str:
    """`estimate 0.12, interval [0.1, 0.3], threshold 0.25`, as far as there are any."""
    parts = [] if verdict.estimate is None else [f"estimate {verdict.estimate:.4g}"]
    if verdict.interval is not None:
        parts.append(f"interval [{verdict.interval[0]:.4g}, {verdict.interval[1]:.4g}]")
    if verdict.threshold is not None:
        parts.append(f"threshold {verdict.threshold:.4g}")
    return ", ".join(parts)


def describe_counts(verdict: Verdict) -> str:
    """`30 seeds, 60 episodes`."""
    return ", ".join(f"{count} {name}" for name, count in verdict.counts.items())


def _was_strict(stage: StageReport) -> bool:
    """A report does not carry `gates.strict`; a stage that failed on warnings alone shows it."""
    failed = [verdict for verdict in stage.verdicts if verdict.outcome is Outcome.FAIL and not verdict.waiver]
    warnings_alone = bool(failed) and all(verdict.severity is Severity.WARNING for verdict in failed)
    return stage.outcome is Outcome.FAIL and not stage.reason and warnings_alone


def _label(verdict: Verdict, *, strict: bool) -> Label:
    if verdict.waiver and verdict.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        return Label.WAIVED
    if verdict.outcome is Outcome.FAIL and not verdict.is_blocking(strict=strict):
        return Label.WARNING
    return label_outcome(verdict.outcome)
