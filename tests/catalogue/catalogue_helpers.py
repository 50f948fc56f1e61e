"""What the tests of the catalogue ask of a report, and where they find its envs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_rlguard import Outcome, Report, Verdict

ROOT = Path(__file__).parents[2]
ENVS = "tests/catalogue/envs"

Check = Callable[..., Report]


def find_verdicts(report: Report) -> list[Verdict]:
    """All verdicts, in order."""
    return [verdict for stage in report.stages for verdict in stage.verdicts]


def find_findings(report: Report) -> dict[str, Verdict]:
    """What failed or could not be told, by code."""
    wrong = (Outcome.FAIL, Outcome.INCONCLUSIVE)
    return {verdict.rule: verdict for verdict in find_verdicts(report) if verdict.outcome in wrong}
