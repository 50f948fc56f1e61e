"""Override over file over preset over default, each value with the place that it came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from pytest_rlguard import gates
from pytest_rlguard.config import Config, load_config
from pytest_rlguard.config.presets import PRESETS
from pytest_rlguard.config.root import PresetName

FILE = """\
distributed_rl_pipeline:
  preset: production
  actor_learner:
    max_policy_lag: 1
  env:
    kwargs: {size: 3, wind: 0.5}
  report: {json: out.json}
"""


def test_each_layer_wins_over_the_one_below(write: Callable[[str], Path]) -> None:
    loaded = load_config(write(FILE), overrides=["sim_to_real.gap_alert_threshold=0.3"])
    origins = loaded.origins
    assert loaded.config.sim_to_real.gap_alert_threshold == 0.3
    assert origins["sim_to_real.gap_alert_threshold"] == "--set"
    assert loaded.config.actor_learner.max_policy_lag == 1
    assert origins["actor_learner.max_policy_lag"] == "rlguard.yaml:4"
    assert origins["actor_learner.stale_batch_action"] == "preset production"
    assert origins["actor_learner.learner_queue_timeout_sec"] == "default"
    assert origins["preset"] == "rlguard.yaml:2"
    assert origins["report.json"] == "rlguard.yaml:7"
    assert loaded.config.report.json_path == "out.json"


def test_an_override_reaches_into_the_keyword_arguments(write: Callable[[str], Path]) -> None:
    loaded = load_config(write(FILE), overrides=["env.kwargs.size=4"])
    assert loaded.config.env.kwargs == {"size": 4, "wind": 0.5}
    assert loaded.origins["env.kwargs"] == "--set"


def test_overrides_may_be_a_mapping_and_read_their_values_as_yaml() -> None:
    loaded = load_config(None, overrides={"gates.stages": "[contract]", "env.max_episode_steps": "null"})
    assert loaded.config.gates.stages == ("contract",)
    assert loaded.config.env.max_episode_steps is None


def test_a_preset_can_be_an_override(write: Callable[[str], Path]) -> None:
    loaded = load_config(write(FILE), overrides=["preset=dense_locomotion", "preset=sparse_manipulation"])
    assert loaded.config.preset == "sparse_manipulation"
    assert loaded.config.actor_learner.max_policy_lag == 1
    assert loaded.config.gates.require == ()


@pytest.mark.parametrize("name", get_args(PresetName))
def test_every_preset_is_a_valid_configuration(name: str) -> None:
    loaded = load_config(None, overrides=[f"preset={name}"])
    assert f"preset {name}" in loaded.origins.values()


def test_the_presets_say_what_their_situations_need() -> None:
    configs = {name: Config.model_validate(values) for name, values in PRESETS.items()}
    assert configs["dense_locomotion"].actor_learner.max_policy_lag == 3
    assert configs["sparse_manipulation"].actor_learner.max_policy_lag == 2
    assert configs["sparse_manipulation"].actor_learner.stale_batch_action == "drop"
    assert PRESETS["high_randomization"]["reward_monitoring"]["alert_on_exploitation"] is True
    assert set(PRESETS["large_fleet"]["infrastructure"]) == {"chaos_testing", "memory_management"}
    assert configs["production"].gates.require == tuple(stage for stage in gates.STAGES if stage != "train")
