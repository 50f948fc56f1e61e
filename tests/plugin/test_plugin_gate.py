"""How one rule's test ends, for every kind of verdict, and the values that travel to the controller."""

from __future__ import annotations

import enum
import json

import execnet
import numpy as np
import pytest

from pytest_rlguard.config import load_config
from pytest_rlguard.plugin.gate import Gate, GateReports, GateSubject
from pytest_rlguard.plugin.properties import plain_value
from pytest_rlguard.verdict import Outcome, Severity, StageReport, Subject, Verdict


def make_gate(verdict, *, outcome=Outcome.PASS, **overrides):
    config = load_config(None, overrides=overrides).config
    report = StageReport(name="contract", outcome=outcome, verdicts=(verdict,))
    reports = GateReports(reports={"contract": (report, Subject(env="Some-v1"))})
    return Gate(GateSubject(env="Some-v1", policy="random", config=config, workers=2), reports, [])


def make_verdict(outcome, **fields):
    return Verdict(rule="OBS101", outcome=outcome, sentence="as it is", **fields)


def test_a_pass_and_its_evidence():
    gate = make_gate(make_verdict(Outcome.PASS, estimate=np.float64(0.5), counts={"seeds": np.int64(30)}))
    gate.check("contract", "OBS101")

    verdict = json.loads(dict(gate.properties)["rlguard_verdict"])
    assert (verdict["estimate"], verdict["counts"]) == (0.5, {"seeds": 30})
    assert json.loads(dict(gate.properties)["rlguard_subject"])["env"] == "Some-v1"


@pytest.mark.parametrize(
    ("verdict", "overrides", "ends"),
    [
        (make_verdict(Outcome.FAIL), {}, "fails"),
        (make_verdict(Outcome.INCONCLUSIVE), {}, "fails"),
        (make_verdict(Outcome.SKIPPED), {}, "is skipped"),
        (make_verdict(Outcome.FAIL, waiver="known"), {}, "passes"),
        (make_verdict(Outcome.FAIL, severity=Severity.WARNING), {}, "passes"),
        (make_verdict(Outcome.FAIL, severity=Severity.WARNING), {"gates.strict": "true"}, "fails"),
    ],
)
def test_a_rule_ends_as_its_verdict_says(verdict, overrides, ends):
    gate = make_gate(verdict, **overrides)
    expected = {"fails": pytest.fail.Exception, "is skipped": pytest.skip.Exception}.get(ends)
    if expected is None:
        gate.check("contract", "OBS101")
        return
    with pytest.raises(expected, match="as it is"):
        gate.check("contract", "OBS101")


def test_a_skipped_stage_that_is_required_fails():
    gate = make_gate(make_verdict(Outcome.SKIPPED), outcome=Outcome.SKIPPED, **{"gates.require": "[contract]"})

    with pytest.raises(pytest.fail.Exception, match=r"required by gates\.require, and skipped: as it is"):
        gate.check("contract", "OBS101")


def test_a_rule_without_a_verdict_fails():
    with pytest.raises(pytest.fail.Exception, match="contract/OBS102 was not judged"):
        make_gate(make_verdict(Outcome.PASS)).check("contract", "OBS102")


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(1), True),
        (np.str_("a"), "a"),
        (np.array([1, 2]), "array([1, 2])"),
        ((np.int8(1), {"a": np.float16(2)}), [1, {"a": 2.0}]),
        (Colour.RED, 1),
        (None, None),
        (True, True),
        (int, repr(int)),
    ],
)
def test_properties_become_exactly_builtin_types(value, plain):
    made = plain_value(value)

    assert made == plain
    assert type(made) is type(plain)
    execnet.dumps(made)
