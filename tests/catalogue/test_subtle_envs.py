"""Envs that were taken for something else before: sound ones that must pass, defects that must get their own code."""

from __future__ import annotations

import pytest
from catalogue_helpers import ENVS, Check, find_findings


@pytest.mark.parametrize("name", ["ActionOfManyParts", "SpaceOfOnesOwn"])
def test_a_sound_env_has_no_finding(name: str, run_check: Check) -> None:
    found = find_findings(run_check(f"{ENVS}/subtle.py:{name}"))
    found.pop("ENV090", None)  # check_env does not know every space
    assert found == {}


DEFECTS = {
    "NoUnseededReset": ("ENV091", "RuntimeError in an unseeded reset: no seed (seed 0, random actions)"),
    "ReadsItsProcess": ("DET202", "seed 0, step 0, observation[0]: "),
    "ClosesWhenForgotten": (
        "ENV092",
        "an instance after its sibling was closed: ConnectionError in step 1: server gone",
    ),
    "CloseFailsAfterSteps": ("ENV091", "OSError in close: the log cannot be written"),
    "HugeReward": ("REW121", "the reward is no finite scalar at seed 0, step 1: inf"),
    "RaggedReward": ("REW121", "list: [1, [2, 3]]"),
    "LeavesSimulatorRunning": ("DET201", "seed 0, step 0, observation[0]: "),
    "NoisyPictures": ("DET201", "seed 0, step 8, observation[1, "),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_gets_its_own_code_and_a_reproducer(name: str, run_check: Check) -> None:
    code, words = DEFECTS[name]
    found = find_findings(run_check(f"{ENVS}/subtle.py:{name}"))
    found.pop("ENV090", None)  # check_env sees some of them too
    assert list(found) == [code], {code: verdict.sentence for code, verdict in found.items()}
    assert words in found[code].sentence
    assert "reproduced in 3 of 3 runs" in found[code].reproducer
