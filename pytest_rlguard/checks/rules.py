"""What a rule is: a code, a meaning, a page, and a pure function from its stage's evidence to a ruling."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pytest_rlguard.evidence import Case
from pytest_rlguard.verdict import Outcome, Severity, Verdict

__all__ = ["Rule", "Ruling", "failed", "inconclusive", "passed", "rule", "skipped"]

E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What a judge says of its evidence, before the rule's name is put to it.

    `severity` None means the rule's own. `case` is what shows the defect alone, where it failed.
    """

    outcome: Outcome
    sentence: str
    counts: Mapping[str, int]
    advice: str = ""
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    threshold: float | None = None
    severity: Severity | None = None
    case: Case | None = None


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[E]):
    """One rule of the catalogue. `page` is what `rlguard explain` shows: its meaning, why it hurts, how to mend it."""

    code: str
    meaning: str
    page: str
    judge: Callable[[E], Ruling]
    severity: Severity = Severity.ERROR
    stage: str = ""

    def rule_on(self, evidence: E) -> tuple[Verdict, Case | None]:
        """The verdict on `evidence`, and the case to reproduce where it failed."""
        ruling = self.judge(evidence)
        verdict = Verdict(
            rule=self.code,
            outcome=ruling.outcome,
            sentence=ruling.sentence,
            severity=ruling.severity or self.severity,
            advice=ruling.advice,
            estimate=ruling.estimate,
            interval=ruling.interval,
            threshold=ruling.threshold,
            counts=ruling.counts,
        )
        return verdict, ruling.case


def rule(
    code: str, meaning: str, *, stage: str, severity: Severity = Severity.ERROR
) -> Callable[[Callable[[E], Ruling]], Rule[E]]:
    """Make a rule of a judge; its docstring becomes the page."""

    def make(judge: Callable[[E], Ruling]) -> Rule[E]:
        page = inspect.cleandoc(judge.__doc__ or "")
        return Rule(code=code, meaning=meaning, page=page, judge=judge, severity=severity, stage=stage)

    return make


def passed(sentence: str, counts: Mapping[str, int]) -> Ruling:
    """Shown to be sound; `counts` is the evidence."""
    return Ruling(outcome=Outcome.PASS, sentence=sentence, counts=counts)


def failed(
    sentence: str,
    advice: str,
    counts: Mapping[str, int],
    *,
    case: Case | None = None,
    severity: Severity | None = None,
) -> Ruling:
    """A defect, with what to do about it and what shows it alone."""
    return Ruling(outcome=Outcome.FAIL, sentence=sentence, advice=advice, counts=counts, case=case, severity=severity)


def skipped(reason: str) -> Ruling:
    """Nothing was shown, and why."""
    return Ruling(outcome=Outcome.SKIPPED, sentence=reason, counts={})


def inconclusive(reason: str, advice: str) -> Ruling:
    """It should have been shown and could not be; blocks like a failure."""
    return Ruling(outcome=Outcome.INCONCLUSIVE, sentence=reason, advice=advice, counts={})
