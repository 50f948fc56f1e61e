"""pytest-rlguard: prove that a distributed reinforcement-learning pipeline is sound before it is scaled.

The public names, each imported on first use (PEP 562), so that pytest's start pays for none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_rlguard.records import Episode as Episode
    from pytest_rlguard.records import EpisodeSpec as EpisodeSpec
    from pytest_rlguard.rollouts import open_pool as open_pool
    from pytest_rlguard.rollouts import run_episodes as run_episodes
    from pytest_rlguard.stages import check as check
    from pytest_rlguard.verdict import Outcome as Outcome
    from pytest_rlguard.verdict import Report as Report
    from pytest_rlguard.verdict import Verdict as Verdict

__version__ = "0.1.0"

_HOMES = {
    "Episode": "records",
    "EpisodeSpec": "records",
    "Outcome": "verdict",
    "Report": "verdict",
    "Verdict": "verdict",
    "check": "stages",
    "open_pool": "rollouts",
    "run_episodes": "rollouts",
}

__all__ = ["Episode", "EpisodeSpec", "Outcome", "Report", "Verdict", "check", "open_pool", "run_episodes"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
