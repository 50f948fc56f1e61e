"""The sections about the learner's data: `actor_learner` and `reward_monitoring`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pytest_rlguard.config.section import Seconds, Section

__all__ = ["ActorLearner", "RewardMonitoring"]


class ActorLearner(Section):
    """How old a batch may be when the learner takes it, and what becomes of one that is older."""

    max_policy_lag: Annotated[int, Field(ge=0, le=1_000)] = 2
    learner_queue_timeout_sec: Seconds = 5.0
    stale_batch_action: Literal["drop", "correct", "warn"] = "drop"


class RewardMonitoring(Section):
    """How far the randomization buckets may pay apart. `statistics.variance_scale` is the threshold's unit."""

    enable_bucket_logging: bool = True
    cross_bucket_variance_threshold: Annotated[float, Field(gt=0, le=1e12)] = 0.25
    alert_on_exploitation: bool = True
