"""What every probe is given: the targets, the settings, a pool of workers that make the env, its facts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_rlguard.evidence import EnvFacts, InstanceFacts
from pytest_rlguard.pool import WorkerContext, WorkerPool
from pytest_rlguard.stepper import DRIVERS, USER_ERRORS, Policy, make_driver, raised
from pytest_rlguard.targets import EnvTarget, PolicyTarget

if TYPE_CHECKING:
    from pytest_rlguard.config import Config

__all__ = ["ProbeContext", "derive_driver_seed", "lend_env", "make_policy", "worker_episode_limit"]


@dataclass
class ProbeContext:
    """The subject of a run and the means to probe it.

    `seeds` always begins with 0. `limit` is the most steps that one episode is given. `instances` is learnt by the
    first probe that needs it, and kept for the others.
    """

    env: EnvTarget
    policy: PolicyTarget
    config: Config
    seeds: tuple[int, ...]
    facts: EnvFacts
    pool: WorkerPool
    open_pool: Callable[..., WorkerPool]
    progress: Callable[[int, int], None] = field(default=lambda _done, _total: None)
    instances: InstanceFacts | None = None

    @property
    def limit(self) -> int:
        """The env's own time limit, else the configured cap."""
        return self.facts.limit or self.config.env.max_episode_steps or self.config.env.endless_after_steps

    @property
    def drivers(self) -> tuple[str, ...]:
        """What drives the env: seeded random actions, held extremes, and the user's policy where there is one."""
        return (*DRIVERS, *(() if self.policy.name == "random" else ("policy",)))

    def map(self, job: Callable[..., Any], items: Sequence[tuple[Any, ...]]) -> list[Any]:
        """`WorkerPool.map` on the shared pool, with the progress told."""
        finished = 0

        def tell(_index: int, _result: object) -> None:
            nonlocal finished
            finished += 1
            self.progress(finished, len(items))

        return self.pool.map(job, items, on_done=tell)


def derive_driver_seed(seed: int) -> int:
    """The seed of whatever drives the episode: never the env's own, whose noise would then repeat in the actions."""
    return (seed * 2654435761 + 40503) % 2**31


def make_policy(context: WorkerContext, env: Any, driver: str, seed: int) -> Policy:
    """The driver of that name for `env`, in the worker."""
    if driver == "policy":
        policy: Policy = context.make_policy(env)
        return policy
    return make_driver(driver, env.action_space, derive_driver_seed(seed))


@contextlib.contextmanager
def lend_env(context: WorkerContext, *, single: bool = False) -> Iterator[Any]:
    """An env to play on: a fresh one, closed afterwards; or, for an env that a process can hold once only, the one.

    Raises EnvRaisedError where the env's constructor or `close` does.
    """
    if single:
        if "env" not in context.cache:
            context.cache["env"] = _make(context)
        yield context.cache["env"]
        return
    env = _make(context)
    try:
        yield env
    finally:
        close(context, env)


def close(context: WorkerContext, env: Any) -> None:
    """Close `env`; raises EnvRaisedError where that raises."""
    context.beat("close", 0)
    try:
        env.close()
    except USER_ERRORS as error:
        raise raised("close", 0, error) from None


def _make(context: WorkerContext) -> Any:
    try:
        return context.make_env()
    except USER_ERRORS as error:
        raise raised("make", 0, error) from None


def worker_episode_limit(limit: int) -> int:
    """The spec's cap for an env whose own limit is `limit`: one step more, so that a limit that is not kept shows."""
    return limit + 1
