"""The presets: five situations, each with the values that it states. Explicit keys win over them.

A preset states values also where they equal today's defaults: a default may move with a release, a preset may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_rlguard.config.root import PresetName

__all__ = ["PRESETS"]

_BUCKETS = {
    "enable_bucket_logging": True,
    "cross_bucket_variance_threshold": 0.25,
    "alert_on_exploitation": True,
}
_FLEET = {
    "chaos_testing": {"enabled": True, "worker_crash_rate": 0.05, "validation_duration_sec": 300.0},
    "memory_management": {"fragmentation_threshold": 0.85, "learner_recycle_interval_epochs": 50},
}

PRESETS: Mapping[PresetName, Mapping[str, Any]] = {
    "dense_locomotion": {"actor_learner": {"max_policy_lag": 3}},
    "sparse_manipulation": {"actor_learner": {"max_policy_lag": 2, "stale_batch_action": "drop"}},
    "high_randomization": {"reward_monitoring": _BUCKETS},
    "large_fleet": {"infrastructure": _FLEET},
    "production": {
        "actor_learner": {"max_policy_lag": 2, "stale_batch_action": "drop"},
        "reward_monitoring": _BUCKETS,
        "infrastructure": _FLEET,
        "sim_to_real": {"canonical_eval_interval_epochs": 10, "gap_alert_threshold": 0.15},
        "gates": {
            "require": [
                "contract",
                "determinism",
                "dataflow",
                "invariance",
                "scaling",
                "chaos",
                "memory",
                "transfer",
            ]
        },
    },
}
