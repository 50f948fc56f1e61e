"""JUnit XML: every rule is a case, what was blocked is skipped with its reason, and it is always well formed."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pytest_rlguard.report.junit import render_junit, write_junit
from pytest_rlguard.verdict import Outcome, Report, StageReport, Subject, Verdict


@pytest.fixture
def document(report: Report) -> ET.Element:
    return parse(render_junit(report))


def parse(text: str) -> ET.Element:
    return ET.fromstring(text)


def find_case(document: ET.Element, name: str) -> ET.Element:
    case = document.find(f".//testcase[@name='{name}']")
    assert case is not None
    return case


def properties_of(case: ET.Element) -> dict[str, str]:
    return {item.attrib["name"]: item.attrib["value"] for item in case.iter("property")}


def test_a_suite_a_stage_with_its_totals(document: ET.Element) -> None:
    totals = [(s.get("name"), s.get("tests"), s.get("failures"), s.get("skipped")) for s in document]
    assert totals == [
        ("contract", "4", "0", "1"),
        ("determinism", "2", "2", "0"),
        ("dataflow", "1", "0", "1"),
        ("memory", "1", "0", "1"),
    ]
    assert (document.get("tests"), document.get("failures"), document.get("skipped")) == ("8", "2", "3")


def test_a_failure_holds_sentence_numbers_advice_and_reproducer(report: Report, document: ET.Element) -> None:
    failure = find_case(document, "DET203").find("failure")
    assert failure is not None
    verdict = report.stages[1].verdicts[0]
    assert failure.get("message") == verdict.sentence
    for part in (verdict.advice, verdict.reproducer, "threshold 0.033", "30 seeds"):
        assert part in str(failure.text)


def test_the_evidence_stands_in_properties(document: ET.Element) -> None:
    found = properties_of(find_case(document, "DET203"))
    assert found["estimate"] == "0.5"
    assert (found["ci_low"], found["ci_high"]) == ("0.3", "inf")
    assert (found["count_seeds"], found["count_episodes"]) == ("30", "60")


def test_inconclusive_is_not_passed(document: ET.Element) -> None:
    failure = find_case(document, "DET208").find("failure")
    assert failure is not None
    assert failure.get("type") == "inconclusive"


@pytest.mark.parametrize(("name", "reason"), [("dataflow", "blocked by determinism/DET203"), ("memory", "no GPU")])
def test_a_stage_that_never_ran_is_skipped_with_its_reason(document: ET.Element, name: str, reason: str) -> None:
    skipped = find_case(document, name).find("skipped")
    assert skipped is not None
    assert skipped.get("message") == reason


@pytest.mark.parametrize(("name", "label"), [("ENV090", "warning"), ("REW121", "waived")])
def test_a_finding_that_did_not_block_is_shown_and_does_not_fail(document: ET.Element, name: str, label: str) -> None:
    case = find_case(document, name)
    assert case.find("failure") is None
    assert str(case.findtext("system-out")).startswith(f"{label}: ")
    assert properties_of(case)["label"] == label


def test_the_reason_of_a_waiver_is_kept(document: ET.Element) -> None:
    assert properties_of(find_case(document, "REW121"))["waiver"] == "a vector by contract"


def test_a_stage_that_failed_without_a_verdict_is_a_failure() -> None:
    stage = StageReport(name="chaos", outcome=Outcome.FAIL, reason="required, and nothing was collected")
    run = Report(subject=Subject(env="Env-v0"), outcome=Outcome.FAIL, stages=(stage,), rlguard_version="0.1.0")
    failure = parse(render_junit(run)).find(".//failure")
    assert failure is not None
    assert failure.get("message") == stage.reason


def test_characters_that_xml_has_not_are_left_out(tmp_path: Path) -> None:
    verdict = Verdict(
        rule="OBS101", outcome=Outcome.FAIL, sentence="a\x00\x1b[1m<b>&\ud800\ufffe é 🤖", reproducer="\x08"
    )
    stage = StageReport(name="contract", outcome=Outcome.FAIL, verdicts=(verdict,))
    run = Report(subject=Subject(env="Env-v0"), outcome=Outcome.FAIL, stages=(stage,), rlguard_version="0.1.0")
    write_junit(run, tmp_path / "report.xml")
    failure = ET.parse(tmp_path / "report.xml").getroot().find(".//failure")
    assert failure is not None
    assert failure.get("message") == "a[1m<b>& é 🤖"
