"""A program that takes SIGPIPE as the system gives it (many command lines do) outlives the death of its workers."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal
from pytest_rlguard.pool import WorkerPool

def size_of(context, data):
    return len(data)

signal.signal(signal.SIGPIPE, signal.SIG_DFL)
with WorkerPool(dict, workers=1) as pool:
    pool.map(size_of, [(b"",)])
    os.kill(pool.workers()[0].pid, signal.SIGSTOP)
    print([result.value for result in pool.map(size_of, [(bytes(8 << 20),)] * 2)])
"""


def test_a_dead_workers_pipe_does_not_end_the_program() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"{[8 << 20] * 2}\n"), done.stderr
