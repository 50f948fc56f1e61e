"""The terminal report is calm, complete, and safe to print."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_rlguard.report.terminal import render_report
from pytest_rlguard.verdict import Outcome, Report, Severity, StageReport, Subject, Verdict

PAGE = """\
rlguard 0.1.0 · Counter-v0 · policy random · pool local

contract pass → determinism FAIL → dataflow blocked → memory skipped

contract  pass  4 rules, 1.2 s
  OBS101  pass          every observation lies in its space
  ENV090  warning       check_env objects: the render fps is missing
  REW121  waived        the reward is a vector
  ACT111  skipped       the policy never samples

determinism  FAIL  2 rules, 3.5 s
  DET203  FAIL          seed 0 gives another episode after 3 others: …
  DET208  inconclusive  one worker only; 1 more would settle it

dataflow  blocked  blocked by determinism/DET203
memory  skipped  no GPU

waived contract/REW121
    the reward is a vector
    Waived: a vector by contract

warning contract/ENV090
    check_env objects: the render fps is missing
    What to do: add metadata['render_fps']

inconclusive determinism/DET208
    one worker only; 1 more would settle it

FAIL determinism/DET203
    seed 0 gives another episode after 3 others: step 12 differs in
    obs[2]
    estimate 0.5, interval [0.3, inf], threshold 0.033; 30 seeds, 60
    episodes
    What to do: reset every attribute that step() changes
    Reproducer, to paste into a file and run:

import gymnasium

env = gymnasium.make('Counter-v0')
env.reset(seed=0)

FAIL: 1 failed, 1 inconclusive, 1 with a warning, 1 waived, 1 passed, 1 skipped; stages: 1 skipped, 1 blocked
"""


def run_of(*stages: StageReport, outcome: Outcome = Outcome.PASS) -> Report:
    return Report(subject=Subject(env="Env-v0"), outcome=outcome, stages=stages, rlguard_version="0.1.0")


def test_the_whole_page(report: Report) -> None:
    assert render_report(report, width=70) == PAGE


def test_quiet_leaves_out_the_line_a_verdict_and_keeps_the_findings(report: Report) -> None:
    quiet = render_report(report, width=70, verbose=-1)
    assert "OBS101" not in quiet
    assert quiet.endswith(PAGE[PAGE.index("waived contract/REW121") :])


def test_verbose_gives_each_sentence_in_full_with_its_evidence(report: Report) -> None:
    verbose = render_report(report, width=70, verbose=1)
    assert (
        "  DET203  FAIL          seed 0 gives another episode after 3 others:\n"
        "                        step 12 differs in obs[2]\n"
        "                        30 seeds, 60 episodes\n"
    ) in verbose


def test_colour_is_the_only_difference_that_colour_makes(report: Report) -> None:
    coloured = render_report(report, width=70, color=True)
    assert "\x1b[1;31mFAIL\x1b[0m" in coloured
    for code in ("\x1b[1;31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == PAGE


def test_no_line_is_wider_than_asked_save_the_reproducer() -> None:
    verdict = Verdict(rule="OBS101", outcome=Outcome.FAIL, sentence="word " * 60, advice="advice " * 60)
    stages = [StageReport(name=f"stage{n}", outcome=Outcome.FAIL, verdicts=(verdict,)) for n in range(9)]
    for width in (40, 80, 120):
        for verbose in (0, 1):
            lines = render_report(run_of(*stages), width=width, verbose=verbose).splitlines()
            assert max(map(len, lines[2:-1])) <= width


def test_the_users_text_cannot_drive_the_terminal() -> None:
    verdict = Verdict(rule="OBS101", outcome=Outcome.FAIL, sentence="a\x1b[2Jb\rc", reproducer="x = '\x07'\n\ty = 1")
    text = render_report(run_of(StageReport(name="contract", outcome=Outcome.FAIL, verdicts=(verdict,))))
    assert not {"\x1b", "\r", "\x07"} & set(text)
    assert "x = '\N{REPLACEMENT CHARACTER}'\n\ty = 1" in text


@pytest.mark.parametrize(("outcome", "label"), [(Outcome.PASS, "warning"), (Outcome.FAIL, "FAIL")])
def test_a_warning_is_a_failure_where_it_alone_failed_its_stage(outcome: Outcome, label: str) -> None:
    verdict = Verdict(rule="ENV090", outcome=Outcome.FAIL, severity=Severity.WARNING, sentence="it objects")
    stage = StageReport(name="contract", outcome=outcome, verdicts=(verdict,))
    assert f"{label} contract/ENV090" in render_report(run_of(stage, outcome=outcome))


def test_a_run_without_stages_says_that_nothing_ran() -> None:
    assert render_report(run_of(outcome=Outcome.SKIPPED)).endswith("skipped: no rule ran\n")


def test_numbers_of_other_libraries_are_shown_as_numbers(report: Report) -> None:
    numpy = pytest.importorskip("numpy")
    failed = dataclasses.replace(report.stages[1].verdicts[0], estimate=numpy.float32(0.5))
    stage = dataclasses.replace(report.stages[1], verdicts=(failed,))
    assert "estimate 0.5, interval" in render_report(run_of(stage))
