"""Rollouts: whole episodes of an env under a policy, here or in a pool, stamped with the policy version."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from pytest_rlguard.errors import UsageError
from pytest_rlguard.pool import Deadlines, WorkerContext, WorkerPool
from pytest_rlguard.records import Episode, EpisodeSpec
from pytest_rlguard.stepper import play_episode
from pytest_rlguard.targets import resolve_env, resolve_policy

__all__ = ["make_specs", "open_pool", "play_spec", "resolve_workers", "run_episodes"]

_MAX_STEPS = 1000


def open_pool(
    env: object,
    *,
    policy: object = "random",
    workers: int | None = None,
    backend: str = "local",
    deadlines: Deadlines | None = None,
    hash_seed: int | None = None,
) -> WorkerPool:
    """A pool of workers that each build `env` and `policy` for themselves; a context manager.

    `workers` None means one for each core that is ours, at least 2. Raises TargetError for what is no env or policy,
    UsageError for a backend that does not exist.
    """
    if backend != "local":
        raise UsageError(f"there is no pool backend {backend!r}", advice="The one backend of this version is 'local'.")
    return WorkerPool(
        resolve_env(env),
        resolve_policy(policy),
        workers=resolve_workers(workers or "auto"),
        deadlines=deadlines or Deadlines(),
        hash_seed=hash_seed,
        play=play_spec,
    )


def run_episodes(
    env: object, policy: object = "random", *, episodes: int, root_seed: int = 0, workers: int | None = None
) -> list[Episode]:
    """Play `episodes` whole episodes and return them in the order of their ids, whichever worker played them.

    The seeds are spawned from `root_seed`; an env without a time limit of its own is cut at 1000 steps.
    """
    specs = make_specs(episodes, root_seed=root_seed)
    with open_pool(env, policy=policy, workers=workers) as pool:
        return sorted(pool.run(specs), key=lambda episode: episode.spec.episode_id)


def make_specs(episodes: int, *, root_seed: int = 0, max_steps: int = _MAX_STEPS) -> list[EpisodeSpec]:
    """Specs with ids from 0 and seeds spawned from `root_seed`."""
    children = np.random.SeedSequence(root_seed).spawn(episodes)
    seeds = [int(child.generate_state(1)[0]) >> 1 for child in children]
    return [EpisodeSpec(episode_id=number, seed=seed, max_steps=max_steps) for number, seed in enumerate(seeds)]


def play_spec(context: WorkerContext, spec: EpisodeSpec) -> Episode:
    """Play one spec in a worker, on its own env and policy, stamped with the version that the policy really has."""
    env = _cached(context, "rollout env", context.make_env)
    policy = _cached(context, f"rollout policy {context.policy_version}", lambda: context.make_policy(env))
    reset = getattr(policy, "reset", None)
    if callable(reset):
        reset(spec.seed)
    stamped = dataclasses.replace(spec, policy_version=context.policy_version)
    return play_episode(env, stamped, policy, beat=context.beat, worker=context.worker)


def resolve_workers(workers: int | str) -> int:
    """A number of workers: as given, or for `auto` the cores that are ours, at least 2."""
    if workers != "auto":
        return int(workers)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(2, cores)


def _cached(context: WorkerContext, key: str, make: Callable[[], Any]) -> Any:
    if key not in context.cache:
        context.cache[key] = make()
    return context.cache[key]
