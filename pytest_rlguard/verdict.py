"""Verdicts: what a rule found, in one frozen record, and the stage and run reports made of them. Decides nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Outcome", "Report", "Severity", "StageReport", "Subject", "Verdict", "blocked_reason", "worst"]

SCHEMA_VERSION = 1


class Outcome(StrEnum):
    """How a rule, a stage or a whole run ended. Only `PASS` means that something was shown to be sound."""

    PASS = "pass"  # noqa: S105 - an outcome
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    BLOCKED = "blocked"


class Severity(StrEnum):
    """An error blocks the later stages; a warning is shown, and blocks only under `gates.strict`."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one rule says about one subject.

    `estimate`, `interval` and `threshold` share one unit, which `sentence` names. `counts` holds the evidence by name
    (episodes, seeds, steps). `reproducer` is a script to paste, empty where nothing failed. `waiver` is the reason that
    the user wrote for accepting this finding: it is shown wherever the finding is, and takes away its power to block.
    """

    rule: str
    outcome: Outcome
    sentence: str
    severity: Severity = Severity.ERROR
    advice: str = ""
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    threshold: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    reproducer: str = ""
    waiver: str = ""

    def is_blocking(self, *, strict: bool = False) -> bool:
        """Whether the stages after this verdict's may not start."""
        if self.waiver:
            return False
        if self.outcome is Outcome.FAIL:
            return strict or self.severity is Severity.ERROR
        return self.outcome in (Outcome.INCONCLUSIVE, Outcome.BLOCKED)

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values only: the JSON report and pytest's `user_properties` both take it as it is."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return data | {
            "outcome": self.outcome.value,
            "severity": self.severity.value,
            "estimate": _plain_number(self.estimate),
            "interval": None if self.interval is None else [_plain_number(bound) for bound in self.interval],
            "threshold": _plain_number(self.threshold),
            "counts": {name: int(count) for name, count in self.counts.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """The inverse of `to_dict`; an unknown outcome or severity raises ValueError."""
        interval = data["interval"]
        return cls(
            **{
                **data,
                "outcome": Outcome(data["outcome"]),
                "severity": Severity(data["severity"]),
                "interval": None if interval is None else (interval[0], interval[1]),
            }
        )


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """One stage of a run: its outcome, why it was skipped or blocked (else empty), its wall time and its verdicts."""

    name: str
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0
    verdicts: tuple[Verdict, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, as in the JSON report."""
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "seconds": round(float(self.seconds), 3),
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StageReport:
        """The inverse of `to_dict`."""
        verdicts = tuple(Verdict.from_dict(verdict) for verdict in data["verdicts"])
        return cls(**{**data, "outcome": Outcome(data["outcome"]), "verdicts": verdicts})


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What was tested, by name."""

    env: str
    policy: str = "random"
    pool: str = "local"


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole run: the subject and its stages in gate order. The one source of every output format."""

    subject: Subject
    outcome: Outcome
    stages: tuple[StageReport, ...]
    rlguard_version: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON report, as its published schema describes it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "rlguard_version": self.rlguard_version,
            "subject": dataclasses.asdict(self.subject),
            "outcome": self.outcome.value,
            "stages": [stage.to_dict() for stage in self.stages],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """The inverse of `to_dict`; another schema version raises ValueError."""
        if data["schema_version"] != SCHEMA_VERSION:
            msg = f"this report has schema version {data['schema_version']!r}, expected {SCHEMA_VERSION}"
            raise ValueError(msg)
        return cls(
            subject=Subject(**data["subject"]),
            outcome=Outcome(data["outcome"]),
            stages=tuple(StageReport.from_dict(stage) for stage in data["stages"]),
            rlguard_version=data["rlguard_version"],
        )


_WORST_FIRST = (Outcome.FAIL, Outcome.BLOCKED, Outcome.INCONCLUSIVE, Outcome.PASS, Outcome.SKIPPED)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that speaks for all of them; of none at all: `SKIPPED`, since nothing was shown."""
    return min(outcomes, key=_WORST_FIRST.index, default=Outcome.SKIPPED)


def blocked_reason(stage: str, cause: str) -> str:
    """The one wording for what never ran because an earlier gate failed; `cause` is a rule code or a test's name."""
    return f"blocked by {stage}/{cause}"


def _plain_number(value: float | None) -> float | None:
    return None if value is None else float(value)
