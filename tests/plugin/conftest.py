"""A project with gates whose tests write down when they begin and end, in whichever process they run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

LEAN = ("-p", "no:hypothesispytest", "-p", "no:timeout")
"""Without these two, a process of pytest starts three times as fast."""

_JOURNAL = """
    import os
    import pytest

    def write(*words):
        fd = os.open({path!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, (" ".join(words) + "\\n").encode())
        os.close(fd)

    @pytest.fixture(autouse=True)
    def journal(request):
        mark = request.node.get_closest_marker("rl_stage")
        stage = mark.args[0] if mark else "-"
        write("begin", stage, request.node.name, os.environ.get("PYTEST_XDIST_WORKER", "main"))
        yield
        write("end", stage, request.node.name, os.environ.get("PYTEST_XDIST_WORKER", "main"))
"""


@dataclass
class GatedProject:
    """Runs pytest on the project and reads what came of it."""

    pytester: pytest.Pytester

    @property
    def journal(self) -> list[list[str]]:
        """The lines that the tests wrote: begin or end, stage, name, worker."""
        path = self.pytester.path / "journal.txt"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def write(self, **sources: str) -> None:
        """Write the test modules, and the journal if it is not there."""
        self.pytester.makeconftest(_JOURNAL.format(path=str(self.pytester.path / "journal.txt")))
        self.pytester.makepyfile(**sources)

    def run(self, *options: str) -> pytest.RunResult:
        """Run pytest, under xdist in a process of its own; the journal starts anew."""
        (self.pytester.path / "journal.txt").unlink(missing_ok=True)
        fixed = ("-rs", "--junitxml=junit.xml", *LEAN)
        if options and options[0] in ("-n0", "-p"):
            return self.pytester.runpytest_inprocess(*options, *fixed)
        return self.pytester.runpytest_subprocess(*options, *fixed, timeout=60)

    def begun(self, *stages: str) -> list[str]:
        """The tests that began, of these stages or of all, in that order."""
        return [name for word, stage, name, _ in self.journal if word == "begin" and (not stages or stage in stages)]

    def junit(self) -> dict[str, str]:
        """What JUnit says of each test: passed, failed, error or the reason for which it was skipped."""
        cases = {}
        for case in ET.parse(self.pytester.path / "junit.xml").iter("testcase"):
            ends = {end.tag: end.get("message", "") for end in case if end.tag in ("failure", "error", "skipped")}
            assert case.get("name") not in cases, f"{case.get('name')} stands twice in JUnit"
            skipped = ends.get("skipped")
            cases[str(case.get("name"))] = skipped if skipped is not None else next(iter(ends), "passed")
        return cases

    def stages(self, result: pytest.RunResult) -> dict[str, str]:
        """The summary section: the outcome of each stage, and of the total."""
        _, _, section = result.stdout.str().partition(" rlguard stages ")
        lines = re.findall(r"^(\w+):? +(\S+)", section.partition("\n=")[0], flags=re.MULTILINE)
        return {name: outcome.rstrip(";") for name, outcome in lines}


@pytest.fixture
def gated(pytester: pytest.Pytester) -> GatedProject:
    """An empty project."""
    return GatedProject(pytester)


def assert_in_stage_order(journal: list[list[str]]) -> None:
    """No test of a stage began while one of another stage had begun and not ended."""
    open_stages: list[str] = []
    order: list[str] = []
    for word, stage, _, _ in journal:
        if word == "begin":
            assert set(open_stages) <= {stage}, f"{stage} began while {open_stages} was running"
            open_stages.append(stage)
            order += [] if stage in order else [stage]
        else:
            open_stages.remove(stage)
    known = [
        "-",
        "contract",
        "determinism",
        "dataflow",
        "invariance",
        "scaling",
        "chaos",
        "memory",
        "transfer",
        "train",
    ]
    assert order == sorted(order, key=known.index)


@pytest.fixture
def assert_order() -> Callable[[list[list[str]]], None]:
    """`assert_in_stage_order`, for the test modules."""
    return assert_in_stage_order


@pytest.fixture
def children_left(pytester: pytest.Pytester) -> Callable[[], list[int]]:
    """The processes that still have the project as their working directory."""

    def find() -> list[int]:
        """Ours is there too, since pytester changes into the project."""
        left = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if int(entry.name) != os.getpid() and (entry / "cwd").resolve() == pytester.path.resolve():
                    left.append(int(entry.name))
            except OSError:
                continue
        return left

    return find
