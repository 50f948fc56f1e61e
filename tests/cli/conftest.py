"""The command line in this process, and gates that answer what the test says."""

from __future__ import annotations

import pytest
from fake_gates import Answer, FakeGates, RunCommand

from pytest_rlguard import cli_check
from pytest_rlguard.cli import main


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> FakeGates:
    """The gates, answered for; a test sets the outcome."""
    fake = FakeGates()
    monkeypatch.setattr(cli_check, "check", fake)
    return fake


@pytest.fixture
def rlguard(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Run `rlguard` with these arguments."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> Answer:
        code = main(arguments)
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run
