"""The shipped gates as tests: what they are run on, how their verdicts end, and where the report goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import pytest_rlguard
import pytest_rlguard.plugin.gate  # with numpy, which pytest in this process could not load again
from pytest_rlguard.report.json_report import load_json
from pytest_rlguard.verdict import Outcome

SUITE = ("--pyargs", "pytest_rlguard.gatesuite")
FAKES = '''
    """Verdicts from the environment instead of from an env; what the gates were given is written down."""
    import contextlib
    import dataclasses
    import json
    import pathlib
    import pytest

    VERDICTS = {verdicts!r}

    @pytest.fixture(autouse=True, scope="session")
    def fake_stages():
        from types import SimpleNamespace
        from pytest_rlguard.errors import TargetError
        from pytest_rlguard.plugin import gate
        from pytest_rlguard.stages import STAGE_TABLE
        from pytest_rlguard.verdict import Outcome, Severity, StageReport, Subject, Verdict

        @contextlib.contextmanager
        def open_context(env, **settings):
            if env == "broken":
                raise TargetError("there is no env 'broken'", advice="Mend it.", user_traceback="Traceback: theirs")
            with pathlib.Path({folder!r}, "given.txt").open("a") as file:
                print(env, settings["policy"], settings["workers"], file=file)
            yield SimpleNamespace(subject=Subject(env=str(env)))

        def run_stage(stage, context):
            made = [Verdict(**{{"rule": code, "outcome": Outcome.PASS, "sentence": f"{{code}} holds"}} |
                    {{k: Severity(v) if k == "severity" else Outcome(v) if k == "outcome" else v
                     for k, v in VERDICTS.get(code, {{}}).items()}}) for code in STAGE_TABLE[stage].rules]
            return StageReport(name=stage, outcome=Outcome.PASS, verdicts=tuple(v for v in made if v.sentence))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gate, "open_context", open_context)
            patch.setattr(gate, "run_stage", run_stage)
            yield
'''


@pytest.fixture
def suite(gated):
    def write(override="", *, folder="", **verdicts):
        source = FAKES.format(verdicts=verdicts, folder=str(gated.pytester.path))
        place = gated.pytester.path / folder
        place.mkdir(exist_ok=True)
        (place / "conftest.py").write_text("\n".join(line[4:] for line in source.splitlines()) + "\n" + override)
        return gated

    return write


def given(gated):
    return (gated.pytester.path / "given.txt").read_text().splitlines()


@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_every_rule_ends_as_its_verdict_says(suite, mode):
    gated = suite(
        OBS101={"outcome": "fail", "sentence": "too large", "advice": "Clip it.", "reproducer": "import gymnasium"},
        OBS102={"outcome": "inconclusive", "sentence": "who knows"},
        OBS103={"outcome": "skipped", "sentence": "nothing to see"},
        ENV090={"outcome": "fail", "severity": "warning", "sentence": "a remark"},
        ENV091={"outcome": "fail", "sentence": "hangs", "waiver": "known since May"},
        ACT111={"sentence": ""},
    )
    result = gated.run(mode, *SUITE, "--rlguard-env", "Some-v1", "--rlguard-json", "report.json")

    ends = gated.junit()
    assert {code for code, end in ends.items() if end == "failure"} == {
        f"test_contract[{code}]" for code in ("OBS101", "OBS102", "ACT111")
    }
    assert ends["test_contract[OBS103]"] == "nothing to see"
    assert ends["test_contract[ENV090]"] == ends["test_contract[ENV091]"] == "passed"
    assert ends["test_determinism[DET201]"] == "blocked by contract/OBS101"
    result.stdout.fnmatch_lines(
        [
            "contract/OBS101 fail: too large",
            "What to do: Clip it.",
            "*import gymnasium",
            "contract/ACT111 was not judged*",
            "contract *FAIL *3 failed, 7 passed, 1 skipped",
            "determinism*blocked *10 blocked; blocked by contract/OBS101",
            "warning contract/ENV090: a remark",
            "waived contract/ENV091: hangs (known since May)",
            "total: FAIL",
        ]
    )
    report = load_json(gated.pytester.path / "report.json")
    assert "Some-v1" in report.subject.env
    assert [stage.outcome for stage in report.stages] == [Outcome.FAIL, Outcome.BLOCKED]
    assert [verdict.rule for verdict in report.stages[0].verdicts][:4] == ["ENV090", "ENV091", "ENV092", "OBS101"]
    assert report.stages[0].verdicts[3].reproducer == "import gymnasium"
    assert {verdict.outcome for verdict in report.stages[1].verdicts} == {Outcome.BLOCKED}
    assert len(given(gated)) == 1


OVERRIDE = """
@pytest.fixture
def rl_env_factory():
    return "theirs"

@pytest.fixture(scope="session")
def rl_policy():
    return "their policy"
