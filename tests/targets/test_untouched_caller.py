"""`check()` in a process of the user's leaves that process as it was: the env and its module live in workers only."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from pytest_rlguard import check
from pytest_rlguard.config import Config
from pytest_rlguard.errors import EnvError
from pytest_rlguard.verdict import Outcome


def describe_process() -> dict[str, object]:
    """All that user code could notice of what a library has done to its process."""
    torch = sys.modules.get("torch")
    return {
        "current folder": Path.cwd(),
        "environment": dict(os.environ),
        "filters": list(warnings.filters),
        "handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "main": sys.modules["__main__"],
        "numpy": str(np.random.get_state()),  # noqa: NPY002 - the global state is the subject
        "random": random.getstate(),
        "registry": sorted(gymnasium.registry),
        "search path": list(sys.path),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "threads": threading.active_count(),
        "torch": torch.get_rng_state().tolist() if torch else None,
        "arguments": list(sys.argv),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
    }


@pytest.mark.parametrize("env", ["own_sim:Flaky", "own_sim.py:Flaky"])
@pytest.mark.usefixtures("folder")
def test_a_check_that_fails_leaves_the_caller_as_it_was(env: str) -> None:
    modules, before = set(sys.modules), describe_process()
    report = check(env, stages=["determinism"], config=Config(), workers=2)
    assert report.outcome is Outcome.FAIL
    assert "FLAKY" not in report.stages[0].verdicts[0].reproducer
    assert describe_process() == before
    assert [name for name in set(sys.modules) - modules if "own_sim" in name] == []


@pytest.mark.usefixtures("folder")
def test_a_check_that_is_refused_leaves_the_caller_as_it_was() -> None:
    before = describe_process()
    with pytest.raises(EnvError):
        check("own_sim:Raises", policy="own_sim:go_right", config=Config(), workers=1)
    assert describe_process() == before
