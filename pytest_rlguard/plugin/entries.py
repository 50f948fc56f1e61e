"""One run of one test of a stage, put together from pytest's reports of its phases. Knows nothing of other tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_rlguard.plugin.keys import BLOCKED_PROPERTY, NOT_RUN_PROPERTY, SUBJECT_PROPERTY, VERDICT_PROPERTY
from pytest_rlguard.plugin.plan import PlannedTest
from pytest_rlguard.verdict import Outcome, Subject, Verdict

if TYPE_CHECKING:
    import pytest

__all__ = ["TestEntry", "is_crash"]

_OUTCOMES = {"passed": Outcome.PASS, "failed": Outcome.FAIL, "skipped": Outcome.SKIPPED}
_WITHHELD = {BLOCKED_PROPERTY: Outcome.BLOCKED, NOT_RUN_PROPERTY: Outcome.INCONCLUSIVE}
_ENDS = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.SKIPPED: "was skipped",
    Outcome.BLOCKED: "was blocked",
    Outcome.INCONCLUSIVE: "did not end",
}


def is_crash(report: pytest.TestReport) -> bool:
    """Whether xdist made this report because the worker died: it then has none of the three phases."""
    return report.when not in ("setup", "call", "teardown")


@dataclass
class TestEntry:
    """What is known of the run. Until a phase has decided, it did not end."""

    __test__ = False

    test: PlannedTest
    outcome: Outcome = Outcome.INCONCLUSIVE
    sentence: str = ""
    seconds: float = 0.0
    verdict: Verdict | None = None
    subject: Subject | None = None
    is_withheld: bool = False

    def add(self, report: pytest.TestReport) -> None:
        """Take a phase into account. A failure stays; a phase that passed decides only if it is the test itself."""
        self.seconds += float(report.duration)
        decides = report.when == "call" or not report.passed
        if decides and self.outcome is not Outcome.FAIL:
            self.outcome = _OUTCOMES[report.outcome]
            self.sentence = _read_sentence(report)
        for name, value in report.user_properties:
            if name == VERDICT_PROPERTY:
                self.verdict = Verdict.from_dict(json.loads(str(value)))
            elif name == SUBJECT_PROPERTY:
                self.subject = Subject(**json.loads(str(value)))
            elif name in _WITHHELD:
                self.outcome, self.sentence, self.is_withheld = _WITHHELD[name], str(value), True

    def judge(self) -> Verdict:
        """The test as a verdict: the one it left, unless it failed in spite of it; else one made of its outcome."""
        left = self.verdict
        if left is not None and (
            self.outcome is not Outcome.FAIL or left.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)
        ):
            return left
        sentence = self.sentence or f"{self.test.nodeid} {_ENDS[self.outcome]}"
        return Verdict(rule=self.test.label, outcome=self.outcome, sentence=sentence)

    @property
    def stage_outcome(self) -> Outcome:
        """What the test means for its stage: as pytest counted it, but an inconclusive verdict is no failure."""
        is_open = self.verdict is not None and self.verdict.outcome is Outcome.INCONCLUSIVE
        return Outcome.INCONCLUSIVE if self.outcome is Outcome.FAIL and is_open else self.outcome


def _read_sentence(report: pytest.TestReport) -> str:
    """The first line of why it was skipped or failed; empty for a test that passed."""
    text = ""
    if isinstance(report.longrepr, tuple):
        text = report.longrepr[2].removeprefix("Skipped: ")
    elif report.longrepr is not None:
        crash = getattr(report.longrepr, "reprcrash", None)
        text = str(report.longrepr if crash is None else crash.message)
    return text.strip().partition("\n")[0]
