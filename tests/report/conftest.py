"""One report that holds every kind of verdict, stage and awkward text."""

from __future__ import annotations

import pytest

from pytest_rlguard.verdict import Outcome, Report, Severity, StageReport, Subject, Verdict

REPRODUCER = "import gymnasium\n\nenv = gymnasium.make('Counter-v0')\nenv.reset(seed=0)\n"

CONTRACT = StageReport(
    name="contract",
    outcome=Outcome.PASS,
    seconds=1.25,
    verdicts=(
        Verdict(
            rule="OBS101", outcome=Outcome.PASS, sentence="every observation lies in its space", counts={"seeds": 30}
        ),
        Verdict(
            rule="ENV090",
            outcome=Outcome.FAIL,
            severity=Severity.WARNING,
            sentence="check_env objects: the render fps is missing",
            advice="add metadata['render_fps']",
        ),
        Verdict(rule="REW121", outcome=Outcome.FAIL, sentence="the reward is a vector", waiver="a vector by contract"),
        Verdict(rule="ACT111", outcome=Outcome.SKIPPED, sentence="the policy never samples"),
    ),
)
DETERMINISM = StageReport(
    name="determinism",
    outcome=Outcome.FAIL,
    seconds=3.5,
    verdicts=(
        Verdict(
            rule="DET203",
            outcome=Outcome.FAIL,
            sentence="seed 0 gives another episode after 3 others: step 12 differs in obs[2]",
            advice="reset every attribute that step() changes",
            estimate=0.5,
            interval=(0.3, float("inf")),
            threshold=0.033,
            counts={"seeds": 30, "episodes": 60},
            reproducer=REPRODUCER,
        ),
        Verdict(rule="DET208", outcome=Outcome.INCONCLUSIVE, sentence="one worker only; 1 more would settle it"),
    ),
)
DATAFLOW = StageReport(name="dataflow", outcome=Outcome.BLOCKED, reason="blocked by determinism/DET203")
MEMORY = StageReport(name="memory", outcome=Outcome.SKIPPED, reason="no GPU")


@pytest.fixture
def report() -> Report:
    """A failed run."""
    return Report(
        subject=Subject(env="Counter-v0"),
        outcome=Outcome.FAIL,
        stages=(CONTRACT, DETERMINISM, DATAFLOW, MEMORY),
        rlguard_version="0.1.0",
    )
