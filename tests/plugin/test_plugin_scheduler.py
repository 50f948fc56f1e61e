"""The scheduler against simulated workers: random projects, random progress, random deaths. No process is started."""

from __future__ import annotations

import random
from collections import Counter, deque
from types import SimpleNamespace

import pytest

from pytest_rlguard.gates import STAGES
from pytest_rlguard.plugin.book import StageBook
from pytest_rlguard.plugin.plan import PlannedTest, SessionPlan, decode_plan, encode_plan
from pytest_rlguard.plugin.scheduler import StageScheduling
from pytest_rlguard.plugin.units import make_segments


class SimulatedWorker:
    """A worker as xdist's: it takes its next index before it runs the current one."""

    def __init__(self, name):
        self.gateway = SimpleNamespace(id=name)
        self.shutting_down = False
        self.queue = deque()

    def send_runtest_some(self, indices):
        assert not self.shutting_down
        self.queue.extend(indices)

    @property
    def can_run(self):
        return len(self.queue) > 1 or (self.shutting_down and bool(self.queue))


class SimulatedSession:
    """What xdist's controller does with the events of its workers, each chosen by `rng`."""

    def __init__(self, tests, *, workers, dist, rng, failing=frozenset(), deadly=frozenset()):
        self.rng, self.failing, self.deadly = rng, failing, deadly
        self.book = StageBook(SessionPlan(tuple(tests)))
        config = SimpleNamespace(getoption=lambda name: dist)
        self.scheduler = StageScheduling(config, self.book, workers=workers)
        self.log = []
        self.started = 0
        self.tests = tests
        for _ in range(workers):
            self.start_worker()

    def start_worker(self):
        self.started += 1
        worker = SimulatedWorker(f"gw{self.started}")
        self.scheduler.add_node(worker)
        self.scheduler.add_node_collection(worker, [test.nodeid for test in self.tests])
        if self.scheduler.collection_is_completed:
            self.scheduler.schedule()

    def run(self):
        while not self.scheduler.tests_finished:
            able = [worker for worker in self.scheduler.nodes if worker.can_run]
            assert able, f"nobody can go on after {self.log}"
            self.step(self.rng.choice(able))

    def step(self, worker):
        index = worker.queue[0]
        if index == len(self.tests):
            worker.queue.popleft()
            self.scheduler.mark_test_complete(worker, index)
            return
        test = self.tests[index]
        if (worker, index) not in self.log:
            self.log.append((worker, index))  # begins; the end is a step of its own
        elif test.nodeid in self.deadly:
            self.die(worker, test)
        else:
            worker.queue.popleft()
            self.log.append((worker, index))
            self.report(test, "call", "failed" if test.nodeid in self.failing else "passed", worker)
            self.report(test, "teardown", "passed", worker)
            self.scheduler.mark_test_complete(worker, index)

    def die(self, worker, test):
        self.log.append((worker, self.tests.index(test)))
        assert self.scheduler.remove_node(worker) == test.nodeid
        self.report(test, "???", "failed", worker)
        self.scheduler.end_crash()
        if not self.scheduler.tests_finished:
            self.start_worker()

    def report(self, test, when, outcome, worker):
        report = pytest.TestReport(test.nodeid, ("", 0, ""), {}, outcome, None, when)
        report.node = worker
        self.book.record(report)


def make_tests(rng):
    stages = sorted(rng.sample(["", *STAGES], rng.randint(1, 5)), key=["", *STAGES].index)
    tests = []
    for stage in stages:
        for _ in range(rng.randint(1, 12)):
            group = rng.choice(["", "", "", "a", "b"])
            alone = bool(stage) and rng.random() < 0.15
            nodeid = f"test_{rng.randint(0, 2)}.py::test_{len(tests)}"
            tests.append(PlannedTest(nodeid, stage, nodeid, len(tests), group, alone))
    return tests


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_stages_are_kept_and_nothing_is_lost_or_run_twice(seed):
    rng = random.Random(seed)
    tests = make_tests(rng)
    names = [test.nodeid for test in tests]
    failing = set(rng.sample(names, rng.choice([0, 0, 1])))
    deadly = set(rng.sample(names, rng.choice([0, 0, 1, 2]) if len(names) > 1 else 0))
    dist = rng.choice(["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
    session = SimulatedSession(tests, workers=rng.randint(1, 5), dist=dist, rng=rng, failing=failing, deadly=deadly)
    session.run()

    running = {}
    seen = Counter()
    for worker, index in session.log:
        test = tests[index]
        if running.pop((worker, index), None):
            continue
        assert all(other.stage == test.stage for other in running.values())
        assert not running or not (test.alone or any(other.alone for other in running.values()))
        running[worker, index] = test
        seen[index] += 1
    assert set(seen.values()) <= {1}
    bad = [test.stage for test in tests if test.nodeid in failing | deadly and test.stage]
    last = min((STAGES.index(stage) for stage in bad), default=len(STAGES))
    due = {place for place, test in enumerate(tests) if not test.stage or STAGES.index(test.stage) <= last}
    assert set(seen) == due


def test_a_long_stage_is_sent_in_shrinking_shares():
    segment = make_segments([PlannedTest(f"t.py::t{i}") for i in range(100)], "load")[0]

    shares = []
    while segment.units:
        shares.append(len(segment.take(8)))
    assert shares[0] == 12
    assert shares[-8:] == [1] * 8


@pytest.mark.parametrize(
    ("dist", "units"),
    [
        ("load", [(0,), (1,), (2,), (3,)]),
        ("loadscope", [(0, 1), (2,), (3,)]),
        ("loadfile", [(0, 1, 2), (3,)]),
    ],
)
def test_units_are_cut_as_asked(dist, units):
    names = ["a.py::t[x::1]", "a.py::t[2]", "a.py::C::t", "b.py::t"]
    segment = make_segments([PlannedTest(name, "contract") for name in names], dist)[0]

    assert [unit.indices for unit in segment.units] == units


def test_a_plan_survives_the_journey():
    tests = (PlannedTest("a.py::test_é[ü]", "chaos", "ü", 3, "g", alone=True), PlannedTest("b.py::t"))
    plan = SessionPlan(tests, {"train": 2}, "")

    assert decode_plan(encode_plan(plan), [test.nodeid for test in tests]) == plan


def test_a_plan_of_many_tests_is_small():
    tests = tuple(PlannedTest(f"tests/test_{i}.py::test_{i}", "contract", f"test_{i}", i) for i in range(2_000))

    assert len(encode_plan(SessionPlan(tests))) < 20_000
