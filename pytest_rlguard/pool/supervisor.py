"""WorkerPool: runs jobs and episodes on worker processes that may die at any moment, and loses none of them."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from pytest_rlguard.errors import PoolError, UsageError, WorkerDiedError
from pytest_rlguard.pool.crew import Crew, Settled
from pytest_rlguard.pool.handle import Task
from pytest_rlguard.pool.launch import MAX_HASH_SEED
from pytest_rlguard.pool.messages import Deadlines, Factories, JobResult, WorkerInfo
from pytest_rlguard.pool.pickling import dump_for_worker
from pytest_rlguard.pool.termination import hold_termination, release_termination
from pytest_rlguard.pool.worker import WorkerContext
from pytest_rlguard.records import EnvCrash, Episode, EpisodeSpec, WorkerExit

__all__ = ["WorkerPool"]

T = TypeVar("T")

Play = Callable[[WorkerContext, EpisodeSpec], Episode]


class WorkerPool:
    """Worker processes, each with the user's factories; a context manager.

    A job is a function `job(context, *item)`. It runs in whichever worker is idle; the worker's death or what the job
    raised is its result, like a value, and the pool goes on with a new worker. `restart_limit` bounds how many workers
    in a row may die before they are ready for a job. One thread at a time gives the pool work; `kill` and `workers`
    may be called from any. `play` is the job that `run` plays an episode with.
    """

    def __init__(
        self,
        make_env: Callable[[], Any],
        make_policy: Callable[[Any], Any] | None = None,
        *,
        workers: int = 2,
        deadlines: Deadlines = Deadlines(),  # noqa: B008 - frozen
        hash_seed: int | None = None,
        restart_limit: int = 20,
        play: Play | None = None,
    ) -> None:
        _check_count(workers)
        if hash_seed is not None and not 0 <= hash_seed <= MAX_HASH_SEED:
            raise UsageError(f"hash_seed is {hash_seed}, expected 0 to {MAX_HASH_SEED}")
        self._play = play
        self._factories = Factories(
            make_env=dump_for_worker(make_env, "the env factory"),
            make_policy=None if make_policy is None else dump_for_worker(make_policy, "the policy factory"),
            policy_version=0,
        )
        self._numbers = itertools.count()
        self._at_work = threading.Lock()
        self._crew = Crew(deadlines=deadlines, hash_seed=hash_seed, restart_limit=restart_limit)
        self._finalizer = weakref.finalize(self, _end_crew, self._crew)
        # weakref's own exit hook may run after multiprocessing's, which waits for children for ever; this one does not.
        self._finalizer.atexit = False
        atexit.register(self._finalizer)
        hold_termination(self._crew)
        try:
            self._crew.resize(workers)
        except BaseException:
            self.close()
            raise

    def map(
        self,
        job: Callable[..., T],
        items: Sequence[tuple[Any, ...]],
        *,
        on_done: Callable[[int, JobResult[T]], None] | None = None,
    ) -> list[JobResult[T]]:
        """Run `job(context, *item)` for each item on any worker; results in the order of the items.

        `on_done(index, result)` is called as each one comes. A job whose worker died is not run again.
        """
        results: dict[int, JobResult[T]] = {}
        backlog = _Backlog(list(self._make_tasks(job, items)))
        with self._working(), contextlib.closing(self._drive(backlog)) as settled:
            for task, result in settled:
                results[task.index] = result
                if on_done is not None:
                    on_done(task.index, result)
        return [results[index] for index in range(len(results))]

    def on_each(self, job: Callable[..., T], items: Sequence[tuple[Any, ...]]) -> list[JobResult[T]]:
        """Run item i on worker i, all started at once when all are ready; results in the order of the items."""
        count = len(self._crew.handles)
        if len(items) > count:
            raise UsageError(f"on_each was given {len(items)} items for {count} workers", advice="resize the pool")
        results: dict[int, JobResult[T]] = {}
        tasks = list(self._make_tasks(job, items))
        with self._working():
            self._crew.await_ready(len(tasks))
            for handle, task in zip(self._crew.handles, tasks, strict=False):
                task.is_pinned = True
                handle.assign(task, self._factories)
            with contextlib.closing(self._drive(_Backlog(()))) as settled:
                results.update((task.index, result) for task, result in settled)
        return [results[index] for index in range(len(tasks))]

    def run(self, specs: Iterable[EpisodeSpec], *, retries: int = 2) -> Iterator[Episode]:
        """Play every spec once and yield its episode, in the order in which they end.

        A spec whose worker died is played again under the same spec, up to `retries` times; then WorkerDiedError names
        the deaths. What the env raises is in the episode, as its crash. Specs are drawn as workers become idle.
        """
        if self._play is None:
            raise UsageError("this pool cannot play episodes", advice="give it a job that can: WorkerPool(..., play=)")
        return self._run(_Backlog(self._make_episode_tasks(self._play, specs)), retries)

    def set_policy(self, policy_factory: Callable[[Any], Any], version: int) -> None:
        """Use another policy in every job given out from now on; `context.policy_version` tells a job which."""
        pickled = dump_for_worker(policy_factory, "the policy factory")
        self._factories = Factories(make_env=self._factories.make_env, make_policy=pickled, policy_version=version)

    def workers(self) -> list[WorkerInfo]:
        """The workers as they are now. A dead one is replaced when there is work."""
        return [
            WorkerInfo(
                index=handle.index,
                pid=handle.pid,
                generation=handle.generation,
                alive=handle.is_alive(),
                is_preloaded=handle.is_preloaded,
            )
            for handle in list(self._crew.handles)
        ]

    def kill(self, worker: int) -> WorkerExit:
        """SIGKILL worker `worker` and all its group; how it ended (where it was dead already: how it had)."""
        handles = list(self._crew.handles)
        if not 0 <= worker < len(handles):
            raise UsageError(f"there is no worker {worker}, expected 0 to {len(handles) - 1}")
        return handles[worker].end()

    def resize(self, n: int) -> None:
        """Have `n` workers: the last ones go, or new ones come. Not while the pool is at work."""
        _check_count(n)
        with self._working():
            self._crew.resize(n)

    def close(self) -> None:
        """Kill every worker and give everything back. Idempotent."""
        self._crew.end()
        if self._finalizer.detach() is not None:
            atexit.unregister(self._finalizer)
            release_termination(self._crew)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """One piece of work at a time; on leaving, nobody is busy any more."""
        if self._crew.is_ended:
            raise PoolError("the pool is closed", advice="open a new one, or keep the work inside its with block")
        if not self._at_work.acquire(blocking=False):
            raise PoolError("the pool is at work already", advice="wait for it, or open a second pool")
        try:
            yield
        finally:
            try:
                self._crew.end_busy()
            finally:
                self._at_work.release()

    def _drive(self, backlog: _Backlog) -> Generator[Settled, None, None]:
        """Give out the backlog and yield what comes of it, until nothing is left and nobody is busy."""
        while True:
            self._crew.restore()
            self._assign(backlog)
            if not backlog and not self._crew.has_busy():
                return
            settled: list[Settled] = []
            for task, result in self._crew.poll():
                if result is None:
                    backlog.put_back(task)
                else:
                    settled.append((task, result))
            self._assign(backlog)
            yield from settled

    def _assign(self, backlog: _Backlog) -> None:
        for handle in self._crew.handles:
            if handle.is_idle and backlog:
                handle.assign(backlog.take(), self._factories)

    def _run(self, backlog: _Backlog, retries: int) -> Iterator[Episode]:
        with self._working(), contextlib.closing(self._drive(backlog)) as settled:
            for task, result in settled:
                if result.exit is None:
                    yield _to_episode(task, result)
                    continue
                task.deaths.append(result.exit)
                if len(task.deaths) > retries:
                    raise _died_too_often(task)
                backlog.put_back(task)

    def _make_episode_tasks(self, play: Play, specs: Iterable[EpisodeSpec]) -> Iterator[Task]:
        name, pickled = _name(play), dump_for_worker(play, "the job")
        for index, spec in enumerate(specs):
            item = dump_for_worker((spec,), f"the spec of episode {spec.episode_id}")
            yield Task(next(self._numbers), index, name, pickled, item, subject=spec)

    def _make_tasks(self, job: Callable[..., Any], items: Sequence[tuple[Any, ...]]) -> Iterator[Task]:
        name, pickled = _name(job), dump_for_worker(job, "the job")
        for index, item in enumerate(items):
            yield Task(next(self._numbers), index, name, pickled, dump_for_worker(tuple(item), f"item {index}"))


class _Backlog:
    """Tasks to give out: those put back first, then the rest, drawn one ahead at most."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._rest = iter(tasks)
        self._ahead: deque[Task] = deque()

    def __bool__(self) -> bool:
        if not self._ahead:
            self._ahead.extend(itertools.islice(self._rest, 1))
        return bool(self._ahead)

    def take(self) -> Task:
        return self._ahead.popleft() if self._ahead else next(self._rest)

    def put_back(self, task: Task) -> None:
        self._ahead.appendleft(task)


