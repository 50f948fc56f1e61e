"""What a pool and its workers tell each other, and what a pool tells its caller: plain frozen data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pytest_rlguard.records import EnvCrash, WorkerExit

__all__ = [
    "Call",
    "Deadlines",
    "Factories",
    "Hello",
    "JobResult",
    "Raised",
    "Returned",
    "Seat",
    "WorkerInfo",
]

T = TypeVar("T")

_SLOW_PHASES = frozenset({"start", "make", "reset", "close", "policy"})


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """How long a worker may be without a heartbeat before it counts as hung.

    `step_sec` holds between two steps; `start_sec` while a process starts, and while user code is imported, an env is
    made, reset or closed, or a policy is built.
    """

    step_sec: float = 10.0
    start_sec: float = 60.0

    def limit_sec(self, phase: str) -> float:
        """The deadline of a phase."""
        return self.start_sec if phase in _SLOW_PHASES else self.step_sec


@dataclass(frozen=True)
class JobResult(Generic[T]):
    """What came of a job: exactly one of its value, the death of its worker, or what it raised.

    A job may return None: ask `ok`, not `value`.
    """

    value: T | None = None
    exit: WorkerExit | None = None
    crash: EnvCrash | None = None

    @property
    def ok(self) -> bool:
        """Whether the job returned."""
        return self.exit is None and self.crash is None


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """One worker of a pool.

    `generation` counts the processes that had its index before; `is_preloaded` says whether the process was forked
    with its imports done (known once it is ready).
    """

    index: int
    pid: int
    generation: int
    alive: bool
    is_preloaded: bool = False


@dataclass(frozen=True, kw_only=True)
class Seat:
    """What a child process needs before its first message."""

    worker: int
    generation: int
    environ: dict[str, str] = field(repr=False)
    dies_with_parent: bool


@dataclass(frozen=True, kw_only=True)
class Hello:
    """Child to parent: ready for jobs."""

    is_preloaded: bool


@dataclass(frozen=True, kw_only=True)
class Factories:
    """Parent to child: the user's factories, pickled; they hold for all jobs that follow."""

    make_env: bytes = field(repr=False)
    make_policy: bytes | None = field(repr=False)
    policy_version: int


@dataclass(frozen=True, kw_only=True)
class Call:
    """Parent to child: run `job(context, *item)`; both pickled, so that what fails to load is the job's own crash."""

    number: int
    job: bytes = field(repr=False)
    item: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Returned:
    """Child to parent: the pickled value of a job."""

    number: int
    value: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Raised:
    """Child to parent: a job raised, or its value could not be pickled."""

    number: int
    crash: EnvCrash
