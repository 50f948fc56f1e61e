"""Where no gate is in use, pytest is as it is without us."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LEAN = ("-p", "no:hypothesispytest", "-p", "no:timeout")
PLAIN = """
    import pytest

    @pytest.mark.parametrize("i", range(6))
    def test_plain(i): pass
"""
WATCH = """
    import sys

    def pytest_sessionfinish():
        ours = {name for name in sys.modules if name.startswith("pytest_rlguard")}
        light = {"", ".errors", ".plugin"} | {f".plugin.{name}" for name in ("fixtures", "keys", "options", "refusals")}
        assert ours <= {f"pytest_rlguard{name}" for name in light}, ours
        assert not {"numpy", "gymnasium", "pydantic", "torch", "rich", "click"} & set(sys.modules)
"""


def test_importing_the_plugin_brings_the_standard_library_and_pytest_only():
    script = (
        "import json, sys, pytest; old = set(sys.modules); import pytest_rlguard.plugin; "
        "print(json.dumps(sorted(set(sys.modules) - old)))"
    )
    output = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout

    foreign = {name.partition(".")[0] for name in json.loads(output)} - set(sys.stdlib_module_names)
    assert foreign == {"pytest_rlguard"}


@pytest.mark.parametrize("mode", ["-p no:xdist", "-n2"])
def test_a_session_without_gates_is_untouched(gated, mode):
    gated.write(test_plain=PLAIN)
    gated.pytester.makeconftest(WATCH)
    result = gated.pytester.runpytest_subprocess(*mode.split(), "-v", *LEAN)

    result.assert_outcomes(passed=6)
    assert "rlguard stages" not in result.stdout.str()
    assert "INTERNALERROR" not in result.stdout.str()
    if mode == "-n2":
        result.stdout.fnmatch_lines(["scheduling tests via LoadScheduling"])


def test_gates_do_not_need_xdist(gated):
    gated.write(
        test_gate="""
        import sys
        import pytest

        @pytest.mark.rl_stage("contract")
        def test_gate(): assert "xdist.scheduler" not in sys.modules
    """
    )
    gated.pytester.runpytest_subprocess("-p", "no:xdist", *LEAN).assert_outcomes(passed=1)


@pytest.mark.parametrize("asked", [("--rlguard-env", "CartPole-v1"), ("--pyargs", "pytest_rlguard.gatesuite")])
def test_loop_on_fail_is_refused_with_gates(gated, asked):
    result = gated.pytester.runpytest_subprocess("--looponfail", *asked, timeout=30)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --looponfail reruns failed gates*"])
