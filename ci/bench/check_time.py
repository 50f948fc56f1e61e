"""How long `rlguard check ENV --seeds quick` takes, and where the time goes.

    python ci/bench/check_time.py [--repeats 5] [--profile] [ENV …]

Prints the median wall time of each env with its range, by default of CartPole-v1 (limit 5 s) and Reacher-v5 (15 s), and
ends with 1 when a median is above its limit or a check did not pass. With `--profile` one more run of each env follows:
seconds per stage from the JSON report, seconds outside the stages, and cProfile's top of the parent process (its
worker processes are waited for, not profiled).
"""

from __future__ import annotations

import argparse
import io
import json
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LIMITS_SEC = {"CartPole-v1": 5.0, "Reacher-v5": 15.0}
RLGUARD = Path(sys.executable).with_name("rlguard")


class CheckFailedError(Exception):
    """A check ended otherwise than with a pass: its time says nothing."""


def check(env: str, folder: Path, *, profile: Path | None = None) -> tuple[float, dict[str, Any]]:
    """One run: its wall time and its report. Under cProfile the exit code is lost; the report's outcome is not."""
    report_file = folder / "report.json"
    report_file.unlink(missing_ok=True)
    python = [sys.executable, *(["-m", "cProfile", "-o", str(profile)] if profile else [])]
    command = [*python, str(RLGUARD), "check", env, "--seeds", "quick", "--json", str(report_file)]
    started_sec = time.perf_counter()
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    seconds = time.perf_counter() - started_sec
    report: dict[str, Any] = json.loads(report_file.read_text("utf-8")) if report_file.exists() else {}
    if result.returncode or report.get("outcome") != "pass":
        tail = "\n".join((result.stdout + result.stderr).splitlines()[-15:])
        raise CheckFailedError(f"rlguard check {env}: exit code {result.returncode}, {report.get('outcome')}\n{tail}")
    return seconds, report


def render_stages(report: dict[str, Any], wall_sec: float) -> str:
    """Seconds per stage that ran, and the rest of the wall time: imports, start-up, pool, report."""
    ran = [(stage["name"], stage["seconds"]) for stage in report["stages"] if stage["seconds"] > 0]
    rest = wall_sec - sum(seconds for _, seconds in ran)
    return "\n".join(f"  {name:<24}{seconds:8.2f} s" for name, seconds in [*ran, ("outside the stages", rest)])


def render_profile(file: Path, *, lines: int) -> str:
    """The functions of the parent in which most time was spent, by their own time, without folders."""
    text = io.StringIO()
    pstats.Stats(str(file), stream=text).strip_dirs().sort_stats("tottime").print_stats(lines)
    return "\n".join(line for line in text.getvalue().splitlines()[2:] if line.strip())


def measure(env: str, *, repeats: int, profile: bool) -> bool:
    """Print what one env takes; whether it keeps its limit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = [check(env, folder)[0] for _ in range(repeats)]
        median, limit = statistics.median(times), LIMITS_SEC.get(env)
        is_quick = limit is None or median <= limit
        print(
            f"{env}: median {median:.2f} s of {repeats} ({min(times):.2f} to {max(times):.2f})"
            + ("" if limit is None else f", limit {limit:g} s: {'pass' if is_quick else 'FAIL'}"),
            flush=True,
        )
        if profile:
            wall_sec, report = check(env, folder, profile=folder / "profile")
            print(f"one more run under cProfile, {wall_sec:.2f} s:\n{render_stages(report, wall_sec)}")
            print(render_profile(folder / "profile", lines=20), flush=True)
    return is_quick


def main() -> int:
    """Measure each env in turn."""
    parser = argparse.ArgumentParser(description="How long rlguard check takes.")
    parser.add_argument("envs", nargs="*", default=list(LIMITS_SEC), metavar="ENV")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    args = parser.parse_args()
    if args.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {args.repeats}")
    if not RLGUARD.exists():
        parser.error(f"expected {RLGUARD.name} next to this Python: install pytest-rlguard into its environment")
    try:
        slow = [env for env in args.envs if not measure(env, repeats=args.repeats, profile=args.profile)]
    except CheckFailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
