"""`rlguard train`: the command runs only behind gates that passed, and then as if nothing stood before it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_gates import FakeGates, RunCommand

from pytest_rlguard.errors import EnvError
from pytest_rlguard.verdict import Outcome

Launch = Callable[..., subprocess.Popen[str]]

PASSING_GATES = """
import sys
from pytest_rlguard import cli_check
from pytest_rlguard.cli import main
from pytest_rlguard.verdict import Outcome, Report, StageReport, Subject

def check(env, **options):
    return Report(subject=Subject(env=env), outcome=Outcome.PASS, stages=(), rlguard_version="0.1.0")

cli_check.check = check
sys.exit(main(sys.argv[1:]))
"""

WAITING_GATES = """
import sys, threading
from pytest_rlguard import cli_check
from pytest_rlguard.cli import main

def check(env, **options):
    try:
        print("ready", flush=True)
        threading.Event().wait(60)
    finally:
        print("unwound", flush=True)

cli_check.check = check
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """The programs that would have taken our place."""
    programs: list[tuple[str, list[str]]] = []

    def note(program: str, arguments: list[str], _environ: dict[str, str]) -> None:
        programs.append((program, arguments))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", note)
    return programs


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Start a script with arguments in an interpreter of its own; nothing is left of it after the test."""
    with contextlib.ExitStack() as stack:

        def start(script: str, *arguments: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", script, *arguments]
            pipe = subprocess.PIPE
            process = subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def test_the_command_starts_once_the_gates_pass(rlguard: RunCommand, gates: FakeGates, started: list[Any]) -> None:
    with pytest.raises(SystemExit):
        rlguard("train", "--env", "CartPole-v1", "--", sys.executable, "train.py", "--lr", "1")
    assert started == [(sys.executable, [sys.executable, "train.py", "--lr", "1"])]
    assert gates.calls


def test_options_after_the_command_are_the_commands(rlguard: RunCommand, gates: FakeGates, started: list[Any]) -> None:
    with pytest.raises(SystemExit):
        rlguard("train", "--env", "CartPole-v1", sys.executable, "train.py", "--seeds", "3")
    assert started[0][1][1:] == ["train.py", "--seeds", "3"]
    assert gates.calls[0]["seeds"] is None


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(Outcome.FAIL, 1), (Outcome.BLOCKED, 1), (Outcome.INCONCLUSIVE, 3), (Outcome.SKIPPED, 4)],
)
def test_the_command_does_not_start_behind_any_other_outcome(
    rlguard: RunCommand, gates: FakeGates, started: list[Any], outcome: Outcome, code: int
) -> None:
    gates.outcome = outcome
    answer = rlguard("train", "--env", "CartPole-v1", "--", sys.executable)
    assert answer.code == code
    assert answer.err.endswith("the training command was not started\n")
    assert started == []


def test_the_command_does_not_start_when_a_required_stage_showed_nothing(
    rlguard: RunCommand, gates: FakeGates, started: list[Any]
) -> None:
    required = ["--set", "gates.require=[determinism]"]
    assert rlguard("train", "--env", "CartPole-v1", *required, "--", sys.executable).code == 1
    assert started == []
    assert gates.calls


def test_the_command_does_not_start_after_an_error(rlguard: RunCommand, gates: FakeGates, started: list[Any]) -> None:
    gates.error = EnvError("the env raised")
    assert rlguard("train", "--env", "CartPole-v1", "--", sys.executable).code == 2
    assert started == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--env", "A"], "error: Missing argument 'COMMAND...'."),
        (
            ["train", "--env", "A", "--", "no-such-program"],
            "error: there is no program 'no-such-program' to train with",
        ),
        (["train", "--", sys.executable], "error: no env is named"),
    ],
)
def test_wrong_usage_is_refused_before_the_gates(
    rlguard: RunCommand, gates: FakeGates, arguments: list[str], message: str
) -> None:
    answer = rlguard(*arguments)
    assert answer.code == 2
    assert answer.err.splitlines()[0] == message
    assert gates.calls == []


def test_the_exit_code_is_the_commands(launch: Launch) -> None:
    process = launch(PASSING_GATES, "train", "--env", "A", "--", sys.executable, "-c", "raise SystemExit(7)")
    process.communicate(timeout=60)
    assert process.returncode == 7


def test_the_report_stands_before_the_commands_output(launch: Launch) -> None:
    process = launch(PASSING_GATES, "train", "--env", "A", "-q", "--", sys.executable, "-c", "print('training')")
    out, err = process.communicate(timeout=60)
    assert out.endswith("pass: no rule ran\ntraining\n")
    assert err == ""


def test_signals_reach_the_command_and_none_is_left_ignored(launch: Launch) -> None:
    report = "import os, signal; print(os.getpid(), signal.getsignal(signal.SIGTERM).name, flush=True); signal.pause()"
    process = launch(PASSING_GATES, "train", "--env", "A", "-q", "--", sys.executable, "-c", report)
    assert process.stdout is not None
    last = next(line for line in process.stdout if "SIG" in line)
    assert last.split() == [str(process.pid), "SIG_DFL"]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_the_gates_unwinds_them_and_starts_nothing(
    launch: Launch, number: signal.Signals, code: int
) -> None:
    process = launch(WAITING_GATES, "train", "--env", "A", "--", sys.executable, "-c", "print('training')")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == "unwound\n"
    assert "Traceback" not in err
