"""A policy from a Stable-Baselines3 model: `sb3:model.zip`, as its own `save()` writes it.

Which algorithm saved it is read from the names in its JSON, before anything is unpickled. SB3's own loader does
unpickle, and a pickle can run any code: name only files that you trust.

What a policy does not need is left out of the load (seed, schedules, buffers, noise): it moves no global random state,
allocates no replay buffer, and models of another Python version load more often. Observations normalised by a
`VecNormalize` are not in the file: name code that loads both instead.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_rlguard.errors import TargetError

__all__ = ["load_policy"]

# The names that one algorithm saves and those further down do not; DDPG is saved as the TD3 that it is.
_MARKS = (
    ("PPO", {"clip_range", "n_epochs"}),
    ("DQN", {"exploration_fraction"}),
    ("TD3", {"policy_delay"}),
    ("SAC", {"target_entropy"}),
    ("A2C", {"gae_lambda"}),
)
_OTHERS_MARKS = {"cg_max_steps", "top_quantiles_to_drop_per_net", "delta_std"}  # TRPO, TQC, ARS of sb3-contrib
_KNOWN = ", ".join(["DDPG", *sorted(name for name, _ in _MARKS)])
_NAME_CODE = "Name code that loads it: --policy module:callable."
_LEFT_OUT: Mapping[str, object] = {
    "_last_episode_starts": None,
    "_last_obs": None,
    "_last_original_obs": None,
    "action_noise": None,
    "buffer_size": 1,
    "clip_range": 0.2,
    "clip_range_vf": None,
    "ep_info_buffer": None,
    "ep_success_buffer": None,
    "exploration_schedule": None,
    "learning_rate": 0.0,
    "lr_schedule": None,
    "n_envs": 1,
    "replay_buffer_class": None,
    "replay_buffer_kwargs": {},
    "rollout_buffer_class": None,
    "rollout_buffer_kwargs": {},
    "seed": None,
    "tensorboard_log": None,
}


def load_policy(path: Path, env: Any) -> Callable[[Any], Any]:
    """The deterministic policy of a saved model, on one CPU thread.

    Raises TargetError for what is no model of a known algorithm, does not load, or does not fit the env's spaces.
    """
    algorithm = _find_algorithm(path)
    model = _load_model(path, algorithm)
    _require_fit(path, model, env)
    space = env.action_space

    def policy(observation: Any) -> Any:
        action, _ = model.predict(observation, deterministic=True)
        return action.astype(space.dtype)[()]

    return policy


def _find_algorithm(path: Path) -> str:
    """The name of the class that saved the model, by the attributes that only it has."""
    names = _read_names(path)
    module = names["policy_class"].get("__module__", "") if isinstance(names.get("policy_class"), dict) else ""
    found = next((name for name, marks in _MARKS if marks <= names.keys()), None)
    if found is None or names.keys() & _OTHERS_MARKS or module.startswith("sb3_contrib"):
        origin = f" (policy class of {module})" if module else ""
        raise TargetError(f"{path} was saved by no known algorithm{origin}; known: {_KNOWN}", advice=_NAME_CODE)
    return found


def _read_names(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            found = json.loads(archive.read("data"))
    except (zipfile.BadZipFile, OSError):
        raise TargetError(f"{path} is no zip file", advice="Name what model.save() wrote.") from None
    except (KeyError, ValueError):
        found = None
    if not isinstance(found, dict):
        advice = "Name what model.save() wrote."
        raise TargetError(f"{path} is a zip file, but no Stable-Baselines3 model", advice=advice)
    return found


def _load_model(path: Path, algorithm: str) -> Any:
    try:
        import stable_baselines3
        import torch
    except ModuleNotFoundError as error:
        if error.name not in ("stable_baselines3", "torch"):
            raise
        message = "an sb3: policy needs stable-baselines3, which is not installed"
        raise TargetError(message, advice="pip install pytest-rlguard[sb3]") from None
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):  # networks are initialised before their weights are loaded
            return getattr(stable_baselines3, algorithm).load(path, device="cpu", custom_objects=dict(_LEFT_OUT))
    except Exception as error:  # noqa: BLE001 - the file's own code runs here
        told = (str(error).strip().splitlines() or [""])[0]
        raise TargetError(
            f"stable-baselines3 cannot load {path} as {algorithm}: {type(error).__name__}: {told}",
            advice=f"Load it with the version that saved it. {_NAME_CODE}",
        ) from None


def _require_fit(path: Path, model: Any, env: Any) -> None:
    for what in ("observation_space", "action_space"):
        trained, given = getattr(model, what), getattr(env, what)
        if trained not in (given, _as_network_sees(given)):
            raise TargetError(
                f"{path} does not fit the env: its {what} is {trained}, the env's is {given}",
                advice="Name a model that was trained on this env, in the same wrappers.",
            )


def _as_network_sees(space: Any) -> Any:
    """The space with its images turned to channels first, as SB3 turns them by itself, in training and in `predict`."""
    from gymnasium import spaces
    from stable_baselines3.common.preprocessing import (
        is_image_space,
        is_image_space_channels_first,
    )
    from stable_baselines3.common.vec_env import VecTransposeImage

    if isinstance(space, spaces.Dict):
        return spaces.Dict({key: _as_network_sees(part) for key, part in space.spaces.items()})
    if isinstance(space, spaces.Box) and is_image_space(space) and not is_image_space_channels_first(space):
        return VecTransposeImage.transpose_space(space)
    return space
