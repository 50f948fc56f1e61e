"""The contract stage's judges on hand-made evidence: what passes, what fails and by which words, what is skipped."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pytest_rlguard import Outcome, Verdict
from pytest_rlguard.checks.catalog import CATALOG, rules_of
from pytest_rlguard.evidence import (
    Case,
    ContractEvidence,
    EnvFacts,
    EpisodeFacts,
    InstanceFacts,
    Sighting,
    SpaceSighting,
)
from pytest_rlguard.records import EnvCrash, WorkerExit
from pytest_rlguard.verdict import Severity

FORM = "((2,), 'float32')"
BOX = SpaceSighting(where="instance 0", seed=0, observation=b"o", action=b"a", observation_text="Box", action_text="D")
CRASH = EnvCrash(phase="step", step=3, error="ValueError", message="no such joint\nmore")
EXIT = WorkerExit(
    worker=1,
    pid=4711,
    exit_code=-11,
    signal_name="SIGSEGV",
    hung=False,
    job="_examine",
    step=7,
    seconds=0.1,
    phase="step",
)
ACTIONS = tuple(bytes([number]) for number in range(10))


def make_episode(**changes: Any) -> EpisodeFacts:
    """An episode of ten steps in which nothing was seen."""
    facts = EpisodeFacts(seed=0, driver="random", steps=10, ended=True, form=FORM)
    return dataclasses.replace(facts, **changes)


def make_evidence(*episodes: EpisodeFacts, **changes: Any) -> ContractEvidence:
    """Evidence of a sound env; two sound episodes where none are given."""
    evidence = ContractEvidence(
        facts=EnvFacts(limit=10),
        episodes=episodes or (make_episode(), make_episode(seed=5)),
        spaces=(BOX, dataclasses.replace(BOX, where="instance 1")),
        instances=InstanceFacts(coexist=True, remake=True),
        objections=(),
        unseeded="",
        seeds=2,
    )
    return dataclasses.replace(evidence, **changes)


def judge(code: str, evidence: ContractEvidence) -> tuple[Verdict, Case | None]:
    """The rule's verdict, and its case."""
    return CATALOG[code].rule_on(evidence)


def see(kind: str, step: int, detail: str, key: str = "", **changes: Any) -> EpisodeFacts:
    """An episode with one sighting."""
    return make_episode(sightings={kind: Sighting(step=step, detail=detail, key=key)}, actions=ACTIONS, **changes)


@pytest.mark.parametrize("code", rules_of("contract"))
def test_a_sound_env_passes_with_its_counts(code: str) -> None:
    verdict, case = judge(code, make_evidence())
    assert verdict.outcome is Outcome.PASS
    assert verdict.counts
    assert case is None


@pytest.mark.parametrize(
    ("code", "evidence", "sentence"),
    [
        (
            "ENV090",
            make_evidence(objections=("AssertionError: two\n  lines",)),
            "gymnasium's check_env objects: AssertionError: two lines",
        ),
        (
            "ENV091",
            make_evidence(make_episode(crash=CRASH)),
            "ValueError in step 3: no such joint (seed 0, random actions)",
        ),
        (
            "ENV091",
            make_evidence(make_episode(exit=EXIT, form="")),
            "the env's process was killed by SIGSEGV in step 7 (seed 0, random actions)",
        ),
        (
            "ENV091",
            make_evidence(make_episode(exit=dataclasses.replace(EXIT, hung=True, phase="reset", seconds=2.5))),
            "the env gave no sign of life for 2.5 s in reset (seed 0, random actions)",
        ),
        (
            "ENV091",
            make_evidence(make_episode(exit=dataclasses.replace(EXIT, signal_name="", exit_code=3))),
            "the env's process exited with code 3 in step 7 (seed 0, random actions)",
        ),
        (
            "ENV092",
            make_evidence(instances=InstanceFacts(coexist=False, remake=True, problem="it raised")),
            "two instances do not live in one process: it raised",
        ),
        (
            "OBS101",
            make_evidence(see("outside", 4, "2.0 is outside [0.0, 1.0]", "[1]")),
            "observation[1] is outside its space at seed 0, step 4: 2.0 is outside [0.0, 1.0]",
        ),
        (
            "OBS101",
            make_evidence(see("outside_form", 0, "shape (3,), declared (2,)", ".shape")),
            "observation.shape is outside its space at seed 0, the reset: shape (3,), declared (2,)",
        ),
        (
            "OBS102",
            make_evidence(make_episode(), make_episode(seed=5), make_episode(seed=7, form="((3,), 'float32')")),
            f"the observation is ((3,), 'float32') for seed 7 and {FORM} for seed 0",
        ),
        (
            "OBS103",
            make_evidence(spaces=(BOX, dataclasses.replace(BOX, where="instance 1", action=b"b", action_text="E"))),
            "the action space of instance 0 is D, that of instance 1 is E",
        ),
        (
            "OBS104",
            make_evidence(see("aliased", 2, "the observation of step 1 was changed by step 2")),
            "the observation of step 1 was changed by step 2 (seed 0)",
        ),
        (
            "ACT111",
            make_evidence(unseeded="sample 0 was 1, then 2"),
            "the action space does not follow its seed: sample 0 was 1, then 2",
        ),
        (
            "ACT111",
            make_evidence(make_episode(crash=CRASH, refused="array([1.])")),
            "the env refuses an action of its own space at step 3, seed 0: array([1.]) "
            "(ValueError in step 3: no such joint)",
        ),
        ("REW121", make_evidence(see("reward", 6, "nan")), "the reward is no finite scalar at seed 0, step 6: nan"),
        (
            "END131",
            make_evidence(see("end", 1, "int 0", "terminated")),
            "terminated is no bool at seed 0, step 1: int 0",
        ),
        (
            "END131",
            make_evidence(endless_steps=11),
            "no episode ended within 11 steps under any of the drivers, though it declares a limit of 10",
        ),
        (
            "INF141",
            make_evidence(see("info", 1, "TypeError: cannot pickle", "['lock']")),
            "info['lock'] cannot cross a process boundary at seed 0, step 1: TypeError: cannot pickle",
        ),
    ],
)
def test_a_defect_fails_by_its_sentence_and_has_a_case(code: str, evidence: ContractEvidence, sentence: str) -> None:
    verdict, case = judge(code, evidence)
    assert (verdict.outcome, verdict.sentence) == (Outcome.FAIL, sentence)
    assert verdict.advice
    assert case is not None


