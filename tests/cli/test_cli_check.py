"""`rlguard check`: what reaches the gates, what is written, and the exit code for each outcome."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_gates import FakeGates, RunCommand

from pytest_rlguard import __version__
from pytest_rlguard.errors import EnvError, PolicyError, TargetError
from pytest_rlguard.report.json_report import load_json
from pytest_rlguard.verdict import Outcome

ROOT = "distributed_rl_pipeline:\n"


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.PASS, 0),
        (Outcome.FAIL, 1),
        (Outcome.BLOCKED, 1),
        (Outcome.INCONCLUSIVE, 3),
        (Outcome.SKIPPED, 4),
    ],
)
def test_the_exit_code_is_the_outcome(rlguard: RunCommand, gates: FakeGates, outcome: Outcome, code: int) -> None:
    gates.outcome = outcome
    assert rlguard("check", "CartPole-v1").code == code


def test_the_report_is_printed_on_stdout_and_nothing_else_is(rlguard: RunCommand, gates: FakeGates) -> None:
    answer = rlguard("check", "CartPole-v1")
    assert answer.out.startswith("rlguard 0.1.0 · CartPole-v1 · policy random · pool local\n")
    assert answer.out.endswith("pass: 1 passed\n")
    assert answer.err == ""
    assert len(gates.calls) == 1


def test_flags_reach_the_gates(rlguard: RunCommand, gates: FakeGates) -> None:
    flags = ["--policy", "my:policy", "--workers", "3", "--seeds", "standard", "--set", "gates.root_seed=7"]
    assert rlguard("check", "CartPole-v1", "--stages", "determinism, contract", *flags).code == 0
    (call,) = gates.calls
    assert call["config"].config.gates.root_seed == 7
    assert {key: call[key] for key in ("env", "policy", "workers", "stages", "seeds")} == {
        "env": "CartPole-v1",
        "policy": "my:policy",
        "workers": 3,
        "stages": ["determinism", "contract"],
        "seeds": "standard",
    }


def test_what_no_flag_says_is_left_to_the_configuration(rlguard: RunCommand, gates: FakeGates, tmp_path: Path) -> None:
    file = tmp_path / "rlguard.yaml"
    file.write_text(f"{ROOT}  env: {{target: Reacher-v5}}\n  report: {{junit: {tmp_path}/report.xml}}\n")
    assert rlguard("check", "--config", str(file)).code == 0
    (call,) = gates.calls
    assert call["env"] == "Reacher-v5"
    assert [call[key] for key in ("policy", "workers", "stages", "seeds")] == [None] * 4
    assert (tmp_path / "report.xml").read_text().startswith("<?xml")


def test_the_env_on_the_command_line_wins_over_the_file(rlguard: RunCommand, gates: FakeGates, tmp_path: Path) -> None:
    file = tmp_path / "rlguard.yaml"
    file.write_text(f"{ROOT}  env: {{target: Reacher-v5}}\n")
    rlguard("check", "CartPole-v1", "--config", str(file))
    rlguard("check", "--env", "Ant-v5", "--config", str(file))
    assert [call["env"] for call in gates.calls] == ["CartPole-v1", "Ant-v5"]


def test_the_reports_are_written_where_the_flags_say(rlguard: RunCommand, gates: FakeGates, tmp_path: Path) -> None:
    gates.outcome = Outcome.FAIL
    json_file, junit_file = tmp_path / "report.json", tmp_path / "report.xml"
    assert rlguard("check", "CartPole-v1", "--json", str(json_file), "--junit", str(junit_file)).code == 1
    assert load_json(json_file).outcome is Outcome.FAIL
    assert 'failures="1"' in junit_file.read_text()


@pytest.mark.parametrize("name", ["none/report.json", "."])
def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    rlguard: RunCommand, gates: FakeGates, tmp_path: Path, name: str
) -> None:
    answer = rlguard("check", "CartPole-v1", "--json", str(tmp_path / name))
    assert answer.code == 2
    assert "error: cannot write the report to" in answer.err
    assert gates.calls == []


def test_a_required_stage_that_showed_nothing_fails_the_run(rlguard: RunCommand, gates: FakeGates) -> None:
    answer = rlguard("check", "CartPole-v1", "--set", "gates.require=[contract, chaos]")
    assert answer.code == 1
    assert answer.err == "required by gates.require, and showed nothing: chaos\n"
    assert gates.calls


def test_quiet_and_verbose(rlguard: RunCommand, gates: FakeGates) -> None:
    assert "OBS101" not in rlguard("check", "CartPole-v1", "-q").out
    assert "OBS101" in rlguard("check", "CartPole-v1", "-qv").out
    assert len(gates.calls) == 2


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "", "TERM": "xterm"}])
def test_colours_are_for_terminals_that_want_them(
    rlguard: RunCommand,
    gates: FakeGates,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert ("\x1b[" in rlguard("check", "CartPole-v1").out) is (environment.get("TERM") == "xterm")
    assert gates.calls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "error: no env is named\nname one: rlguard check CartPole-v1, --env, or env.target in the file\n"),
        (["check", "A", "--env", "B"], "error: the env is named twice: A and --env B\nname it once\n"),
        (
            ["check", "A", "--polcy", "x"],
            "error: No such option '--polcy'. Did you mean '--policy'?\nsee `rlguard check --help`\n",
        ),
        (["check", "A", "--stages", "contrac"], "error: there is no stage 'contrac'\ndid you mean 'contract'?\n"),
        (["check", "A", "--set", "gates.sed=3"], "error: --set gates.sed: unknown key; did you mean 'seeds'?\n"),
        (["check", "A", "--config", "none.yaml"], "No such file or directory\nname a YAML file\n"),
    ],
)
def test_wrong_usage_is_two_lines_and_exit_code_2(
    rlguard: RunCommand, gates: FakeGates, arguments: list[str], message: str
) -> None:
    answer = rlguard(*arguments)
    assert answer.code == 2
    assert answer.err.endswith(message)
    assert answer.out == ""
    assert gates.calls == []


@pytest.mark.parametrize("arguments", [["check", "A", "--workers", "0"], ["check", "A", "--seeds", "few"], ["chek"]])
def test_wrong_values_and_commands_are_refused(rlguard: RunCommand, arguments: list[str]) -> None:
    answer = rlguard(*arguments)
    assert answer.code == 2
    assert answer.err.startswith("error: ")
    assert len(answer.err.splitlines()) == 2


@pytest.mark.parametrize("kind", [EnvError, PolicyError, TargetError])
def test_a_users_mistake_shows_their_traceback_and_not_ours(
    rlguard: RunCommand, gates: FakeGates, kind: type[EnvError]
) -> None:
    theirs = 'Traceback (most recent call last):\n  File "my_env.py", line 3\nValueError: no joint\n'
    gates.error = kind("the env raised in reset", advice="mend it", user_traceback=theirs)
    answer = rlguard("check", "my_env:make")
    assert answer.code == 2
    assert answer.err == f"error: the env raised in reset\nmend it\n\n{theirs}"


def test_an_interrupt_is_130(rlguard: RunCommand, gates: FakeGates) -> None:
    gates.error = KeyboardInterrupt()
    answer = rlguard("check", "CartPole-v1")
    assert answer.code == 130
    assert answer.err.strip() == "interrupted"


def test_a_bug_of_ours_is_no_error_of_the_users(rlguard: RunCommand, gates: FakeGates) -> None:
    gates.error = ZeroDivisionError("ours")
    with pytest.raises(ZeroDivisionError):
        rlguard("check", "CartPole-v1")


def test_the_version(rlguard: RunCommand) -> None:
    assert rlguard("--version").out == f"rlguard {__version__}\n"


def test_no_command_at_all_shows_the_help(rlguard: RunCommand) -> None:
    answer = rlguard()
    assert answer.code == 2
    assert "Usage: rlguard" in answer.err
