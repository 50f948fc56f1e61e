"""What the plugin costs at pytest's start: `pytest --collect-only` in an empty folder, with and without it, in pairs.

    python ci/bench/startup.py [--pairs 20] [--limit-ms 15]

Both sides run with PYTEST_DISABLE_PLUGIN_AUTOLOAD=1, so that they differ in `-p pytest_rlguard.plugin` and in nothing
else: `-p no:rlguard` would not do, since a blocked plugin's entry point is still read. The order within a pair turns
at each pair. It ends with 1 when the median of the in-pair differences reaches the limit, or when importing the plugin
brings in a module that belongs to a run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HEAVY = ("gymnasium", "hypothesis", "numpy", "pydantic", "scipy", "torch")
PLUGIN = "pytest_rlguard.plugin"
NO_TESTS_COLLECTED = 5


def collect_sec(folder: str, *, with_plugin: bool) -> float:
    """The wall time of one `pytest --collect-only`."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "--rootdir", folder]
    command += ["-p", PLUGIN] if with_plugin else []
    env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    started_sec = time.perf_counter()
    result = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    seconds = time.perf_counter() - started_sec
    if result.returncode != NO_TESTS_COLLECTED:
        sys.exit(f"expected exit code {NO_TESTS_COLLECTED} from pytest, got {result.returncode}:\n{result.stderr}")
    return seconds


def collect_pairs(pairs: int) -> tuple[list[float], list[float]]:
    """Wall times without and with the plugin; one unmeasured run of each comes first, for the byte code."""
    without: list[float] = []
    with_plugin: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for pair in range(-1, pairs):
            for is_with in (False, True) if pair % 2 else (True, False):
                seconds = collect_sec(folder, with_plugin=is_with)
                if pair >= 0:
                    (with_plugin if is_with else without).append(seconds)
    return without, with_plugin


def collect_heavy_modules() -> list[str]:
    """Which of `HEAVY` a fresh interpreter holds once it has imported the plugin."""
    code = f"import sys, {PLUGIN}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description="What the plugin costs at pytest's start.")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--limit-ms", type=float, default=15.0)
    args = parser.parse_args()
    if args.pairs < 1:
        parser.error(f"--pairs must be at least 1, got {args.pairs}")
    heavy = collect_heavy_modules()
    print(
        f"import {PLUGIN}: " + (f"brings in {', '.join(heavy)}: FAIL" if heavy else f"none of {', '.join(HEAVY)}: pass")
    )
    without, with_plugin = collect_pairs(args.pairs)
    differences = [(b - a) * 1000 for a, b in zip(without, with_plugin, strict=True)]
    median = statistics.median(differences)
    is_light = median < args.limit_ms
    for name, seconds in (("without", without), ("with", with_plugin)):
        print(f"{name:>8}: median {statistics.median(seconds) * 1000:7.1f} ms")
    print(
        f"the plugin costs {median:.1f} ms (median of {args.pairs} in-pair differences, {min(differences):.1f} to"
        f" {max(differences):.1f}), limit {args.limit_ms:g} ms: {'pass' if is_light else 'FAIL'}"
    )
    return 0 if is_light and not heavy else 1


if __name__ == "__main__":
    sys.exit(main())
