"""Stages run in gate order and block each other, bare and under every way to distribute."""

from __future__ import annotations

import pytest

MODES = (
    "-p no:xdist",
    "-n0",
    "-n1",
    "-n2 --dist load",
    "-n2 --dist loadscope",
    "-n2 --dist loadfile",
    "-n2 --dist loadgroup",
    "-n2 --dist worksteal",
    "-n4",
)
SUITE = {
    "test_late": """
        import pytest

        pytestmark = pytest.mark.rl_stage("chaos")

        def test_by_module(): pass

        @pytest.mark.xdist_group("one")
        @pytest.mark.parametrize("i", range(2))
        def test_grouped(i): pass
    """,
    "test_mixed": """
        import time
        import pytest

        @pytest.mark.rl_stage("determinism")
        class TestByClass:
            def test_fails(self): assert False
            def test_passes(self): time.sleep(0.05)

            @pytest.mark.rl_stage("train")
            def test_nearest_mark_wins(self): pass

        @pytest.mark.rl_stage("contract")
        @pytest.mark.parametrize("i", range(5))
        def test_slow(i): time.sleep(0.05 * (i == 0))

        def test_without_stage(): assert False
    """,
}


@pytest.mark.parametrize("mode", MODES)
def test_a_failure_blocks_the_later_stages_and_nothing_else(gated, assert_order, mode):
    gated.write(**SUITE)
    result = gated.run(*mode.split())

    result.assert_outcomes(passed=6, failed=2, skipped=4)
    assert_order(gated.journal)
    assert gated.begun("chaos", "train") == []
    assert set(gated.begun("determinism")) == {"test_fails", "test_passes"}
    reason = "blocked by determinism/test_fails"
    # Before pytest 9.2, xdist appends the group to the name under loadgroup.
    assert {name.partition("@")[0] for name, end in gated.junit().items() if end == reason} == {
        "test_by_module",
        "test_grouped[0]",
        "test_grouped[1]",
        "test_nearest_mark_wins",
    }
    assert gated.stages(result) == {
        "contract": "pass",
        "determinism": "FAIL",
        "chaos": "blocked",
        "train": "blocked",
        "total": "FAIL",
    }
    result.stdout.fnmatch_lines([f"SKIPPED*: {reason}"])
    assert "rlguard-plan" not in result.stdout.str()
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("mode", ["-n0", "-n2"])
def test_all_stages_run_where_none_fails(gated, assert_order, mode):
    gated.write(
        test_all="""
        import pytest
        stages = ["train", "memory", "chaos", "scaling", "dataflow", "determinism", "contract"]

        @pytest.mark.parametrize("stage", [pytest.param(s, marks=pytest.mark.rl_stage(s)) for s in stages])
        def test_it(stage): pass

        def test_plain(): pass
    """
    )
    result = gated.run(*mode.split(), "-v")

    result.assert_outcomes(passed=8)
    assert_order(gated.journal)
    assert gated.stages(result)["total"] == "pass"
    result.stdout.fnmatch_lines(["*100%]*"])
    if "-n2" in mode:
        result.stdout.fnmatch_lines(["2 workers [[]8 items[]]", "scheduling tests via StageScheduling"])


@pytest.mark.parametrize("dist", ["load", "loadfile"])
def test_one_group_goes_to_one_worker(gated, dist):
    gated.write(
        test_groups="""
        import time
        import pytest

        @pytest.mark.rl_stage("contract", group="evidence")
        @pytest.mark.parametrize("i", range(4))
        def test_shared(i): time.sleep(0.05)

        @pytest.mark.rl_stage("contract")
        @pytest.mark.parametrize("i", range(4))
        def test_other(i): time.sleep(0.05)
    """
    )
    gated.run("-n2", "--dist", dist).assert_outcomes(passed=8)

    workers = {worker for _, _, name, worker in gated.journal if name.startswith("test_shared")}
    assert len(workers) == 1


def test_loadgroup_keeps_the_groups_of_xdist(gated):
    gated.write(
        test_groups="""
        import time
        import pytest

        @pytest.mark.rl_stage("contract")
        @pytest.mark.parametrize("i", range(6))
        def test_it(i, request): time.sleep(0.03)

        def pytest_generate_tests(metafunc): pass
    """,
        test_marked="""
        import time
        import pytest

        @pytest.mark.xdist_group("a")
        @pytest.mark.parametrize("i", range(3))
        def test_unstaged(i): time.sleep(0.03)

        @pytest.mark.rl_stage("contract")
        @pytest.mark.xdist_group(name="b")
        @pytest.mark.parametrize("i", range(3))
        def test_staged(i): time.sleep(0.03)
    """,
    )
    gated.run("-n2", "--dist", "loadgroup").assert_outcomes(passed=12)

    for prefix in ("test_unstaged", "test_staged"):
        assert len({worker for _, _, name, worker in gated.journal if name.startswith(prefix)}) == 1


def test_a_test_that_asks_for_it_runs_alone(gated):
    gated.write(
        test_alone="""
        import time
        import pytest

        @pytest.mark.rl_stage("chaos", alone=True)
        @pytest.mark.parametrize("i", range(2))
        def test_alone(i): time.sleep(0.1)

        @pytest.mark.rl_stage("chaos")
        @pytest.mark.parametrize("i", range(4))
        def test_social(i): time.sleep(0.05)
    """
    )
    gated.run("-n2").assert_outcomes(passed=6)

    running: set[str] = set()
    for word, _, name, _ in gated.journal:
        if word == "end":
            running.remove(name)
            continue
        assert not (running and name.startswith("test_alone")), f"{name} began beside {running}"
        assert not any(other.startswith("test_alone") for other in running), f"{name} began beside {running}"
        running.add(name)


def test_module_fixtures_end_with_their_stage(gated):
    gated.write(
        test_fixtures="""
        import pytest
        from conftest import write

        @pytest.fixture(scope="module")
        def pool():
            yield
            write("note", "pool", "closed", "-")

        @pytest.mark.rl_stage("contract")
        def test_first(pool): pass

        @pytest.mark.rl_stage("chaos")
        def test_second(): pass
    """
    )
    gated.run("-n2").assert_outcomes(passed=2)

    assert [words[2] for words in gated.journal].index("closed") < [words[2] for words in gated.journal].index(
        "test_second"
    )
