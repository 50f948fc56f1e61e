"""How often an env can exist: two at once in one process, or one after the other. Every stage needs to know."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from pytest_rlguard.evidence import InstanceFacts
from pytest_rlguard.pool import JobResult, WorkerContext, WorkerPool
from pytest_rlguard.probes.context import ProbeContext, lend_env, make_policy
from pytest_rlguard.records import EpisodeSpec
from pytest_rlguard.stepper import EnvRaisedError, play_episode

__all__ = ["collect_instances"]

_STEPS = 3


def collect_instances(context: ProbeContext) -> InstanceFacts:
    """Make, step and close two envs in one process, side by side and in turn; learnt once a run."""
    if context.instances is None:
        (both,) = context.pool.map(_hold, [(("together", "in turn"),)])
        if _problem(both):
            context.instances = _diagnose(context)
            _renew_workers(context.pool)
        else:
            context.instances = InstanceFacts(coexist=True, remake=True)
    return context.instances


def _diagnose(context: ProbeContext) -> InstanceFacts:
    """What exactly fails, each way in a new process: what a broken simulator leaves behind must not reach the others.

    An env that fails alone too says nothing of instances: that is another rule's business.
    """
    with context.open_pool(workers=3) as fresh:
        together, in_turn, alone = fresh.on_each(_hold, [(("together",),), (("in turn",),), (("alone",),)])
    if _problem(alone):
        return InstanceFacts(coexist=True, remake=True, problem=_problem(alone))
    remake = not _problem(in_turn)
    problem = _problem(together) or _problem(in_turn)
    return InstanceFacts(coexist=not _problem(together) and remake, remake=remake, problem=problem)


def _renew_workers(pool: WorkerPool) -> None:
    """The env was made, and perhaps broke, in some of them: the stage's episodes begin in new ones."""
    for worker in pool.workers():
        pool.kill(worker.index)


def _problem(result: JobResult[str]) -> str:
    if result.exit is not None:
        return result.exit.describe()
    if result.crash is not None:
        return result.crash.describe()
    return result.value or ""


def _hold(context: WorkerContext, ways: tuple[str, ...]) -> str:
    """What went wrong first, empty if nothing did."""
    return next((problem for way in ways if (problem := _WAYS[way](context))), "")


def _hold_alone(context: WorkerContext) -> str:
    return _hold_in_turn(context, turns=1)


def _hold_in_turn(context: WorkerContext, turns: int = 2) -> str:
    try:
        for turn in range(turns):
            with lend_env(context) as env:
                _step(context, env, seed=turn)
    except EnvRaisedError as error:
        return f"a second instance after the first was closed: {error.crash.describe()}"
    return ""


def _hold_together(context: WorkerContext) -> str:
    what = "a second instance beside the first"
    try:
        with lend_env(context) as first:
            _step(context, first, seed=0)
            with lend_env(context) as second:
                _step(context, second, seed=1)
                _step(context, first, seed=0)
            what = "an instance after its sibling was closed"
            del second  # its __del__ may close what both use
            gc.collect()
            _step(context, first, seed=0)
    except EnvRaisedError as error:
        return f"{what}: {error.crash.describe()}"
    return ""


_WAYS: dict[str, Callable[[WorkerContext], str]] = {
    "alone": _hold_alone,
    "in turn": _hold_in_turn,
    "together": _hold_together,
}


def _step(context: WorkerContext, env: Any, seed: int) -> None:
    spec = EpisodeSpec(episode_id=0, seed=seed, max_steps=_STEPS)
    episode = play_episode(env, spec, make_policy(context, env, "random", seed), beat=context.beat)
    if episode.crash:
        raise EnvRaisedError(episode.crash)
