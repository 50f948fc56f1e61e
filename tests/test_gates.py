"""Who may start: in gate order, blocked by the earliest failure, and closed where nothing was shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rlguard.errors import UsageError
from pytest_rlguard.gates import STAGES, Block, find_block, find_missing, parse_stage, stage_index
from pytest_rlguard.verdict import Outcome, StageReport, Verdict

CAUSES = st.dictionaries(st.sampled_from(STAGES), st.lists(st.sampled_from(["OBS104", "DET203"]), max_size=2))


@given(stage=st.sampled_from(STAGES), causes=CAUSES)
def test_a_stage_is_blocked_by_the_earliest_earlier_failure_and_by_no_other(
    stage: str, causes: dict[str, list[str]]
) -> None:
    failed = [name for name in STAGES if causes.get(name) and stage_index(name) < stage_index(stage)]
    expected = Block(failed[0], causes[failed[0]][0]) if failed else None
    assert find_block(stage, causes) == expected


def test_the_reason_names_stage_and_rule() -> None:
    block = find_block("chaos", {"contract": ["OBS104", "REW121"]})
    assert block is not None
    assert block.reason == "blocked by contract/OBS104"


def test_an_unknown_stage_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="there is no stage 'determinsm'\ndid you mean 'determinism'"):
        parse_stage("determinsm")
    with pytest.raises(UsageError, match="the stages are: contract, "):
        parse_stage("zzz")


@pytest.mark.parametrize(
    ("outcome", "verdicts", "missing"),
    [
        (Outcome.PASS, 1, []),
        (Outcome.FAIL, 1, []),
        (Outcome.SKIPPED, 1, ["contract"]),
        (Outcome.PASS, 0, ["contract"]),
    ],
)
def test_a_required_stage_that_showed_nothing_is_missing(outcome: Outcome, verdicts: int, missing: list[str]) -> None:
    verdict = Verdict(rule="OBS104", outcome=outcome, sentence="")
    report = StageReport(name="contract", outcome=outcome, verdicts=(verdict,) * verdicts)
    assert find_missing(["contract"], [report]) == missing


def test_a_required_stage_that_was_not_collected_is_missing() -> None:
    assert find_missing(["contract", "chaos"], []) == ["contract", "chaos"]
