"""What counts as a failed gate, and what as none."""

from __future__ import annotations

import pytest

LATER = """
    @pytest.mark.rl_stage("train")
    def test_late(): pass
"""
BLOCKING = {
    "setup": """
        @pytest.fixture
        def broken(): raise RuntimeError("no simulator")

        @pytest.mark.rl_stage("contract")
        def test_gate(broken): pass
    """,
    "teardown": """
        @pytest.fixture
        def broken():
            yield
            raise RuntimeError("no simulator")

        @pytest.mark.rl_stage("contract")
        def test_gate(broken): pass
    """,
    "module teardown": """
        @pytest.fixture(scope="module")
        def broken():
            yield
            raise RuntimeError("no simulator")

        @pytest.mark.rl_stage("contract")
        def test_gate(broken): pass
    """,
    "strict xpass": """
        @pytest.mark.rl_stage("contract")
        @pytest.mark.xfail(strict=True)
        def test_gate(): pass
    """,
    "subtest": """
        @pytest.mark.rl_stage("contract")
        def test_gate(subtests):
            for bucket in range(3):
                with subtests.test(bucket=bucket):
                    assert bucket != 1
    """,
}
SHOWING_NOTHING = {
    "skip": """
        @pytest.mark.rl_stage("contract")
        @pytest.mark.skip(reason="no GPU")
        def test_gate(): pass
    """,
    "xfail": """
        @pytest.mark.rl_stage("contract")
        @pytest.mark.xfail
        def test_gate(): assert False
    """,
}


@pytest.mark.parametrize(
    ("way", "workers"),
    [("setup", 0), ("teardown", 0), ("strict xpass", 0), ("subtest", 0), ("setup", 2), ("module teardown", 2)],
)
def test_each_way_to_fail_blocks(gated, way, workers):
    gated.write(test_way="import pytest\n" + _dedent(BLOCKING[way]) + _dedent(LATER))
    result = gated.run(f"-n{workers}")

    assert gated.begun("train") == []
    assert gated.junit()["test_late"] == "blocked by contract/test_gate"
    assert gated.stages(result) == {"contract": "FAIL", "train": "blocked", "total": "FAIL"}


@pytest.mark.parametrize(("way", "workers"), [("skip", 2), ("xfail", 0)])
def test_a_stage_that_showed_nothing_is_not_passed_but_blocks_nothing(gated, way, workers):
    gated.write(test_way="import pytest\n" + _dedent(SHOWING_NOTHING[way]) + _dedent(LATER))
    result = gated.run(f"-n{workers}")

    assert gated.begun("train") == ["test_late"]
    assert gated.stages(result) == {"contract": "skipped", "train": "pass", "total": "incomplete"}


def test_a_session_fixture_that_fails_to_close_is_an_error_with_a_readable_name(gated):
    gated.write(
        test_session="""
        import pytest

        @pytest.fixture(scope="session")
        def broken():
            yield
            raise RuntimeError("no simulator")

        @pytest.mark.rl_stage("contract")
        def test_gate(broken): pass
    """
    )
    result = gated.run("-n1")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of the session*"])
    assert gated.stages(result)["total"] == "incomplete"
    assert "rlguard-plan" not in result.stdout.str()


def _dedent(source: str) -> str:
    lines = source.splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[margin:] for line in lines) + "\n"
