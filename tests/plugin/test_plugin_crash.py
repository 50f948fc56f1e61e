"""A test that kills its xdist worker counts once, is never run again, and blocks the later stages."""

from __future__ import annotations

import pytest

SUITE = """
    import os
    import signal
    import pytest

    def maybe_die(name):
        if name == {deadly!r}:
            os.kill(os.getpid(), signal.SIGKILL)

    @pytest.mark.rl_stage("contract")
    @pytest.mark.parametrize("i", range(5))
    def test_gate(i, request): maybe_die(request.node.name)

    @pytest.mark.rl_stage("chaos")
    def test_late(): pass

    @pytest.mark.parametrize("i", range(3))
    def test_plain(i, request): maybe_die(request.node.name)
"""


@pytest.mark.parametrize(
    ("mode", "deadly"),
    [
        ("-n2", "test_gate[0]"),
        ("-n2 --dist loadfile", "test_gate[2]"),
        ("-n2 --dist loadscope", "test_gate[4]"),
        ("-n1", "test_gate[4]"),
    ],
)
def test_a_killed_worker_is_one_failure(gated, assert_order, mode, deadly):
    gated.write(test_crash=SUITE.format(deadly=deadly))
    result = gated.run(*mode.split())

    result.assert_outcomes(passed=7, failed=1, skipped=1)
    assert f"crashed while running 'test_crash.py::{deadly}'" in result.stdout.str()
    assert gated.junit()["test_late"] == f"blocked by contract/{deadly}"
    assert gated.begun().count(deadly) == 1
    assert len(gated.begun("contract")) == 5
    assert gated.begun("chaos") == []
    assert gated.stages(result) == {"contract": "FAIL", "chaos": "blocked", "total": "FAIL"}


def test_a_killed_worker_that_is_not_replaced(gated):
    gated.write(test_crash=SUITE.format(deadly="test_gate[0]"))
    result = gated.run("-n1", "--max-worker-restart=0")

    result.assert_outcomes(passed=3, failed=1, skipped=5)
    junit = gated.junit()
    assert junit["test_late"] == "blocked by contract/test_gate[0]"
    assert junit["test_gate[3]"] == "not run: the session ended early"
    assert gated.stages(result)["total"] == "FAIL"


def test_a_crash_outside_the_stages_blocks_nothing(gated):
    gated.write(test_crash=SUITE.format(deadly="test_plain[1]"))
    result = gated.run("-n2")

    result.assert_outcomes(passed=8, failed=1)
    assert gated.stages(result)["total"] == "pass"


def test_a_plugin_that_reruns_crashed_tests_does_not_rerun_gates(gated):
    gated.write(test_crash=SUITE.format(deadly="test_gate[1]"))
    gated.pytester.makepyfile(
        rerunner="""
        def pytest_handlecrashitem(crashitem, report, sched):
            assert sched.config is not None  # where pytest-rerunfailures keeps its records
            sched.mark_test_pending(crashitem)
            report.outcome = "rerun"
    """
    )
    gated.run("-n2", "-p", "rerunner").assert_outcomes(passed=7, failed=1, skipped=1)

    assert gated.begun().count("test_gate[1]") == 1


def test_a_test_that_passed_when_it_was_rerun_is_one_passed_test(gated):
    """The reports are those of pytest-rerunfailures 16."""
    gated.write(
        test_flaky="""
        import pytest

        @pytest.mark.rl_stage("contract")
        def test_flaky(): pass
    """
    )
    gated.pytester.makepyfile(
        rerunner="""
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            for attempt in range(2):
                for report in runtestprotocol(item, nextitem=nextitem, log=False):
                    if attempt == 0 and report.when == "call":
                        report.outcome = "rerun"
                    item.ihook.pytest_runtest_logreport(report=report)
            return True
    """
    )
    gated.run("-n1", "-p", "rerunner").stdout.fnmatch_lines(["contract *pass *1 passed", "total: pass"])


def test_a_plugin_that_reruns_crashed_tests_may_rerun_others(gated):
    gated.write(
        test_crash=SUITE.format(deadly="test_plain[1]").replace(
            "if name ==", "if 'rerun' not in os.listdir() and name =="
        )
    )
    gated.pytester.makepyfile(
        rerunner="""
        import pathlib

        def pytest_handlecrashitem(crashitem, report, sched):
            pathlib.Path("rerun").touch()
            sched.mark_test_pending(crashitem)
            report.outcome = "rerun"
    """
    )
    result = gated.run("-n2", "-p", "rerunner")

    assert result.parseoutcomes()["passed"] == 9
    assert gated.begun().count("test_plain[1]") == 2