"""


@pytest.mark.parametrize(("folder", "mode"), [("", "-n0"), ("tests", "-n0"), ("tests", "-n2")])
def test_fixtures_of_the_project_are_what_is_tested(suite, folder, mode):
    gated = suite(OVERRIDE, folder=folder)
    gated.run(mode, *SUITE, "--rlguard-workers", "3").assert_outcomes(passed=21)

    assert given(gated) == ["theirs their policy 3"] * 2


def test_gates_installed_inside_the_project_see_its_fixtures(suite, monkeypatch):
    """As in a project with its virtual environment in it."""
    gated = suite(OVERRIDE, folder="tests")
    site = gated.pytester.path / ".venv" / "site-packages"
    shutil.copytree(
        Path(pytest_rlguard.__file__).parent, site / "pytest_rlguard", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    result = gated.run("-n1", *SUITE, "--rlguard-stages", "contract")

    result.assert_outcomes(passed=11, deselected=0)
    assert given(gated)[0].startswith("theirs")


def test_a_module_of_the_project_may_take_a_gate_over(suite):
    gated = suite(OVERRIDE)
    gated.pytester.makepyfile(test_ours="from pytest_rlguard.gatesuite.test_contract import *")
    gated.run("-n0").assert_outcomes(passed=11)


def test_two_folders_that_override_the_same_fixture_are_refused(suite):
    gated = suite(OVERRIDE, folder="tests")
    suite(OVERRIDE, folder="test_other")
    result = gated.run("-n0", *SUITE)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *both override rl_env_factory for the shipped gates"])


@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_gates_without_an_env_are_a_usage_error(gated, mode):
    result = gated.run(mode, *SUITE)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: the shipped gates need an env, and none is named", "Give --rlguard-env*"])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rlguard-stages", "kontract"), "ERROR: there is no stage 'kontract'"),
        (("--rlguard-stages", "train"), "ERROR: stage 'train' has no gates in this version"),
        (("--rlguard-json", "nowhere/report.json"), "ERROR: cannot write the report to *"),
        (("--rlguard-config", "wrong.yaml"), "ERROR: *wrong.yaml:1: gates.sed*did you mean 'seeds'?"),
        (("--rlguard-workers", "0"), "*--rlguard-workers: expected a whole number from 1, got '0'"),
        (("--rlguard-seeds", "many"), "*--rlguard-seeds: invalid choice: 'many'*"),
    ],
)
def test_a_wrong_setting_is_a_usage_error(gated, options, message):
    (gated.pytester.path / "wrong.yaml").write_text("distributed_rl_pipeline: {gates: {sed: quick}}\n")
    result = gated.run("-n0", *SUITE, "--rlguard-env", "CartPole-v1", *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert "Traceback" not in result.stderr.str()


def test_a_gate_that_cannot_start_fails_once_without_our_traceback(suite):
    gated = suite(OVERRIDE.replace('"theirs"', '"broken"'))
    result = gated.run("-n0", *SUITE)

    result.assert_outcomes(failed=1, skipped=20)
    result.stdout.fnmatch_lines(["there is no env 'broken'", "Mend it.", "Traceback: theirs"])
    assert gated.junit()["test_contract[OBS101]"].startswith("not judged: contract/ENV090")
    assert gated.junit()["test_determinism[DET201]"] == "blocked by contract/ENV090"
    assert "During handling" not in result.stdout.str()
    assert "shown_short" not in result.stdout.str()


def test_tests_of_the_project_and_shipped_gates_share_the_stages(suite):
    gated = suite(OVERRIDE, DET205={"outcome": "fail", "sentence": "differs"})
    gated.pytester.makepyfile(
        test_ours="""
        import pytest

        @pytest.mark.rl_stage("contract")
        def test_first(): pass

        @pytest.mark.rl_stage("train")
        def test_learns(): pass
    """
    )
    result = gated.run("-n0", *SUITE, "test_ours.py")

    assert gated.junit()["test_learns"] == "blocked by determinism/DET205"
    assert gated.stages(result) == {"contract": "pass", "determinism": "FAIL", "train": "blocked", "total": "FAIL"}


def test_a_report_is_written_though_nothing_ran(gated):
    stale = gated.pytester.path / "report.json"
    stale.write_text("{}")
    gated.pytester.makepyfile("def test_plain(): pass")
    gated.run("-n0", "--rlguard-json", "report.json").assert_outcomes(passed=1)

    assert json.loads(stale.read_text())["outcome"] == "skipped"


def test_on_a_real_env(gated):
    """The one test here that runs the gates in earnest."""
    result = gated.run("-n2", *SUITE, "--rlguard-env", "CartPole-v1", "--rlguard-json", "report.json")

    result.assert_outcomes(passed=21)
    report = load_json(gated.pytester.path / "report.json")
    assert report.outcome is Outcome.PASS
    assert report.subject.env == "CartPole-v1"
