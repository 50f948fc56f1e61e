"""A shipped gate as a test: run its stage once a session, then let each rule's test end as its verdict says."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_rlguard.plugin.keys import SUBJECT_PROPERTY, VERDICT_PROPERTY
from pytest_rlguard.plugin.refusals import shown_short
from pytest_rlguard.report.labels import describe_counts, describe_numbers
from pytest_rlguard.stages import open_context, run_stage
from pytest_rlguard.verdict import Outcome, StageReport, Subject, Verdict

if TYPE_CHECKING:
    from pytest_rlguard.config import Config

__all__ = ["Gate", "GateReports", "GateSubject", "render_finding"]


@dataclass(frozen=True, kw_only=True)
class GateSubject:
    """What is tested, and how: the values of the `rl_*` fixtures."""

    env: object
    policy: object
    config: Config
    workers: int


@dataclass
class GateReports:
    """The stages that have run; and those that could not, each with the rule whose test said why."""

    reports: dict[str, tuple[StageReport, Subject]] = field(default_factory=dict)
    unstarted: dict[str, str] = field(default_factory=dict)

    def run(self, stage: str, subject: GateSubject) -> tuple[StageReport, Subject]:
        """The report of the stage: its evidence is collected by the first of its rules that asks."""
        if stage not in self.reports:
            with open_context(
                subject.env, policy=subject.policy, config=subject.config, workers=subject.workers
            ) as context:
                self.reports[stage] = run_stage(stage, context), context.subject
        return self.reports[stage]


@dataclass(frozen=True)
class Gate:
    """What the fixture `rl_gate` hands to a test."""

    subject: GateSubject
    reports: GateReports
    properties: list[tuple[str, object]]
    """Those of the test. Not through `record_property`, which warns where JUnit has its default family."""

    def check(self, stage: str, rule: str) -> None:
        """Pass, fail or skip as the rule's verdict says; a rule without one has not passed."""
        if stage in self.reports.unstarted:
            pytest.skip(f"not judged: {stage}/{self.reports.unstarted[stage]} says why the gate could not start")
        self.reports.unstarted[stage] = rule
        with shown_short():
            report, subject = self.reports.run(stage, self.subject)
        del self.reports.unstarted[stage]
        self.properties.append((SUBJECT_PROPERTY, json.dumps(asdict(subject))))
        verdict = next((verdict for verdict in report.verdicts if verdict.rule == rule), None)
        if verdict is None:
            pytest.fail(
                f"{stage}/{rule} was not judged: {report.reason or 'the stage has no verdict on it'}", pytrace=False
            )
        self.properties.append((VERDICT_PROPERTY, json.dumps(verdict.to_dict())))
        self._end(report, verdict)

    def _end(self, report: StageReport, verdict: Verdict) -> None:
        if verdict.is_blocking(strict=self.subject.config.gates.strict):
            pytest.fail(render_finding(report.name, verdict), pytrace=False)
        if report.outcome is Outcome.SKIPPED and report.name in self.subject.config.gates.require:
            pytest.fail(f"required by gates.require, and skipped: {verdict.sentence}", pytrace=False)
        if verdict.outcome is Outcome.SKIPPED:
            pytest.skip(verdict.sentence)


def render_finding(stage: str, verdict: Verdict) -> str:
    """The finding in full: what, by which numbers, what to do, and what to paste."""
    numbers = "; ".join(part for part in (describe_numbers(verdict), describe_counts(verdict)) if part)
    parts = [
        f"{stage}/{verdict.rule} {verdict.outcome}: {verdict.sentence}",
        numbers,
        f"What to do: {verdict.advice}" if verdict.advice else "",
        f"Reproducer:\n\n{verdict.reproducer}" if verdict.reproducer else "",
    ]
    return "\n".join(part for part in parts if part)
