"""Order and blocking hold under every way to select tests and to end a session early."""

from __future__ import annotations

import pytest

SUITE = """
    import os
    import pytest

    @pytest.mark.rl_stage("contract")
    @pytest.mark.parametrize("i", range(2))
    def test_gate(i): assert i or os.path.exists("mended")

    @pytest.mark.rl_stage("chaos")
    def test_chaos(): assert os.path.exists("mended")

    @pytest.mark.rl_stage("train")
    def test_train(): pass
"""


@pytest.fixture
def suite(gated):
    gated.write(test_suite=SUITE)
    return gated


@pytest.mark.parametrize("workers", [0, 2])
def test_stopping_at_the_first_failure_still_names_what_it_blocks(suite, workers):
    result = suite.run(f"-n{workers}", "-x")

    assert suite.begun("chaos", "train") == []
    assert suite.junit()["test_chaos"] == "blocked by contract/test_gate[0]"
    assert suite.stages(result)["total"] == "FAIL"
    assert "INTERNALERROR" not in result.stdout.str()


def test_maxfail_leaves_the_rest_of_the_stage_not_run(suite):
    result = suite.run("-n0", "--maxfail=1")

    assert suite.junit()["test_gate[1]"] == "not run: the session ended early"
    assert suite.stages(result)["contract"] == "FAIL"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stage_that_was_deselected_is_not_passed(suite, workers):
    result = suite.run(f"-n{workers}", "-k", "train")

    result.assert_outcomes(passed=1, deselected=3 if workers == 0 else 0)
    assert suite.stages(result) == {
        "contract": "skipped",
        "chaos": "skipped",
        "train": "pass",
        "total": "incomplete",
    }
    result.stdout.fnmatch_lines(["contract *nothing ran; not run: its tests were deselected"])


def test_a_stage_of_which_a_part_was_deselected_is_not_passed(suite):
    result = suite.run("-n0", "--deselect", "test_suite.py::test_gate[0]", "--deselect", "test_suite.py::test_chaos")

    assert suite.stages(result) == {
        "contract": "inconclusive",
        "chaos": "skipped",
        "train": "pass",
        "total": "incomplete",
    }


def test_an_expression_that_matches_nothing_is_as_without_us(suite):
    result = suite.run("-n0", "-k", "nothing")

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "rlguard stages" not in result.stdout.str()


def test_collecting_alone_shows_the_order_and_no_plan(suite):
    result = suite.run("-n2", "--co", "-q")

    result.stdout.fnmatch_lines(["*test_gate*0*", "*test_gate*1*", "*test_chaos", "*test_train"])
    assert "rlguard" not in result.stdout.str().replace(str(suite.pytester.path), "")


@pytest.mark.parametrize("workers", [0, 2])
def test_last_failed_does_not_forget_what_was_blocked(suite, workers):
    mended = suite.pytester.path / "mended"
    suite.run("-n0", "-k", "chaos")  # fails for itself
    suite.run(f"-n{workers}")  # is blocked
    result = suite.run(f"-n{workers}", "--lf")
    assert suite.junit()["test_chaos"] == "blocked by contract/test_gate[0]"

    mended.touch()
    result = suite.run(f"-n{workers}", "--lf")
    assert suite.begun() == ["test_gate[0]", "test_chaos"]
    assert suite.stages(result)["total"] == "incomplete"


def test_duplicate_node_ids_are_counted_each(gated):
    gated.write(
        test_twice="""
        import pytest

        @pytest.mark.rl_stage("contract")
        def test_gate(): pass
    """
    )
    for workers in (0, 2):
        result = gated.pytester.runpytest_subprocess(
            f"-n{workers}", "--keep-duplicates", "test_twice.py", "test_twice.py"
        )
        result.stdout.fnmatch_lines(["contract *pass *2 passed"])


@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_an_unknown_stage_is_a_short_usage_error(gated, children_left, mode):
    gated.write(
        test_typo="""
        import pytest

        @pytest.mark.rl_stage("kaos")
        def test_gate(): pass
    """
    )
    result = gated.run(mode)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: test_typo.py::test_gate: there is no stage 'kaos'", "did you mean 'chaos'?"])
    output = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    assert gated.begun() == []
    if mode != "-n0":
        assert children_left() == []


@pytest.mark.parametrize("call", ["rl_stage", "rl_stage()", "rl_stage('chaos', alon=True)", "rl_stage(3)"])
def test_a_marker_without_a_stage_says_what_to_write(gated, call):
    gated.write(test_typo=f"import pytest\n@pytest.mark.{call}\ndef test_gate(): pass\n")
    result = gated.run("-n0")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len(result.stderr.lines) <= 3
    assert "rl_stage" in result.stderr.str()


def test_running_every_test_on_every_worker_is_refused(suite, children_left):
    result = suite.run("-n2", "--dist", "each")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --dist each runs every gate on every worker*", "use --dist load"])
    assert children_left() == []


@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_a_module_that_cannot_be_collected_stops_the_gates(suite, mode):
    suite.pytester.makepyfile(test_broken="import does_not_exist")
    result = suite.run(mode)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert suite.begun() == []
    result = suite.run(mode, "--continue-on-collection-errors", "-k", "train or broken")
    assert suite.begun() == ["test_train"]
    assert suite.stages(result)["total"] == "incomplete"


@pytest.mark.parametrize("marked", ["gw0", "gw1"])
def test_workers_that_disagree_on_the_stages_run_nothing(gated, marked):
    gated.write(
        test_odd=f"""
        import os
        import time
        import pytest

        if os.environ["PYTEST_XDIST_WORKER"] == "gw1":
            time.sleep(0.3)
        if os.environ["PYTEST_XDIST_WORKER"] == {marked!r}:
            pytestmark = pytest.mark.rl_stage("contract")

        def test_it(): pass
    """
    )
    result = gated.run("-n2")

    result.stdout.fnmatch_lines(["Different tests were collected between gw? and gw?*"])
    assert gated.begun() == []
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_markers_are_registered(suite):
    suite.run("-n0", "--strict-markers").assert_outcomes(failed=1, passed=1, skipped=2)
    suite.pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.rl_stage(name*", "@pytest.mark.rl_env(*"]
    )


def test_works_without_bytecode_and_without_a_cache(suite, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    suite.run("-n2", "-p", "no:cacheprovider").assert_outcomes(failed=1, passed=1, skipped=2)


def test_a_numpy_scalar_as_property_does_not_end_the_session(gated):
    gated.write(
        test_numbers="""
        import numpy
        import pytest

        @pytest.mark.rl_stage("contract")
        def test_gate(record_property): record_property("gap", numpy.float32(0.5))
    """
    )
    gated.run("-n1").assert_outcomes(passed=1)
    assert 'name="gap" value="0.5"' in (gated.pytester.path / "junit.xml").read_text()
