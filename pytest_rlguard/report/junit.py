"""JUnit XML for what reads only that: a suite a stage, a case a rule, the evidence as properties."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from pytest_rlguard.report.files import save_text
from pytest_rlguard.report.labels import Label, describe_counts, describe_numbers, label_outcome, label_verdicts
from pytest_rlguard.verdict import Report, StageReport, Verdict

__all__ = ["render_junit", "write_junit"]

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report) -> str:
    """The document. A stage without verdicts (blocked, skipped) is one case of its own that says why."""
    root = ET.Element("testsuites", name="rlguard")
    for stage in report.stages:
        suite = ET.SubElement(root, "testsuite", name=stage.name, time=f"{stage.seconds:.3f}")
        if stage.verdicts:
            for label, verdict in label_verdicts(stage):
                _add_rule(suite, stage, label, verdict)
        else:
            _add_end(_add_case(suite, stage, stage.name), label_outcome(stage.outcome), stage.reason)
        _add_totals(suite)
    _add_totals(root)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def write_junit(report: Report, path: Path) -> None:
    """Write the document, at once or not at all."""
    save_text(path, render_junit(report))


def _add_rule(suite: ET.Element, stage: StageReport, label: Label, verdict: Verdict) -> None:
    case = _add_case(suite, stage, verdict.rule)
    properties = ET.SubElement(case, "properties")
    for name, value in _list_properties(label, verdict).items():
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    parts = [verdict.sentence, describe_numbers(verdict), describe_counts(verdict), verdict.advice]
    if verdict.reproducer:
        parts.append(f"Reproducer:\n{verdict.reproducer}")
    _add_end(case, label, verdict.sentence, "\n\n".join(part for part in parts if part))


def _list_properties(label: Label, verdict: Verdict) -> dict[str, str]:
    numbers = {"estimate": verdict.estimate, "threshold": verdict.threshold}
    if verdict.interval is not None:
        numbers |= {"ci_low": verdict.interval[0], "ci_high": verdict.interval[1]}
    return (
        {"outcome": verdict.outcome.value, "severity": verdict.severity.value, "label": label.value}
        | ({"waiver": verdict.waiver} if verdict.waiver else {})
        | {name: repr(float(value)) for name, value in numbers.items() if value is not None}
        | {f"count_{name}": str(count) for name, count in verdict.counts.items()}
    )


def _add_case(suite: ET.Element, stage: StageReport, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=f"rlguard.{stage.name}", name=_clean(name))


def _add_end(case: ET.Element, label: Label, message: str, details: str = "") -> None:
    """What the case says of itself: nothing for a pass; a finding that did not block is text, not a failure."""
    message, details = _clean(message), _clean(details)
    if label in (Label.FAIL, Label.INCONCLUSIVE):
        ET.SubElement(case, "failure", type=label.value.lower(), message=message).text = details
    elif label in (Label.SKIPPED, Label.BLOCKED):
        ET.SubElement(case, "skipped", message=message)
    elif label in (Label.WARNING, Label.WAIVED):
        ET.SubElement(case, "system-out").text = f"{label}: {details}"


def _add_totals(element: ET.Element) -> None:
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        element.set(name, str(sum(1 for _ in element.iter(tag))))
    element.set("errors", "0")


def _clean(text: str) -> str:
    """XML 1.0 has no way to write most control characters and lone surrogates: they are left out."""
    return _ILLEGAL.sub("", text)
