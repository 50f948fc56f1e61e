"""A verdict says what it says on both sides of a process, a file and a JUnit property; and only a pass is a pass."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from pytest_rlguard.verdict import Outcome, Report, Severity, StageReport, Subject, Verdict, blocked_reason, worst

FAILED = Verdict(
    rule="OBS104",
    outcome=Outcome.FAIL,
    sentence="step 3 was changed by step 4",
    advice="return a copy",
    estimate=0.5,
    interval=(0.25, 0.75),
    threshold=0.0,
    counts={"episodes": 60},
    reproducer="print()",
)


def with_outcome(outcome: Outcome, **changes: object) -> Verdict:
    return Verdict.from_dict(FAILED.to_dict() | {"outcome": outcome.value} | changes)


def test_a_verdict_survives_json_and_a_process() -> None:
    assert Verdict.from_dict(json.loads(json.dumps(FAILED.to_dict()))) == FAILED
    assert pickle.loads(pickle.dumps(FAILED)) == FAILED


def test_numpy_numbers_become_plain_ones() -> None:
    verdict = Verdict(
        rule="GAP801",
        outcome=Outcome.PASS,
        sentence="",
        estimate=np.float64(0.5),
        interval=(np.float32(0.0), np.float32(1.0)),
        counts={"episodes": np.int64(3)},
    )
    data = verdict.to_dict()
    assert [type(data["estimate"]), *map(type, data["interval"]), type(data["counts"]["episodes"])] == [float] * 3 + [
        int
    ]


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="fine"):
        Verdict.from_dict(FAILED.to_dict() | {"outcome": "fine"})


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.BLOCKED])
def test_what_is_not_shown_sound_blocks(outcome: Outcome) -> None:
    assert with_outcome(outcome).is_blocking()
    assert not with_outcome(outcome, waiver="by design").is_blocking()


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.SKIPPED])
def test_a_pass_and_a_named_skip_do_not_block(outcome: Outcome) -> None:
    assert not with_outcome(outcome).is_blocking(strict=True)


def test_a_warning_blocks_under_strict_only() -> None:
    warning = with_outcome(Outcome.FAIL, severity=Severity.WARNING.value)
    assert not warning.is_blocking()
    assert warning.is_blocking(strict=True)


def test_the_worst_outcome_speaks_for_all_and_nothing_is_no_pass() -> None:
    assert worst([Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL]) is Outcome.FAIL
    assert worst([Outcome.PASS, Outcome.SKIPPED]) is Outcome.PASS
    assert worst([]) is Outcome.SKIPPED


def test_a_report_round_trips_and_another_schema_is_refused() -> None:
    stage = StageReport(name="contract", outcome=Outcome.FAIL, reason="", seconds=0.25, verdicts=(FAILED,))
    report = Report(subject=Subject(env="E"), outcome=Outcome.FAIL, stages=(stage,), rlguard_version="0")
    data = json.loads(json.dumps(report.to_dict()))
    assert Report.from_dict(data) == report
    with pytest.raises(ValueError, match="schema version 99, expected 1"):
        Report.from_dict(data | {"schema_version": 99})


def test_the_wording_of_a_block() -> None:
    assert blocked_reason("determinism", "DET203") == "blocked by determinism/DET203"