@pytest.mark.parametrize(("code", "is_warning"), [("ENV090", True), ("ENV092", True), ("OBS101", False)])
def test_what_gymnasium_says_and_lone_instances_are_warnings(code: str, *, is_warning: bool) -> None:
    assert (CATALOG[code].severity is Severity.WARNING) is is_warning


def test_the_shortest_way_to_a_defect_is_shown_and_seed_0_before_others() -> None:
    late, early = see("reward", 9, "nan"), see("reward", 2, "inf", seed=5, driver="extreme")
    _, case = judge("REW121", make_evidence(late, early))
    assert case is not None
    assert (case.kind, case.seed, case.driver, case.step, case.actions) == ("reward", 5, "extreme", 2, ACTIONS)
    _, case = judge("REW121", make_evidence(early, see("reward", 2, "nan")))
    assert case is not None
    assert case.seed == 0


def test_a_refused_action_is_no_crash_and_a_crash_no_refused_action() -> None:
    refused = make_evidence(make_episode(crash=CRASH, refused="1"), make_episode(seed=5, crash=CRASH))
    assert judge("ENV091", refused)[0].outcome is Outcome.PASS
    assert judge("ACT111", refused)[0].outcome is Outcome.FAIL
    crashed = make_evidence(make_episode(crash=CRASH))
    assert judge("ACT111", crashed)[0].outcome is Outcome.PASS


def test_another_error_beside_a_refused_action_is_still_a_crash() -> None:
    other = dataclasses.replace(CRASH, error="IndexError")
    evidence = make_evidence(make_episode(crash=CRASH, refused="1"), make_episode(seed=5, crash=other))
    assert judge("ENV091", evidence)[0].sentence.startswith("IndexError in step 3")


def test_a_crash_for_want_of_a_display_is_told_how_to_do_without() -> None:
    crash = EnvCrash(phase="reset", step=0, error="error", message="No available video device")
    assert "xvfb-run" in judge("ENV091", make_evidence(make_episode(crash=crash, form="")))[0].advice


@pytest.mark.parametrize("code", ["OBS101", "OBS102", "OBS103", "OBS104", "ACT111", "REW121", "END131", "INF141"])
def test_where_no_episode_ran_the_rest_is_skipped_for_the_crash(code: str) -> None:
    verdict, _ = judge(code, make_evidence(make_episode(crash=CRASH, form="", steps=0), spaces=()))
    assert verdict.outcome is Outcome.SKIPPED
    assert verdict.sentence.startswith("cannot be told while ENV091 holds: no ")


@pytest.mark.parametrize("code", ["ENV090", "ENV092", "ACT111"])
def test_what_was_not_asked_of_an_env_that_hung_is_skipped(code: str) -> None:
    alone = InstanceFacts(coexist=True, remake=True, problem="it hung")
    verdict, _ = judge(code, make_evidence(objections=None, unseeded=None, instances=alone))
    assert verdict.outcome is Outcome.SKIPPED


@pytest.mark.parametrize("code", ["ENV091", "OBS101", "OBS103"])
def test_nothing_seen_without_a_reason_is_never_a_pass(code: str) -> None:
    verdict, _ = judge(code, make_evidence(make_episode(form="", steps=0), spaces=()))
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_a_shape_that_only_some_seeds_have_is_obs102s_alone() -> None:
    odd = see("outside_form", 0, "shape (3,), declared (2,)", ".shape", seed=7, form="((3,), 'float32')")
    evidence = make_evidence(make_episode(), make_episode(seed=5), odd)
    assert judge("OBS101", evidence)[0].outcome is Outcome.PASS
    assert judge("OBS102", evidence)[0].outcome is Outcome.FAIL


def test_a_shape_that_changes_within_an_episode_is_obs101s() -> None:
    evidence = make_evidence(see("outside_form", 6, "shape (1,), declared (2,)", ".shape"), make_episode(seed=5))
    assert judge("OBS101", evidence)[0].outcome is Outcome.FAIL
    assert judge("OBS102", evidence)[0].outcome is Outcome.PASS


def test_a_vector_reward_by_contract_is_skipped() -> None:
    facts = EnvFacts(limit=None, reward_by_contract="Box(2,)")
    verdict, _ = judge("REW121", make_evidence(see("reward", 1, "an array"), facts=facts))
    assert verdict.outcome is Outcome.SKIPPED
    assert "Box(2,)" in verdict.sentence
