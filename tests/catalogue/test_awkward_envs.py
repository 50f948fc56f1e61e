"""Envs that are awkward end in a finding, a skip or an error of their own, never in a crash of ours."""

from __future__ import annotations

import re

import pytest
from catalogue_helpers import ENVS, Check, find_findings, find_verdicts

from pytest_rlguard import Outcome
from pytest_rlguard.errors import EnvError, RLGuardError, TargetError

QUICK = {"worker_pool": {"step_deadline_sec": 0.5, "start_deadline_sec": 5.0}}

# What each ends in: the codes that it trips, and words of the first one's sentence.
FINDINGS = {
    "CloseBreaksSibling": (["ENV092"], "an instance after its sibling was closed: ConnectionError in step 1"),
    "OncePerProcess": (["ENV092"], "RuntimeError in make: the simulation app was started already"),
    "DisplayInReset": (["ENV091"], "OSError in reset: No available video device"),
    "VectorRewardUndeclared": (["REW121"], "ndarray of shape (1,)"),
    "RaisesSystemExit": (["ENV091"], "SystemExit in step 5: 5 (seed 0, random actions)"),
    "DiesAtStepSeven": (["ENV091"], "the env's process was killed by SIGSEGV in step 7 (seed 0, random actions)"),
    "DiesLate": (["ENV091"], "the env's process was killed by SIGSEGV in step "),
    "RaisesInClose": (["ENV091"], "OSError in close: the socket is gone"),
    "UnseededNoise": (["DET201"], "seed 0, step 6, observation[0]: "),
    "RefusesBoundary": (["ACT111"], "the env refuses an action of its own space"),
    "CrashesFarOut": (["ENV091"], "FloatingPointError in step"),
    "LeaksThroughClass": (["DET204"], "an instance made after another one in its process played another episode"),
    "TwoBuffers": (["OBS104"], "the observation of the reset was changed by step 2: observation[0] was "),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_it_ends_in_its_finding(name: str, run_check: Check) -> None:
    codes, words = FINDINGS[name]
    found = find_findings(run_check(f"{ENVS}/awkward.py:{name}"))
    found.pop("ENV090", None)  # newer gymnasiums see some of them too
    assert list(found) == codes, {code: verdict.sentence for code, verdict in found.items()}
    assert words in found[codes[0]].sentence


def test_a_hanging_step_costs_its_deadline_and_names_the_step(run_check: Check) -> None:
    found = find_findings(run_check(f"{ENVS}/awkward.py:HangsInStep", **QUICK))
    assert list(found) == ["ENV091"]
    assert re.search(r"no sign of life for 0\.\d s in step 5 \(seed 0, random actions\)", found["ENV091"].sentence)


def test_an_env_that_never_ends_is_left_to_run_for_a_while(run_check: Check) -> None:
    env = {"max_episode_steps": 50, "endless_after_steps": 500}
    found = find_findings(run_check(f"{ENVS}/awkward.py:Endless", env=env))
    assert list(found) == ["END131"]
    assert found["END131"].sentence == "no episode ended within 500 steps under any of the drivers"


def test_torchs_global_generator_is_one_of_them(run_check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_rlguard.stages.reproduce", lambda *_: "")  # each of its runs imports torch
    found = find_findings(run_check(f"{ENVS}/awkward.py:TorchNoise", gates={"stages": ("determinism",)}))
    assert list(found) == ["DET205"]
    assert "seed 0, step 6, observation[0]: " in found["DET205"].sentence


def test_an_env_that_wants_a_display_is_told_how_to_do_without(run_check: Check) -> None:
    found = find_findings(run_check(f"{ENVS}/awkward.py:DisplayInReset"))
    assert "run under xvfb-run" in found["ENV091"].advice


def test_an_env_that_prints_a_lot_passes(run_check: Check) -> None:
    assert find_findings(run_check(f"{ENVS}/awkward.py:Prints")) == {}


def test_a_vector_reward_by_contract_is_skipped(run_check: Check) -> None:
    report = run_check(f"{ENVS}/awkward.py:VectorReward")
    odd = {v.rule: v for v in find_verdicts(report) if v.outcome is not Outcome.PASS and v.rule != "ENV090"}
    assert list(odd) == ["REW121"]
    assert odd["REW121"].outcome is Outcome.SKIPPED
    assert "the reward is a vector by contract (Box(-inf, inf, (2,), float64))" in odd["REW121"].sentence


def test_what_needs_two_instances_is_skipped_where_there_can_be_one(run_check: Check) -> None:
    verdicts = {v.rule: v for v in find_verdicts(run_check(f"{ENVS}/awkward.py:OncePerProcess"))}
    assert verdicts["DET204"].outcome is Outcome.SKIPPED
    assert verdicts["DET204"].sentence.startswith("two instances do not live in one process: ")
    others = {code: v.outcome for code, v in verdicts.items() if code not in ("ENV092", "DET204")}
    assert set(others.values()) == {Outcome.PASS}


def test_an_env_that_is_declared_random_is_not_asked_for_equal_episodes(run_check: Check) -> None:
    report = run_check(f"{ENVS}/awkward.py:UnseededNoise", env={"reproducible": False})
    assert find_findings(report) == {}
    verdicts = {v.rule: v for v in find_verdicts(report)}
    assert verdicts["DET201"].outcome is Outcome.SKIPPED
    assert verdicts["DET201"].sentence == "the env is declared random by design (env.reproducible: false)"
    assert verdicts["DET208"].outcome is Outcome.PASS


def test_a_waived_finding_is_shown_with_its_reason_and_blocks_nothing(run_check: Check) -> None:
    waivers = ({"rule": "OBS104", "reason": "the rollout copies what it stores"},)
    report = run_check(f"{ENVS}/awkward.py:TwoBuffers", gates={"waivers": waivers})
    verdict = find_findings(report)["OBS104"]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.waiver == "the rollout copies what it stores"
    assert [stage.outcome for stage in report.stages] == [Outcome.PASS, Outcome.PASS]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("DisplayInConstructor", EnvError, "It seems to need a display: run under xvfb-run"),
        ("RaisesInConstructor", EnvError, "raised FileNotFoundError in its constructor: assets/robot.urdf"),
        ("ExitsInConstructor", EnvError, "ended its process in its constructor (exit code 3)"),
        ("make_nothing", TargetError, "the target returned NoneType, which is no gymnasium env"),
        ("make_vector", TargetError, "expected one env, got a vector of 2"),
        ("NotThere", TargetError, "has no attribute 'NotThere'"),
    ],
)
def test_what_cannot_be_built_is_an_error_of_its_own(
    name: str, kind: type[RLGuardError], words: str, run_check: Check
) -> None:
    with pytest.raises(kind) as caught:
        run_check(f"{ENVS}/awkward.py:{name}")
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


def test_a_constructor_that_hangs_costs_its_deadline(run_check: Check) -> None:
    with pytest.raises(EnvError, match=r"hangs in its constructor \(no sign of life for [\d.]+ s\)"):
        run_check(f"{ENVS}/awkward.py:HangsInConstructor", worker_pool={"start_deadline_sec": 1.0})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ReturnsFour", "step() returned a tuple of 4; expected (observation, reward, terminated, truncated, info)"),
        ("TakesNoSeed", "TypeError in reset: TakesNoSeed.reset() got an unexpected keyword argument 'seed'"),
    ],
)
def test_the_api_of_the_old_gym_is_named(name: str, words: str, run_check: Check) -> None:
    found = find_findings(run_check(f"{ENVS}/awkward.py:{name}"))
    assert words in found["ENV091"].sentence
