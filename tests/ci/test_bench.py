"""The timing scripts judge and print what they measured; no clock is tested here."""

from __future__ import annotations

import cProfile
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def run_startup(
    startup: ModuleType, monkeypatch: pytest.MonkeyPatch, *, costs_sec: list[float], heavy: list[str] | None = None
) -> int:
    monkeypatch.setattr(sys, "argv", ["startup.py"])
    monkeypatch.setattr(startup, "collect_heavy_modules", lambda: heavy or [])
    without = [startup.Cost(0.2, 0.1) for _ in costs_sec]
    with_plugin = [startup.Cost(0.2 + cost, 0.1 + 0.003) for cost in costs_sec]
    monkeypatch.setattr(startup, "collect_pairs", lambda _pairs, **_: (without, with_plugin))
    code: int = startup.main()
    return code


def test_startup_passes_under_its_limit_whatever_one_slow_pair_says(
    startup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_startup(startup, monkeypatch, costs_sec=[0.004, 0.005, 0.3]) == 0
    out = capsys.readouterr().out
    assert "the plugin costs 5.0 ms (median of 3 in-pair differences, 4.0 to 300.0; processor 3.0 ms)" in out


def test_startup_fails_at_its_limit(startup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_startup(startup, monkeypatch, costs_sec=[0.016, 0.016, 0.001]) == 1


def test_startup_fails_when_the_plugin_brings_in_numpy(
    startup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_startup(startup, monkeypatch, costs_sec=[0.001], heavy=["numpy"]) == 1
    assert "brings in numpy: FAIL" in capsys.readouterr().out


def test_the_plugin_brings_in_no_module_that_belongs_to_a_run(startup: ModuleType) -> None:
    assert startup.collect_heavy_modules() == []


def run_check_time(check_time: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str, times: list[float]) -> int:
    left = list(times)
    report = {"stages": [{"name": "contract", "seconds": 1.5}, {"name": "chaos", "seconds": 0.0}]}

    def check(_env: str, _folder: Path, *, profile: Path | None = None) -> tuple[float, dict[str, Any]]:
        if profile:
            cProfile.run("sorted([3, 1, 2])", str(profile))
        return left.pop(0), report

    monkeypatch.setattr(sys, "argv", ["check_time.py", *arguments])
    monkeypatch.setattr(check_time, "check", check)
    code: int = check_time.main()
    return code


def test_check_time_prints_the_median_and_keeps_the_limit(
    check_time: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    times = [2.0, 9.0, 3.0]
    assert run_check_time(check_time, monkeypatch, "CartPole-v1", "--repeats", "3", times=times) == 0
    assert capsys.readouterr().out == "CartPole-v1: median 3.00 s of 3 (2.00 to 9.00), limit 5 s: pass\n"


def test_check_time_measures_every_env_and_fails_for_a_slow_one(
    check_time: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_check_time(check_time, monkeypatch, "--repeats", "1", times=[5.1, 2.0]) == 1
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["FAIL", "pass"]


def test_a_profile_tells_the_stages_from_the_rest(
    check_time: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("Some-v0", "--repeats", "1", "--profile")
    assert run_check_time(check_time, monkeypatch, *arguments, times=[2.0, 2.25]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["contract", "1.50", "s"] in lines
    assert ["outside", "the", "stages", "0.75", "s"] in lines
    assert not any("chaos" in line for line in lines)
    assert any("{built-in" in line and "builtins.sorted}" in line for line in lines)


def test_a_check_that_does_not_pass_is_not_timed(
    check_time: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failing = tmp_path / "rlguard"
    failing.write_text("import sys; sys.exit('no such env')")
    monkeypatch.setattr(check_time, "RLGUARD", failing)
    with pytest.raises(check_time.CheckFailedError, match="rlguard check X-v0: exit code 1, None\nno such env"):
        check_time.check("X-v0", tmp_path)
