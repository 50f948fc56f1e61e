"""The whole configuration: what stands under the root key `distributed_rl_pipeline`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from pytest_rlguard.config.gating import Gates, ReportFiles, Statistics
from pytest_rlguard.config.infrastructure import Infrastructure
from pytest_rlguard.config.section import Section
from pytest_rlguard.config.subject import Env, Policy, WorkerPool
from pytest_rlguard.config.training import ActorLearner, RewardMonitoring
from pytest_rlguard.config.transfer import SimToReal

__all__ = ["ROOT_KEY", "Config", "PresetName"]

ROOT_KEY = "distributed_rl_pipeline"
PresetName = Literal["dense_locomotion", "sparse_manipulation", "high_randomization", "large_fleet", "production"]


class Config(Section):
    """Every setting. A missing section or key has its default, or the value of the preset."""

    preset: PresetName | None = None
    env: Env = Env()
    policy: Policy = Policy()
    worker_pool: WorkerPool = WorkerPool()
    actor_learner: ActorLearner = ActorLearner()
    reward_monitoring: RewardMonitoring = RewardMonitoring()
    infrastructure: Infrastructure = Infrastructure()
    sim_to_real: SimToReal = SimToReal()
    gates: Gates = Gates()
    statistics: Statistics = Statistics()
    report: ReportFiles = ReportFiles()

    @model_validator(mode="after")
    def _refuse_threshold_that_cannot_be_reached(self) -> Self:
        threshold = self.reward_monitoring.cross_bucket_variance_threshold
        if self.statistics.variance_scale == "share" and threshold > 1:
            text = "no share of the variance exceeds 1; give a number up to 1, or another statistics.variance_scale"
            path = ("reward_monitoring", "cross_bucket_variance_threshold")
            raise PydanticCustomError("out_of_reach", text, {"path": path})
        return self
