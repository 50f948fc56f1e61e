"""The JSON report, as `schema.json` beside this file describes it: the one source of every other format."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pytest_rlguard.errors import UsageError
from pytest_rlguard.report.files import save_text
from pytest_rlguard.verdict import Report

__all__ = ["load_json", "load_schema", "render_json", "write_json"]


def render_json(report: Report) -> str:
    """Strict JSON: an infinite bound or a NaN is the text `inf`, `-inf` or `nan`, since JSON has no number for it."""
    return json.dumps(_encode(report.to_dict()), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(report: Report, path: Path) -> None:
    """Write the report, at once or not at all."""
    save_text(path, render_json(report))


def load_json(path: Path) -> Report:
    """The report that `write_json` wrote. UsageError if it is none, or of another schema version."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        for stage in data["stages"]:
            stage["verdicts"] = [_decode(verdict) for verdict in stage["verdicts"]]
        return Report.from_dict(data)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"{path} is no report of rlguard: {error}", advice="write one with `rlguard check --json FILE`"
        ) from error


def load_schema() -> dict[str, Any]:
    """The published JSON schema."""
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
    return schema


def _encode(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _encode(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_encode(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _decode(verdict: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a verdict as floats again."""
    interval = verdict["interval"]
    return verdict | {
        "estimate": _to_float(verdict["estimate"]),
        "threshold": _to_float(verdict["threshold"]),
        "interval": None if interval is None else [_to_float(bound) for bound in interval],
    }


def _to_float(value: float | str | None) -> float | None:
    return None if value is None else float(value)
