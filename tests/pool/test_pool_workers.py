"""The workers themselves: identity, replacement, kill from outside, resize, one worker each, what a child is given."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import threading
from pathlib import Path

import pool_jobs
import psutil
import pytest
from pool_helpers import OpenPool

from pytest_rlguard.errors import PoolError, UsageError, WorkerDiedError
from pytest_rlguard.pool import WorkerPool


def test_workers_are_preloaded_processes_with_index_and_generation(open_pool: OpenPool) -> None:
    pool = open_pool(workers=3)
    answers = [result.value for result in pool.on_each(pool_jobs.identity, [()] * 3)]
    infos = pool.workers()
    assert [(info.index, info.generation, info.pid) for info in infos] == answers
    assert all(info.alive and info.is_preloaded for info in infos)


def test_a_dead_worker_is_replaced_under_its_index(open_pool: OpenPool) -> None:
    pool = open_pool(workers=2)
    pool.on_each(pool_jobs.identity, [(), ()])
    death = pool.kill(1)
    assert (death.worker, death.exit_code, death.signal_name, death.job) == (1, -9, "SIGKILL", "no job")
    assert [info.alive for info in pool.workers()] == [True, False]
    after = pool.on_each(pool_jobs.identity, [(), ()])
    assert [result.value[:2] for result in after if result.value] == [(0, 0), (1, 1)]


def test_killing_a_dead_worker_tells_of_its_death_again(open_pool: OpenPool) -> None:
    pool = open_pool(workers=1)
    assert pool.kill(0) is pool.kill(0)


def test_killing_a_worker_that_is_not_there_is_refused(open_pool: OpenPool) -> None:
    with pytest.raises(UsageError, match="there is no worker 2, expected 0 to 1"):
        open_pool(workers=2).kill(2)


def test_an_idle_worker_killed_by_somebody_else_costs_no_job(open_pool: OpenPool) -> None:
    pool = open_pool(workers=2)
    pool.on_each(pool_jobs.identity, [(), ()])
    victim = pool.workers()[0].pid
    os.kill(victim, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(victim)] if psutil.pid_exists(victim) else [], timeout=10)
    results = pool.map(pool_jobs.echo, [(number,) for number in range(10)])
    assert [result.value for result in results] == list(range(10))


def test_a_worker_may_be_killed_from_on_done(open_pool: OpenPool) -> None:
    pool = open_pool(workers=2)
    results = pool.map(
        pool_jobs.busy_square, [(number, 100) for number in range(20)], on_done=lambda *_: pool.kill(0) and None
    )
    assert all(result.value == number**2 for number, result in enumerate(results) if result.ok)
    assert sum(result.ok for result in results) >= 10
    assert all(result.exit is not None for result in results if not result.ok)


def test_two_hundred_jobs_survive_random_kills_with_the_right_data(open_pool: OpenPool) -> None:
    pool = open_pool(workers=3, restart_limit=50)
    stop = threading.Event()
    deaths = []

    def kill_now_and_then() -> None:
        rng = random.Random(4)
        while len(deaths) < 40 and not stop.wait(rng.uniform(0.005, 0.03)):
            deaths.append(pool.kill(rng.randrange(3)))

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    try:
        results = pool.map(pool_jobs.busy_square, [(number, 20_000) for number in range(200)])
    finally:
        stop.set()
        killer.join()
    assert len(results) == 200
    assert all(result.value == number**2 for number, result in enumerate(results) if result.ok)
    assert all(result.exit and result.exit.signal_name == "SIGKILL" for result in results if not result.ok)
    assert sum(result.ok for result in results) >= 160
    assert len({death.pid for death in deaths}) > 5


def test_on_each_runs_all_at_once(open_pool: OpenPool, tmp_path: Path) -> None:
    results = open_pool(workers=3).on_each(pool_jobs.meet, [(str(tmp_path), 3)] * 3)
    assert [result.value for result in results] == [3, 3, 3]


def test_on_each_refuses_more_items_than_workers(open_pool: OpenPool) -> None:
    with pytest.raises(UsageError, match="on_each was given 3 items for 2 workers"):
        open_pool(workers=2).on_each(pool_jobs.identity, [()] * 3)


def test_a_cache_lives_as_long_as_its_process(open_pool: OpenPool) -> None:
    pool = open_pool(workers=1)
    assert [result.value for result in pool.map(pool_jobs.count_calls, [()] * 3)] == [1, 2, 3]
    pool.kill(0)
    assert [result.value for result in pool.map(pool_jobs.count_calls, [()])] == [1]


def test_resize_starts_and_ends_workers(open_pool: OpenPool) -> None:
    pool = open_pool(workers=1)
    pool.resize(3)
    assert [result.value[0] for result in pool.on_each(pool_jobs.identity, [()] * 3) if result.value] == [0, 1, 2]
    gone = pool.workers()[1:]
    pool.resize(1)
    assert len(pool.workers()) == 1
    assert not any(psutil.pid_exists(info.pid) for info in gone)


@pytest.mark.parametrize("count", [0, -1])
def test_a_pool_without_workers_is_refused(open_pool: OpenPool, count: int) -> None:
    with pytest.raises(UsageError, match=f"a pool of {count} workers cannot work, expected 1 or more"):
        open_pool(workers=count)


def test_work_inside_work_is_refused(open_pool: OpenPool) -> None:
    pool = open_pool()
    with pytest.raises(PoolError, match="the pool is at work already"):
        pool.map(pool_jobs.echo, [(1,)], on_done=lambda *_: pool.map(pool_jobs.echo, [(1,)]) and None)
    assert pool.map(pool_jobs.echo, [(2,)])[0].value == 2


def test_a_closed_pool_refuses_work_and_closes_again(open_pool: OpenPool) -> None:
    pool = open_pool()
    pool.close()
    pool.close()
    with pytest.raises(PoolError, match="the pool is closed"):
        pool.map(pool_jobs.echo, [(1,)])


def test_workers_that_never_get_ready_end_the_work_with_their_last_words(
    open_pool: OpenPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_rlguard.pool.worker.serve", _die_at_birth)
    pool = open_pool(workers=1, restart_limit=2)
    with pytest.raises(WorkerDiedError, match=r"3 workers in a row died before they were ready(.|\n)*code 9"):
        pool.map(pool_jobs.echo, [(1,)])


def test_a_child_has_the_parents_path_folder_and_environment(
    open_pool: OpenPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RLGUARD_TEST", "today")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (result,) = open_pool().map(pool_jobs.where, [()])
    child = result.value
    assert child is not None
    assert child["cwd"] == str(tmp_path)
    assert child["path"] == [entry or str(tmp_path) for entry in sys.path]
    assert child["session"] == child["pid"]
    assert not child["torch"]
    environ = child["environ"]
    assert (environ["RLGUARD_TEST"], environ["OMP_NUM_THREADS"], environ["MKL_NUM_THREADS"]) == ("today", "3", "1")
    assert "PYTHONPATH" not in environ


def test_forked_workers_do_not_share_numpys_global_random_state(open_pool: OpenPool) -> None:
    first, second = open_pool(workers=2).on_each(pool_jobs.draw, [(), ()])
    assert first.value != second.value


def test_the_hash_seed_decides_hashes(open_pool: OpenPool) -> None:
    hashes = [open_pool(workers=1, hash_seed=seed).map(pool_jobs.hash_of, [("a",)])[0].value for seed in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_hash_seed_out_of_range_is_refused(open_pool: OpenPool) -> None:
    with pytest.raises(UsageError, match="hash_seed is -1, expected 0 to 4294967295"):
        open_pool(hash_seed=-1)


def test_the_parent_is_left_as_it_was(open_pool: OpenPool) -> None:
    environ, main = dict(os.environ), sys.modules["__main__"]
    method = multiprocessing.get_start_method(allow_none=True)
    handler = signal.getsignal(signal.SIGTERM)
    open_pool().close()
    assert dict(os.environ) == environ
    assert sys.modules["__main__"] is main
    assert multiprocessing.get_start_method(allow_none=True) == method
    assert signal.getsignal(signal.SIGTERM) == handler


def test_closing_gives_every_descriptor_back(open_pool: OpenPool) -> None:
    open_pool().close()  # multiprocessing's own server and tracker stay, once
    before = psutil.Process().num_fds()
    pool = open_pool(workers=3)
    pool.map(pool_jobs.exit_with, [(0,)] * 5)
    pool.close()
    assert psutil.Process().num_fds() == before


def test_a_pool_that_nobody_closes_ends_when_it_is_collected() -> None:
    pool = WorkerPool(pool_jobs.make_nothing, workers=1)
    (info,) = pool.workers()
    del pool
    assert not psutil.pid_exists(info.pid)


def _die_at_birth(*_: object) -> None:
    os._exit(9)
