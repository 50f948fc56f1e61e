"""The stages' book, fed with reports by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_rlguard.plugin.book import StageBook
from pytest_rlguard.plugin.plan import PlannedTest, SessionPlan
from pytest_rlguard.verdict import Outcome

GATE = PlannedTest("test_a.py::test_gate", "contract", "test_gate", 1)
LATE = PlannedTest("test_a.py::test_late", "train", "test_late", 5)


@pytest.fixture
def book():
    return StageBook(SessionPlan((GATE, LATE)))


def record(book, *phases, test=GATE, worker=None, longrepr=None):
    for when, outcome in phases:
        report = pytest.TestReport(test.nodeid, ("test_a.py", 1, ""), {}, outcome, longrepr, when, duration=0.5)
        if worker:
            report.node = SimpleNamespace(gateway=SimpleNamespace(id=worker))
        book.record(report)


@pytest.mark.parametrize(
    ("phases", "outcome"),
    [
        ([("setup", "passed"), ("call", "passed"), ("teardown", "passed")], Outcome.PASS),
        ([("setup", "passed"), ("call", "passed"), ("teardown", "failed")], Outcome.FAIL),
        ([("setup", "passed"), ("call", "failed"), ("teardown", "passed")], Outcome.FAIL),
        ([("setup", "skipped"), ("teardown", "passed")], Outcome.SKIPPED),
        ([("setup", "failed"), ("teardown", "passed")], Outcome.FAIL),
        ([("setup", "passed"), ("???", "failed")], Outcome.FAIL),
        ([("setup", "passed")], Outcome.INCONCLUSIVE),
        ([("setup", "rerun"), ("teardown", "passed"), ("setup", "passed"), ("call", "passed")], Outcome.PASS),
        ([("setup", "passed"), ("call", "rerun"), ("setup", "passed"), ("call", "failed")], Outcome.FAIL),
    ],
)
def test_a_test_is_counted_once_by_its_phases(book, phases, outcome):
    record(book, *phases)

    assert book.count("contract") == {outcome: 1}
    assert book.stage_reports()[0].outcome is outcome
    assert (book.find_block("train") is not None) == (outcome is Outcome.FAIL)


def test_a_test_that_runs_twice_at_once_is_two_tests(book):
    for worker in ("gw0", "gw1"):
        record(book, ("setup", "passed"), worker=worker)
    for worker, outcome in (("gw0", "passed"), ("gw1", "failed")):
        record(book, ("call", outcome), ("teardown", "passed"), worker=worker)

    assert book.count("contract") == {Outcome.PASS: 1, Outcome.FAIL: 1}


def test_a_failure_is_told_by_its_first_line(book):
    record(book, ("setup", "failed"), longrepr="no simulator\nfar below")

    (verdict,) = book.stage_reports()[0].verdicts
    assert (verdict.rule, verdict.outcome, verdict.sentence) == ("test_gate", Outcome.FAIL, "no simulator")
    assert book.find_block("train").reason == "blocked by contract/test_gate"
    assert book.stage_reports()[0].seconds == 0.5


def test_what_was_not_heard_of(book):
    record(book, ("setup", "passed"))

    assert list(book.unreported()) == [LATE]


def test_a_gap_keeps_the_session_from_passing(book):
    record(book, ("setup", "passed"), ("call", "passed"), ("teardown", "passed"))
    record(book, ("setup", "passed"), ("call", "passed"), ("teardown", "passed"), test=LATE)
    assert book.outcome() is Outcome.PASS

    book.gaps.append("something was left out")
    assert book.outcome() is Outcome.INCONCLUSIVE
