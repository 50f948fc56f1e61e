"""The one way to run the gates: which stages, in which order, and what happens to the ones that showed nothing."""

from __future__ import annotations

import pytest

from pytest_rlguard import check
from pytest_rlguard.config import load_config
from pytest_rlguard.errors import UsageError
from pytest_rlguard.stages import STAGE_TABLE
from pytest_rlguard.verdict import Outcome


def outcomes(stages: list[str] | None, *overrides: str) -> dict[str, Outcome]:
    report = check("CartPole-v1", stages=stages, config=load_config(None, overrides=overrides))
    return {stage.name: stage.outcome for stage in report.stages} | {"total": report.outcome}


def test_the_stages_run_in_gate_order_whatever_order_they_are_named_in() -> None:
    found = outcomes(["determinism", "contract"])
    assert list(found) == ["contract", "determinism", "total"]
    assert set(found.values()) == {Outcome.PASS}


def test_a_required_stage_that_did_not_run_fails_the_run() -> None:
    found = outcomes(["contract"], "gates.require=[contract, determinism]")
    assert found == {"contract": Outcome.PASS, "determinism": Outcome.FAIL, "total": Outcome.FAIL}


def test_a_stage_without_gates_is_refused_and_those_with_gates_are_named() -> None:
    with pytest.raises(UsageError, match=f"'chaos' has no gates in this version\nThese have: {', '.join(STAGE_TABLE)}"):
        check("CartPole-v1", stages=["chaos"])


def test_another_seed_count_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no seed count 'many'\nChoose one of quick, standard, thorough"):
        check("CartPole-v1", seeds="many")


def test_a_waiver_of_a_rule_that_does_not_exist_is_refused() -> None:
    config = load_config(None, overrides=["gates.waivers=[{rule: OBS194, reason: typo}]"])
    with pytest.raises(UsageError, match="no rule 'OBS194'\nDid you mean OBS104"):
        check("CartPole-v1", config=config)
