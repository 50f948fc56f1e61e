"""However the parent ends, nothing of a pool outlives it: real parents, in processes of their own, really killed."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from pool_helpers import is_gone

PREAMBLE = """
import os, sys, threading
sys.path[:0] = {path!r}
import pool_jobs
from pytest_rlguard.pool import Deadlines, WorkerPool

def wait_for_ever(ctx, path):
    with open(path, "w") as note:
        note.write(f"{{os.getpid()}}\\n")
    threading.Event().wait()

def open_pool(**options):
    return WorkerPool(pool_jobs.make_nothing, workers=2, deadlines=Deadlines(step_sec=600), **options)

NOTE = {note!r}
print("main has run", flush=True)
"""

HANG = "open_pool({options}).map(wait_for_ever, [(NOTE,), (NOTE,)])"


class Parent:
    """A script with a pool: the pids its workers tell through a named pipe, its temp folder, its end."""

    def __init__(self, folder: Path) -> None:
        self.note, self.temp = folder / "note", folder / "temp"
        os.mkfifo(self.note)
        self._note = os.open(self.note, os.O_RDWR)
        self.temp.mkdir()
        self._folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self, body: str, *flags: str) -> subprocess.Popen[str]:
        script = self._folder / "script.py"
        preamble = PREAMBLE.format(path=[str(Path(__file__).parent), *sys.path], note=str(self.note))
        script.write_text(preamble + textwrap.dedent(body))
        self.process = subprocess.Popen(
            [sys.executable, *flags, str(script)],
            env=os.environ | {"TMPDIR": str(self.temp)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self.process

    def hear_pids(self, count: int) -> list[int]:
        """Wait until `count` workers are in their job."""
        assert self.process is not None
        parent = os.pidfd_open(self.process.pid)
        heard = b""
        while heard.count(b"\n") < count:
            ready, _, _ = select.select([self._note, parent], [], [], 30)
            assert ready == [self._note], self.process.communicate(timeout=30)
            heard += os.read(self._note, 4096)
        os.close(parent)
        return [int(line) for line in heard.split()]

    def finish(self) -> tuple[str, str]:
        assert self.process is not None
        return self.process.communicate(timeout=30)

    def close(self) -> None:
        """End it and all that it started: a fork server left behind would hold our pipes."""
        os.close(self._note)
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=30)

    def temporary_files(self) -> list[str]:
        return [path.name for path in self.temp.iterdir()]


@pytest.fixture
def parent() -> Iterator[Parent]:
    """A parent in a folder of its own, with a short name: the socket of a fork server has to fit into it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Parent(Path(folder))) as parent:
        yield parent


