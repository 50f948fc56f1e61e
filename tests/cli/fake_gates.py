"""Gates that answer what a test says, and what a command answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_rlguard.verdict import Outcome, Report, StageReport, Subject, Verdict


@dataclass(frozen=True)
class Answer:
    """What a command returned and wrote."""

    code: int
    out: str
    err: str


@dataclass
class FakeGates:
    """Stands in for `stages.check`: notes its arguments, raises `error` or returns one stage with `outcome`."""

    outcome: Outcome = Outcome.PASS
    error: BaseException | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, env: str, **options: object) -> Report:
        """Answer as `stages.check` would."""
        self.calls.append({"env": env, **options})
        if self.error is not None:
            raise self.error
        verdict = Verdict(rule="OBS101", outcome=self.outcome, sentence="every observation lies in its space")
        stage = StageReport(name="contract", outcome=self.outcome, verdicts=(verdict,))
        return Report(subject=Subject(env=env), outcome=self.outcome, stages=(stage,), rlguard_version="0.1.0")


RunCommand = Callable[..., Answer]
