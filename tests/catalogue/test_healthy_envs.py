"""Envs that are unusual and sound pass with no finding at all."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from catalogue_helpers import ENVS, ROOT, Check, find_verdicts

from pytest_rlguard import Outcome, Report, check

SPACES = list(runpy.run_path(str(Path(ROOT, ENVS, "any_space.py")))["SPACES"])
SOUND = (
    "DeterministicByNature",
    "RandomTransitionsOnly",
    "StickyActions",
    "RareEvent",
    "ChangesItsAction",
    "LocksItsAction",
    "EndsByItself",
    "OwnGenerator",
    "NumpyReward",
    "make_with_limit",
)


def find_odd(report: Report) -> dict[str, str]:
    """The sentence of every verdict that is no pass."""
    return {v.rule: v.sentence for v in find_verdicts(report) if v.outcome is not Outcome.PASS}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_env_passes(name: str, run_check: Check) -> None:
    assert find_odd(run_check(f"{ENVS}/sound.py:{name}")) == {}


@pytest.mark.parametrize("space", SPACES)
def test_every_space_passes_as_observation_and_as_action_space(space: str, run_check: Check) -> None:
    report = run_check(f"{ENVS}/any_space.py", env={"kwargs": {"observation": space, "action": space}})
    assert find_odd(report) == {}


def test_a_policy_may_return_one_read_only_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    policy = f"{ENVS}/sound.py:act_with_one_locked_array"
    assert find_odd(check(f"{ENVS}/sound.py:StickyActions", policy=policy, workers=2)) == {}


def test_an_env_that_is_deterministic_by_nature_is_called_so(run_check: Check) -> None:
    sentences = {v.rule: v.sentence for v in find_verdicts(run_check(f"{ENVS}/sound.py:DeterministicByNature"))}
    assert sentences["DET207"].startswith("deterministic by nature: ")
    assert sentences["DET208"].startswith("deterministic by nature: ")


def test_the_verdict_on_equal_pairs_prints_its_claim(run_check: Check) -> None:
    verdicts = {v.rule: v for v in find_verdicts(run_check(f"{ENVS}/sound.py:StickyActions"))}
    assert verdicts["DET201"].sentence == "60 pairs equal to the last bit: at most 9.5 % of seeds can differ, 95 %"
