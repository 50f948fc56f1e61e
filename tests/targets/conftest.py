"""A folder of a user's own code, and the command line run in it, with a look at what it leaves running."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

_ENDS_SEC = 10.0


@dataclass(frozen=True)
class Answer:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str


RunCommand = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with `own_sim.py` in it; nothing of the tests is importable by that name."""
    shutil.copy(Path(__file__).with_name("my_sim.py"), tmp_path / "own_sim.py")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rlguard(folder: Path) -> RunCommand:
    """Run `rlguard check` in the folder; no process that it started may outlive it."""

    def run(*arguments: str) -> Answer:
        mark = uuid.uuid4().hex
        command = [sys.executable, "-m", "pytest_rlguard", "check", *arguments, "--workers", "2"]
        environ = {**os.environ, "RLGUARD_TEST_MARK": mark, "COLUMNS": "100"}
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        left = [process for process in psutil.process_iter() if mark in _environ(process).values()]
        _, alive = psutil.wait_procs(left, timeout=_ENDS_SEC)
        assert alive == []
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


def _environ(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
