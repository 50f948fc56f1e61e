"""False alarms of the gates over healthy envs, third-party ones and our twins: many runs, each with its own root seed.

Prints one line an env and a total; exit code 1 if any run found anything. Usage: false_alarms.py [--runs 1000]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from pytest_rlguard.config import load_config
from pytest_rlguard.stages import check
from pytest_rlguard.verdict import Outcome

FIXTURES = Path(__file__).parents[2] / "fixtures"
THIRD_PARTY = ("CartPole-v1", "FrozenLake-v1", "Blackjack-v1", "InvertedPendulum-v5", "Taxi-v4")


def main() -> int:
    """Run the gates `--runs` times, spread over the healthy envs, and count what they found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--stages", default="determinism")
    parser.add_argument("--root-seed", type=int, default=1)
    options = parser.parse_args()
    alarms: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    started = time.perf_counter()
    envs = [*THIRD_PARTY, *(str(path) for path in sorted(FIXTURES.glob("*/healthy.py")))]
    for number in range(options.runs):
        env = envs[number % len(envs)]
        runs[env] += 1
        for finding in _find(env, options.root_seed + number, options.stages.split(",")):
            alarms[env] += 1
            print(f"{env}, root seed {options.root_seed + number}: {finding}", flush=True)
    for env, count in runs.items():
        print(f"{env.removeprefix(str(FIXTURES)):<28}{count:>6} runs {alarms[env]:>4} alarms")
    print(f"total {sum(runs.values())} runs, {sum(alarms.values())} alarms, {time.perf_counter() - started:.0f} s")
    return 1 if alarms else 0


def _find(env: str, root_seed: int, stages: list[str]) -> list[str]:
    config = load_config(None, overrides=[f"gates.root_seed={root_seed}"])
    report = check(env, stages=stages, config=config)
    bad = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.BLOCKED)
    return [
        f"{v.rule} {v.outcome}: {v.sentence}" for stage in report.stages for v in stage.verdicts if v.outcome in bad
    ]


if __name__ == "__main__":
    sys.exit(main())