def _end_crew(crew: Crew) -> None:
    """Finalizer of a pool that nobody closed."""
    crew.end()
    release_termination(crew)


def _to_episode(task: Task, result: JobResult[Any]) -> Episode:
    """The episode; where the playing job itself raised (a factory, most often), one that crashed before its reset."""
    if result.crash is not None and isinstance(task.subject, EpisodeSpec):
        return _crashed_episode(task.subject, result.crash, worker=task.worker)
    if not isinstance(result.value, Episode):
        raise PoolError(f"{task.name} returned {type(result.value).__name__}", advice="`play` must return an Episode")
    return result.value


def _crashed_episode(spec: EpisodeSpec, crash: EnvCrash, *, worker: int) -> Episode:
    return Episode(
        spec=spec,
        worker=worker,
        rewards=(),
        terminated=False,
        truncated=False,
        fingerprint="",
        step_digests=b"",
        crash=crash,
    )


def _died_too_often(task: Task) -> WorkerDiedError:
    deaths = "\n".join(f"  {death.describe()}" for death in task.deaths)
    msg = f"{task.subject} took {len(task.deaths)} workers with it:\n{deaths}"
    tail = task.deaths[-1].stderr_tail
    return WorkerDiedError(f"{msg}\nlast words:\n{tail}" if tail else msg, advice="run this one episode alone")


def _name(job: Callable[..., Any]) -> str:
    return getattr(job, "__name__", type(job).__name__)


def _check_count(workers: int) -> None:
    if workers < 1:
        raise UsageError(f"a pool of {workers} workers cannot work, expected 1 or more")
