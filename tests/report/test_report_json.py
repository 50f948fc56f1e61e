"""The JSON report keeps its published schema, survives the way to disk and back, and is never half written."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from pytest_rlguard.errors import UsageError
from pytest_rlguard.report.json_report import load_json, load_schema, render_json, write_json
from pytest_rlguard.verdict import Outcome, Report, Severity


def refuse_number(text: str) -> float:
    raise AssertionError(text)


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(load_schema())


def test_the_report_keeps_the_schema(report: Report) -> None:
    jsonschema.Draft202012Validator(load_schema()).validate(json.loads(render_json(report)))


def test_the_schema_knows_every_outcome_and_severity() -> None:
    definitions = load_schema()["$defs"]
    assert definitions["outcome"]["enum"] == [outcome.value for outcome in Outcome]
    assert definitions["verdict"]["properties"]["severity"]["enum"] == [severity.value for severity in Severity]


@pytest.mark.parametrize("key", ["rule", "waiver"])
def test_the_schema_refuses_a_verdict_with_a_key_missing_or_added(report: Report, key: str) -> None:
    validator = jsonschema.Draft202012Validator(load_schema())
    data = json.loads(render_json(report))
    verdict = data["stages"][0]["verdicts"][0]
    verdict["more"] = verdict.pop(key)
    assert not validator.is_valid(data)


def test_what_is_written_is_read_again(report: Report, tmp_path: Path) -> None:
    write_json(report, tmp_path / "report.json")
    assert load_json(tmp_path / "report.json") == report


def test_an_infinite_bound_is_text_since_json_has_no_infinity(report: Report) -> None:
    data = json.loads(render_json(report), parse_constant=refuse_number)
    assert data["stages"][1]["verdicts"][0]["interval"] == [0.3, "inf"]


def test_a_name_that_is_no_unicode_survives(report: Report, tmp_path: Path) -> None:
    odd = Report(
        subject=type(report.subject)(env="env\udc80"),
        outcome=report.outcome,
        stages=(),
        rlguard_version="0.1.0",
    )
    write_json(odd, tmp_path / "report.json")
    assert load_json(tmp_path / "report.json") == odd


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    def fail(_draft: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        write_json(report, path)
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"stages": [], "schema_version": 2}', '{"stages": [3]}'])
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"other\.json is no report of rlguard"):
        load_json(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_json(tmp_path / "none.json")
