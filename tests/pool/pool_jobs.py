"""Jobs, factories and a small player for the pool's tests: what workers import by name. No pytest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pytest_rlguard.records import EnvCrash, Episode, EpisodeSpec

__all__: list[str] = []


def make_nothing() -> str:
    return "env"


def make_badly() -> None:
    raise ValueError("no such robot")


def make_sum(_env: object) -> str:
    return "policy 0"


def echo(_ctx: Any, value: object) -> object:
    return value


def identity(ctx: Any) -> tuple[int, int, int]:
    return ctx.worker, ctx.generation, os.getpid()


def make_both(ctx: Any) -> tuple[object, object, int]:
    env = ctx.make_env()
    return env, ctx.make_policy(env), ctx.policy_version


def count_calls(ctx: Any) -> int:
    ctx.cache["calls"] = ctx.cache.get("calls", 0) + 1
    return ctx.cache["calls"]


def exit_with(_ctx: Any, code: int) -> None:
    os._exit(code)


def call_sys_exit(_ctx: Any) -> None:
    sys.exit(3)


def signal_self(ctx: Any, number: int, step: int) -> None:
    for done in range(1, step + 1):
        ctx.beat("step", done)
    os.kill(os.getpid(), number)


def raise_at_step(ctx: Any, step: int) -> None:
    ctx.beat("step", step)
    raise ArithmeticError("joint 3 is NaN")


def hang(ctx: Any, phase: str, step: int) -> None:
    ctx.beat(phase, step)
    threading.Event().wait()


def hang_deaf(ctx: Any) -> None:
    """Hang with every signal blocked that can be, and children."""
    ctx.beat("step", 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    threading.Event().wait()


def unpicklable(ctx: Any) -> object:
    ctx.beat("step", 4)
    return threading.Lock()


def big(_ctx: Any, size: int) -> bytes:
    return b"\x5a" * size


def size_of(_ctx: Any, value: bytes) -> int:
    return len(value)


def chatter(_ctx: Any, size: int, *, dies: bool = True) -> None:
    os.write(2, b"x" * size + b"\nlast words\n")
    sys.stdout.write("on stdout\n")
    if dies:
        sys.stdout.flush()
        os._exit(5)


def fork_child(_ctx: Any, path: str) -> int:
    """Leave a forked child behind that holds this worker's descriptors, and its pid in a file."""
    pid = os.fork()
    if pid == 0:
        threading.Event().wait()
    Path(path).write_text(str(pid))
    return pid


def fork_child_and_die(ctx: Any, path: str) -> None:
    fork_child(ctx, path)
    os._exit(7)


def start_own_session(_ctx: Any) -> int:
    """As simulators do: a helper that is in nobody's process group."""
    return subprocess.Popen(["sleep", "600"], start_new_session=True).pid


def flaky(_ctx: Any, path: str, lives: int, value: object) -> object:
    """Die at the first `lives` tries (one byte in the file each)."""
    with Path(path).open("ab") as file:
        file.write(b".")
    if Path(path).stat().st_size <= lives:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def where(_ctx: Any) -> dict[str, object]:
    return {
        "cwd": str(Path.cwd()),
        "path": list(sys.path),
        "environ": dict(os.environ),
        "main": getattr(sys.modules["__main__"], "__file__", ""),
        "session": os.getsid(0),
        "pid": os.getpid(),
        "torch": "torch" in sys.modules,
    }


def draw(_ctx: Any) -> tuple[float, ...]:
    import numpy as np

    return tuple(np.random.random(4))  # noqa: NPY002


def hash_of(_ctx: Any, text: str) -> int:
    return hash(text)


def meet(_ctx: Any, folder: str, count: int) -> int:
    """Wait until `count` workers are here at the same time."""
    Path(folder, str(os.getpid())).touch()
    deadline = time.monotonic() + 10
    while len(list(Path(folder).iterdir())) < count:
        if time.monotonic() > deadline:
            raise TimeoutError
    return count


def busy_square(ctx: Any, number: int, steps: int) -> int:
    """Work that takes a millisecond or so, in many steps."""
    for step in range(steps):
        ctx.beat("step", step)
    return number * number


def play(ctx: Any, spec: EpisodeSpec) -> Episode:
    """An episode whose bucket says what becomes of it."""
    env = ctx.make_env()
    name, _, argument = spec.bucket.partition(":")
    crash = None
    if name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "flaky":
        flaky(ctx, argument, 2, None)
    if name == "raise":
        crash = EnvCrash(phase="step", step=1, error="ValueError", message="boom")
    return Episode(
        spec=spec,
        worker=ctx.worker,
        rewards=(float(spec.seed or 0), float(len(env))),
        terminated=True,
        truncated=False,
        fingerprint=f"{spec.seed}",
        step_digests=b"",
        crash=crash,
    )