@pytest.mark.parametrize("options", ["", "hash_seed=1"], ids=["forkserver", "spawn"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_to_a_waiting_parent_leaves_nothing(parent: Parent, number: int, options: str) -> None:
    process = parent.start(HANG.format(options=options))
    pids = parent.hear_pids(2)
    process.send_signal(number)
    parent.finish()
    assert process.returncode == -number
    assert all(is_gone(pid) for pid in pids)
    assert parent.temporary_files() == []


@pytest.mark.parametrize("options", ["", "hash_seed=1"], ids=["forkserver", "spawn"])
def test_workers_die_with_a_parent_that_is_killed_outright(parent: Parent, options: str) -> None:
    process = parent.start(HANG.format(options=options))
    pids = parent.hear_pids(2)
    process.kill()
    assert all(is_gone(pid) for pid in pids)


def test_the_users_own_handler_for_sigterm_is_left_alone(parent: Parent) -> None:
    process = parent.start(
        """
        import signal
        def leave(*_):
            print("theirs", flush=True)
            raise SystemExit(9)
        signal.signal(signal.SIGTERM, leave)
        open_pool().map(wait_for_ever, [(NOTE,)])
        """
    )
    parent.hear_pids(1)
    process.terminate()
    out, _ = parent.finish()
    assert (process.returncode, out.splitlines()[-1]) == (9, "theirs")


def test_the_users_choice_of_a_start_method_stays_open(parent: Parent) -> None:
    process = parent.start(
        """
        import multiprocessing
        open_pool().close()
        assert multiprocessing.get_start_method(allow_none=True) is None
        multiprocessing.set_start_method("spawn")
        """
    )
    _, err = parent.finish()
    assert process.returncode == 0, err


ENDINGS: dict[str, str] = {
    "an exception in the with block": "with open_pool() as pool:\n    tell(pool)\n    raise LookupError",
    "an exception in on_done": "pool = open_pool()\ntell(pool)\npool.map(pool_jobs.echo, [(1,)] * 9, on_done=explode)",
    "no close": "pool = open_pool()\ntell(pool)",
    "no close, while a run is half done": (
        "pool = open_pool(play=pool_jobs.play)\ntell(pool)\n"
        "from pytest_rlguard.records import EpisodeSpec\n"
        "run = pool.run(EpisodeSpec(episode_id=n, seed=n) for n in range(99))\nnext(run)"
    ),
    "sys.exit": "pool = open_pool()\ntell(pool)\nsys.exit(0)",
    "a forked child that ends first": (
        "pool = open_pool()\ntell(pool)\npid = os.fork()\nif pid == 0:\n    sys.exit(0)\nos.waitpid(pid, 0)\n"
        "assert all(result.ok for result in pool.on_each(pool_jobs.identity, [(), ()]))\n"
        "assert {info.generation for info in pool.workers()} == {0}"
    ),
}


@pytest.mark.parametrize("body", ENDINGS.values(), ids=ENDINGS)
def test_no_process_and_no_file_is_left_after(parent: Parent, body: str) -> None:
    helpers = """
def tell(pool):
    pool.on_each(pool_jobs.identity, [(), ()])
    print("pids", *(info.pid for info in pool.workers()), flush=True)

def explode(*_):
    raise LookupError

"""
    process = parent.start(helpers + body)
    out, err = parent.finish()
    pids = [int(word) for line in out.splitlines() if line.startswith("pids") for word in line.split()[1:]]
    assert len(pids) == 2
    assert all(is_gone(pid) for pid in pids)
    assert parent.temporary_files() == []
    assert process.returncode == ("LookupError" in body or "explode" in body), err


@pytest.mark.parametrize("options", ["", "hash_seed=1"], ids=["forkserver", "spawn"])
def test_a_script_without_a_main_guard_runs_once_and_may_use_its_own_classes(parent: Parent, options: str) -> None:
    process = parent.start(
        f"""
        class Point:
            def __init__(self, x): self.x = x

        def move(ctx, point): return Point(point.x + 1)

        with open_pool({options}) as pool:
            (result,) = pool.map(move, [(Point(1),)])
        assert type(result.value) is Point, type(result.value)
        print("x", result.value.x)
        """
    )
    out, err = parent.finish()
    assert (process.returncode, out) == (0, "main has run\nx 2\n"), err


def test_a_deep_temporary_folder_costs_the_fork_server_but_not_the_pool(parent: Parent) -> None:
    parent.temp /= "deep" * 25
    parent.temp.mkdir()
    process = parent.start(
        """
        pool = open_pool()
        print(*(result.ok for result in pool.on_each(pool_jobs.identity, [(), ()])))
        print(*(info.is_preloaded for info in pool.workers()))
        """
    )
    out, err = parent.finish()
    assert (process.returncode, out) == (0, "main has run\nTrue True\nFalse False\n"), err
    assert parent.temporary_files() == []


def test_the_preload_finds_what_is_only_on_the_parents_path(parent: Parent) -> None:
    """gh-117378; with -S an interpreter has no site-packages but for those that the script itself adds."""
    process = parent.start(
        """
        pool = open_pool()
        pool.on_each(pool_jobs.identity, [(), ()])
        print(*(info.is_preloaded for info in pool.workers()))
        """,
        "-S",
    )
    out, err = parent.finish()
    assert (process.returncode, out) == (0, "main has run\nTrue True\n"), err
