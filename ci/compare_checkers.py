"""The verdicts of gymnasium's `check_env` and of rlguard, side by side, on the planted defects that the former passes.

Usage, from the repository's root: python ci/compare_checkers.py
"""

from __future__ import annotations

import sys
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gymnasium.utils.env_checker import check_env

from pytest_rlguard import check
from pytest_rlguard.targets import resolve_env
from pytest_rlguard.verdict import Outcome

FIXTURES = Path("fixtures")
DEFECTS = {
    "noise only after step 5": "DET201/faulty.py",
    "NaN reward late in the episode": "REW121/faulty.py",
    "shape change after step 5": "peers/obs_shrinks_late.py",
    "shape that depends on the seed": "peers/shape_depends_on_seed.py",
    "space that depends on the instance count": "OBS103/faulty.py",
    "reset that depends on the hash seed": "DET202/faulty.py",
}


def main() -> int:
    """Print the table; exit code 1 if rlguard finds nothing somewhere, or check_env finds something."""
    print(f"{'planted defect':<42}{'check_env':<12}rlguard")
    surprises = 0
    for defect, path in DEFECTS.items():
        target = str(FIXTURES / path)
        gymnasium_says, found = ask_gymnasium(resolve_env(target)), ask_rlguard(target)
        surprises += gymnasium_says != "passes" or not found
        print(f"{defect:<42}{gymnasium_says:<12}{found or 'passes'}")
    return 1 if surprises else 0


def ask_gymnasium(make_env: Callable[[], Any]) -> str:
    """`passes`, or what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check_env(make_env(), skip_render_check=True)
        except Exception as error:  # noqa: BLE001 - its objection, whatever it is
            return type(error).__name__
    return "passes"


def ask_rlguard(target: str) -> str:
    """The code of the first finding, and where it was seen; empty if there is none."""
    for stage in check(target).stages:
        for verdict in stage.verdicts:
            if verdict.outcome is Outcome.FAIL:
                return f"{verdict.rule}  {textwrap.shorten(verdict.sentence, 56, placeholder=' …')}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
