"""What comes of a job: its value, what it raised, or the death of its worker; in the order of the items."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pool_jobs
import pytest
from pool_helpers import HASTY, OpenPool, is_gone

from pytest_rlguard.errors import UsageError
from pytest_rlguard.pool import Deadlines

MIB = 1 << 20


def test_values_come_in_the_order_of_the_items(open_pool: OpenPool) -> None:
    results = open_pool(workers=3).map(pool_jobs.echo, [(number,) for number in range(50)])
    assert [result.value for result in results] == list(range(50))
    assert all(result.ok for result in results)


def test_no_items_give_no_results(open_pool: OpenPool) -> None:
    assert open_pool().map(pool_jobs.echo, []) == []


def test_on_done_hears_of_each_result_once(open_pool: OpenPool) -> None:
    heard: dict[int, object] = {}
    open_pool().map(pool_jobs.echo, [("a",), ("b",)], on_done=lambda index, result: heard.update({index: result.value}))
    assert heard == {0: "a", 1: "b"}


def test_a_job_that_raises_is_a_crash_with_its_phase_step_and_traceback(open_pool: OpenPool) -> None:
    (result,) = open_pool().map(pool_jobs.raise_at_step, [(12,)])
    assert result.crash is not None
    assert not result.ok
    assert result.crash.describe() == "ArithmeticError in step 12: joint 3 is NaN"
    assert "raise_at_step" in result.crash.traceback
    assert "pytest_rlguard/pool" not in result.crash.traceback


def test_a_raising_env_factory_is_a_crash_in_make(open_pool: OpenPool) -> None:
    (result,) = open_pool(make_env=pool_jobs.make_badly).map(pool_jobs.make_both, [()])
    assert result.crash is not None
    assert result.crash.describe() == "ValueError in make: no such robot"


def test_a_job_that_calls_sys_exit_crashes_and_leaves_its_worker_alive(open_pool: OpenPool) -> None:
    pool = open_pool(workers=1)
    first, second = (result for job in (pool_jobs.call_sys_exit, pool_jobs.identity) for result in pool.map(job, [()]))
    assert first.crash is not None
    assert first.crash.error == "SystemExit"
    assert second.value is not None
    assert second.value[1] == 0


def test_a_result_that_cannot_be_pickled_is_a_crash_not_a_death(open_pool: OpenPool) -> None:
    (result,) = open_pool().map(pool_jobs.unpicklable, [()])
    assert result.crash is not None
    assert result.exit is None
    assert "lock" in result.crash.message
    assert (result.crash.phase, result.crash.step) == ("other", 4)


@pytest.mark.parametrize("code", [0, 1, 77])
def test_a_job_that_exits_is_a_death_with_its_code(open_pool: OpenPool, code: int) -> None:
    (result,) = open_pool().map(pool_jobs.exit_with, [(code,)])
    assert result.exit is not None
    assert (result.exit.exit_code, result.exit.signal_name, result.exit.hung) == (code, "", False)


def test_a_death_names_worker_signal_job_and_step(open_pool: OpenPool) -> None:
    (result,) = open_pool(workers=1).map(pool_jobs.signal_self, [(signal.SIGKILL, 12)])
    assert result.exit is not None
    told = f"worker 0 (pid {result.exit.pid}) was killed by SIGKILL in signal_self after step 12"
    assert result.exit.describe() == told


def test_a_segmentation_fault_leaves_the_python_stack_as_last_words(open_pool: OpenPool) -> None:
    (result,) = open_pool().map(pool_jobs.signal_self, [(signal.SIGSEGV, 1)])
    assert result.exit is not None
    assert result.exit.signal_name == "SIGSEGV"
    assert "signal_self" in result.exit.stderr_tail


def test_a_hang_is_seen_at_its_deadline_and_says_where(open_pool: OpenPool) -> None:
    began = time.monotonic()
    (result,) = open_pool(deadlines=HASTY).map(pool_jobs.hang, [("step", 7)])
    assert result.exit is not None
    assert (result.exit.hung, result.exit.exit_code, result.exit.step) == (True, None, 7)
    assert HASTY.step_sec <= result.exit.seconds <= time.monotonic() - began
    assert "in hang" in result.exit.stderr_tail


def test_a_worker_that_blocks_all_signals_is_ended_all_the_same(open_pool: OpenPool) -> None:
    (result,) = open_pool(deadlines=HASTY).map(pool_jobs.hang_deaf, [()])
    assert result.exit is not None
    assert result.exit.hung


def test_slow_phases_have_the_longer_deadline(open_pool: OpenPool) -> None:
    pool = open_pool(deadlines=Deadlines(step_sec=30.0, start_sec=1.0))
    (result,) = pool.map(pool_jobs.hang, [("reset", 0)])
    assert result.exit is not None
    assert result.exit.hung


def test_a_stopped_worker_is_found_long_before_its_deadline(open_pool: OpenPool) -> None:
    began = time.monotonic()
    (result,) = open_pool(deadlines=Deadlines(step_sec=60.0)).map(pool_jobs.signal_self, [(signal.SIGSTOP, 3)])
    assert result.exit is not None
    assert (result.exit.hung, result.exit.signal_name, result.exit.step) == (True, "SIGSTOP", 3)
    assert time.monotonic() - began < 30


def test_a_worker_stopped_while_idle_costs_no_job_however_large(open_pool: OpenPool) -> None:
    pool = open_pool(workers=1)
    pool.map(pool_jobs.identity, [()])
    os.kill(pool.workers()[0].pid, signal.SIGSTOP)
    first, second = pool.map(pool_jobs.size_of, [(bytes(8 * MIB),), (bytes(8 * MIB),)])
    assert [first.value, second.value] == [8 * MIB, 8 * MIB]
    assert pool.workers()[0].generation == 1


def test_a_result_of_fifty_megabytes_arrives_whole(open_pool: OpenPool) -> None:
    (result,) = open_pool().map(pool_jobs.big, [(50 * MIB,)])
    assert result.value == b"\x5a" * (50 * MIB)


def test_only_the_last_two_kilobytes_of_output_are_kept(open_pool: OpenPool) -> None:
    (result,) = open_pool().map(pool_jobs.chatter, [(20 * MIB,)])
    assert result.exit is not None
    assert len(result.exit.stderr_tail) == 2048
    assert result.exit.stderr_tail.endswith("last words\non stdout\n")


def test_output_of_jobs_that_end_well_is_trimmed_not_hoarded(open_pool: OpenPool) -> None:
    pool = open_pool(workers=1)
    (result,) = pool.map(_chat, [(2 * MIB,)])
    (log_size,) = (result.value for result in pool.map(_stderr_size, [()]))
    assert result.ok
    assert log_size == 0


def test_a_forked_grandchild_does_not_hide_the_death_and_dies_too(open_pool: OpenPool, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    (result,) = open_pool().map(pool_jobs.fork_child_and_die, [(str(note),)])
    assert result.exit is not None
    assert result.exit.exit_code == 7
    assert is_gone(int(note.read_text()))


def test_a_grandchild_lives_as_long_as_its_worker(open_pool: OpenPool, tmp_path: Path) -> None:
    pool = open_pool(workers=1)
    (result,) = pool.map(pool_jobs.fork_child, [(str(tmp_path / "pid"),)])
    assert result.value is not None
    assert Path(f"/proc/{result.value}").exists()
    pool.close()
    assert is_gone(result.value)


def test_a_helper_in_its_own_session_is_ended_with_its_worker(open_pool: OpenPool) -> None:
    pool = open_pool(workers=1)
    (result,) = pool.map(pool_jobs.start_own_session, [()])
    pool.kill(0)
    assert result.value is not None
    assert is_gone(result.value)


def test_an_item_that_cannot_be_sent_is_refused_before_anything_runs(open_pool: OpenPool) -> None:
    with pytest.raises(UsageError, match=r"item 0 cannot be sent to a worker: TypeError: .*lock"):
        open_pool().map(pool_jobs.echo, [(__import__("threading").Lock(),)])


def test_local_functions_travel_by_value(open_pool: OpenPool) -> None:
    offset = 5

    def add(_ctx: object, value: int) -> int:
        return value + offset

    assert open_pool().map(add, [(1,)])[0].value == 6


def _chat(_ctx: object, size: int) -> None:
    os.write(2, b"x" * size)


def _stderr_size(_ctx: object) -> int:
    return os.fstat(2).st_size
