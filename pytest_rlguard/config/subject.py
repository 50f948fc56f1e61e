"""The sections about what is tested: `env`, `policy` and `worker_pool`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_rlguard.config.section import Count, ImportPath, Name, Seconds, Section

__all__ = ["Env", "Policy", "WorkerPool"]


class Env(Section):
    """The env, how it is built, and what it promises.

    `max_episode_steps` cuts an episode where the env declares no time limit of its own; null lets it run on, and
    past `endless_after_steps` it counts as one that never ends. `reproducible: false` declares randomness that no seed
    rules.
    """

    target: Name | None = None
    kwargs: dict[str, Any] = Field(default_factory=dict)
    reproducible: bool = True
    max_episode_steps: Count | None = 1_000
    endless_after_steps: Count = 20_000


class Policy(Section):
    """What drives the env: `random`, `module:callable`, or a file."""

    target: Name = "random"


class WorkerPool(Section):
    """The worker processes: `auto` is one a core, at least two; `seeding` is how the pipeline seeds its workers."""

    workers: Annotated[int, Field(ge=1, le=4_096)] | Literal["auto"] = "auto"
    step_deadline_sec: Seconds = 10.0
    start_deadline_sec: Seconds = 60.0
    seeding: Literal["spawn", "base_plus_index"] | ImportPath = "spawn"
