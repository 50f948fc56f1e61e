"""A folder of a user's own code, and the command line run in it, with a look at what it leaves running."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from target_helpers import Answer, RunCommand, find_running


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
        assert find_running(mark) == []
        return Answer(done.returncode, done.stdout, done.stderr)

    return run
