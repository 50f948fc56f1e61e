"""What the plugin costs at pytest's start: `pytest --collect-only` in an empty folder, with and without it, in pairs.

    python ci/bench/startup.py [--pairs 20] [--limit-ms 15] [--no-bytecode]

Both sides run with PYTEST_DISABLE_PLUGIN_AUTOLOAD=1, so that they differ in `-p pytest_rlguard.plugin` and in nothing
else: `-p no:rlguard` would not do, since a blocked plugin's entry point is still read. The order within a pair turns
at each pair. Both sides find their byte code in a cache, as on any machine that has started pytest once; with
`--no-bytecode` the plugin finds none, as under PYTHONDONTWRITEBYTECODE=1, where pytest compiles it and rewrites its
asserts at each start.

It ends with 1 when the median of the in-pair differences reaches the limit, or when importing the plugin brings in a
module that belongs to a run. Wall time decides; processor time is printed beside it, since on a busy machine it is the
steadier of the two.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

HEAVY = ("gymnasium", "hypothesis", "numpy", "pydantic", "scipy", "torch")
PLUGIN = "pytest_rlguard.plugin"
NO_TESTS_COLLECTED = 5


class Cost(NamedTuple):
    """What one start took."""

    wall_sec: float
    cpu_sec: float


def environment(cache: str, *, has_bytecode: bool) -> dict[str, str]:
    """No plugin but the one asked for; byte code in a cache of our own, or none written at all."""
    env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    byte_code = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache}
    return env | (byte_code if has_bytecode else {"PYTHONDONTWRITEBYTECODE": "1"})


def collect_cost(folder: str, env: dict[str, str], *, with_plugin: bool) -> Cost:
    """Time one `pytest --collect-only`."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "--rootdir", folder]
    command += ["-p", PLUGIN] if with_plugin else []
    started, started_sec = children_cpu_sec(), time.perf_counter()
    result = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    cost = Cost(time.perf_counter() - started_sec, children_cpu_sec() - started)
    if result.returncode != NO_TESTS_COLLECTED:
        sys.exit(f"expected exit code {NO_TESTS_COLLECTED} from pytest, got {result.returncode}:\n{result.stderr}")
    return cost


def children_cpu_sec() -> float:
    """Processor time of all children that have ended; os.times() counts in steps of 10 ms."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def collect_pairs(pairs: int, *, has_bytecode: bool) -> tuple[list[Cost], list[Cost]]:
    """Costs without and with the plugin; one unmeasured run of each comes first, for the byte code."""
    without: list[Cost] = []
    with_plugin: list[Cost] = []
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        env = environment(cache, has_bytecode=has_bytecode)
        for pair in range(-1, pairs):
            for is_with in (False, True) if pair % 2 else (True, False):
                cost = collect_cost(folder, env, with_plugin=is_with)
                if pair >= 0:
                    (with_plugin if is_with else without).append(cost)
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
    parser.add_argument("--no-bytecode", action="store_true", help="the plugin is compiled at each start")
    args = parser.parse_args()
    if args.pairs < 1:
        parser.error(f"--pairs must be at least 1, got {args.pairs}")
    heavy = collect_heavy_modules()
    print(
        f"import {PLUGIN}: " + (f"brings in {', '.join(heavy)}: FAIL" if heavy else f"none of {', '.join(HEAVY)}: pass")
    )
    without, with_plugin = collect_pairs(args.pairs, has_bytecode=not args.no_bytecode)
    for name, costs in (("without", without), ("with", with_plugin)):
        wall, cpu = (statistics.median(column) * 1000 for column in zip(*costs, strict=True))
        print(f"{name:>8}: median {wall:7.1f} ms wall, {cpu:7.1f} ms processor")
    wall_ms, cpu_ms = (
        [(b[field] - a[field]) * 1000 for a, b in zip(without, with_plugin, strict=True)] for field in range(2)
    )
    median = statistics.median(wall_ms)
    is_light = median < args.limit_ms
    print(
        f"the plugin costs {median:.1f} ms (median of {len(wall_ms)} in-pair differences, {min(wall_ms):.1f} to"
        f" {max(wall_ms):.1f}; processor {statistics.median(cpu_ms):.1f} ms), limit {args.limit_ms:g} ms:"
        f" {'pass' if is_light else 'FAIL'}"
    )
    return 0 if is_light and not heavy else 1


if __name__ == "__main__":
    sys.exit(main())
