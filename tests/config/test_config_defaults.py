"""The built-in configuration is the specification's, name by name and value by value."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from pytest_rlguard import gates
from pytest_rlguard.config import Config, load_config
from pytest_rlguard.config.gating import Stage

SPECIFIED = {
    "actor_learner.max_policy_lag": 2,
    "actor_learner.learner_queue_timeout_sec": 5.0,
    "actor_learner.stale_batch_action": "drop",
    "reward_monitoring.enable_bucket_logging": True,
    "reward_monitoring.cross_bucket_variance_threshold": 0.25,
    "reward_monitoring.alert_on_exploitation": True,
    "infrastructure.chaos_testing.enabled": True,
    "infrastructure.chaos_testing.worker_crash_rate": 0.05,
    "infrastructure.chaos_testing.validation_duration_sec": 300.0,
    "infrastructure.memory_management.fragmentation_threshold": 0.85,
    "infrastructure.memory_management.learner_recycle_interval_epochs": 50,
    "sim_to_real.canonical_eval_interval_epochs": 10,
    "sim_to_real.gap_alert_threshold": 0.15,
    "sim_to_real.hardware_calibration_suite": "canonical_manipulation_v2",
    "preset": None,
    "env.target": None,
    "env.kwargs": {},
    "env.reproducible": True,
    "env.max_episode_steps": 1000,
    "env.endless_after_steps": 20_000,
    "policy.target": "random",
    "worker_pool.workers": "auto",
    "worker_pool.step_deadline_sec": 10.0,
    "worker_pool.start_deadline_sec": 60.0,
    "worker_pool.seeding": "spawn",
    "gates.stages": None,
    "gates.seeds": "quick",
    "gates.root_seed": 0,
    "gates.strict": False,
    "gates.require": [],
    "gates.waivers": [],
    "statistics.max_episodes": 2000,
    "statistics.alpha_pass": 0.05,
    "statistics.alpha_fail": 0.025,
    "statistics.relative_margin": 0.05,
    "statistics.variance_scale": "share",
    "report.json": None,
    "report.junit": None,
}


def test_every_value_is_the_specified_one_and_comes_from_the_default() -> None:
    rows = list(load_config(None).values())
    assert {key: value for key, value, _ in rows} == SPECIFIED
    assert {origin for _, _, origin in rows} == {"default"}


def test_the_stage_names_are_those_of_the_gates() -> None:
    assert get_args(Stage) == gates.STAGES


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Config().gates.strict = True


def test_the_configuration_can_be_made_in_python() -> None:
    config = Config.model_validate({"gates": {"seeds": "standard", "stages": ["contract"]}})
    assert config.gates.seeds == "standard"
    assert config.gates.stages == ("contract",)
