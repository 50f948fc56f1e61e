"""How often an env can exist: two at once in one process, or one after the other. Every stage needs to know."""

from __future__ import annotations

from typing import Any

from pytest_rlguard.evidence import InstanceFacts
from pytest_rlguard.pool import JobResult, WorkerContext
from pytest_rlguard.probes.context import ProbeContext, lend_env, make_policy
from pytest_rlguard.records import EpisodeSpec
from pytest_rlguard.stepper import EnvRaisedError, play_episode

__all__ = ["collect_instances"]

_STEPS = 3


def collect_instances(context: ProbeContext) -> InstanceFacts:
    """Make, step and close two envs in one process, side by side and in turn; learnt once a run."""
    if context.instances is None:
        context.instances = _read(*(_ask_new_process(context, how) for how in ("together", "in turn", "alone")))
    return context.instances


def _ask_new_process(context: ProbeContext, how: str) -> JobResult[str]:
    """What a broken simulator leaves in a process must not reach the other questions, nor the stage's episodes."""
    with context.open_pool(workers=1) as pool:
        (result,) = pool.map(_hold, [(how,)])
    return result


def _read(together: JobResult[str], in_turn: JobResult[str], alone: JobResult[str]) -> InstanceFacts:
    """An env that fails alone too says nothing of instances: that is another rule's business."""
    if _problem(alone):
        return InstanceFacts(coexist=True, remake=True)
    remake = not _problem(in_turn)
    problem = _problem(together) or _problem(in_turn)
    return InstanceFacts(coexist=not _problem(together) and remake, remake=remake, problem=problem)


def _problem(result: JobResult[str]) -> str:
    if result.exit is not None:
        return result.exit.describe()
    if result.crash is not None:
        return result.crash.describe()
    return result.value or ""


def _hold(context: WorkerContext, how: str) -> str:
    """What went wrong, empty if nothing did."""
    try:
        if how == "together":
            return _hold_together(context)
        for turn in range(2 if how == "in turn" else 1):
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
            _step(context, first, seed=0)
    except EnvRaisedError as error:
        return f"{what}: {error.crash.describe()}"
    return ""


def _step(context: WorkerContext, env: Any, seed: int) -> None:
    spec = EpisodeSpec(episode_id=0, seed=seed, max_steps=_STEPS)
    episode = play_episode(env, spec, make_policy(context, env, "random", seed), beat=context.beat)
    if episode.crash:
        raise EnvRaisedError(episode.crash)
