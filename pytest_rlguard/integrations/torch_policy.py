"""A policy from a torch file: the plain checkpoint that `ci/train.py` writes, and nothing that could run code.

The format is `rlguard-mlp-1`, a dict of tensors and names that its docstring describes. It is read with
`weights_only=True`; a pickled module, a TorchScript archive or a bare state dict says too little or too much, and is
refused.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_rlguard.errors import TargetError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["load_policy"]

_FORMAT = "rlguard-mlp-1"
_ADVICE = "Save it as ci/train.py --checkpoint does, or name code that loads it: --policy module:callable."
_KEYS = ("activation", "layers", "state_dict", "action", "obs_mean", "obs_var")


def load_policy(path: Path, env: Any) -> Callable[[Any], Any]:
    """The deterministic policy of a checkpoint, on one CPU thread.

    Raises TargetError for what is no such checkpoint, is damaged, or does not fit the env's spaces.
    """
    torch = _import_torch()
    torch.set_num_threads(1)
    checkpoint = _read(torch, path)
    try:
        layers = _read_layers(checkpoint)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        told = " ".join(str(error).split())
        raise TargetError(f"{path} is a damaged {_FORMAT} checkpoint: {told}", advice=_ADVICE) from None
    act = _discrete_action if checkpoint["action"] == "discrete" else _box_action
    _require_fit(path, checkpoint, env)
    mean, std = checkpoint["obs_mean"].float(), checkpoint["obs_var"].float().sqrt()
    space = env.action_space

    def policy(observation: Any) -> Any:
        with torch.inference_mode():
            flat = torch.as_tensor(observation, dtype=torch.float32).reshape(-1)
            out = (flat - mean) / std
            for number, (weight, bias) in enumerate(layers):
                out = torch.addmv(bias, weight, out if number == 0 else out.tanh())
            return act(space, out)

    return policy


def _import_torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise TargetError("a .pt policy needs torch, which is not installed", advice="pip install torch") from None
    return torch


def _read(torch: Any, path: Path) -> Mapping[str, Any]:
    try:
        with warnings.catch_warnings():  # about the kind of file that we then name ourselves
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - a file of any kind; torch has no one class for a wrong one
        kind = "a TorchScript archive" if "TorchScript" in str(error) else "no checkpoint of plain tensors"
        raise TargetError(f"{path} is {kind}, expected format {_FORMAT}", advice=_ADVICE) from None
    if isinstance(found, Mapping) and found.get("format") == _FORMAT:
        return found
    if isinstance(found, Mapping) and "format" in found:
        kind = f"of format {found['format']!r}"
    else:
        kind = "a bare state dict" if isinstance(found, Mapping) else f"a {type(found).__name__}"
    raise TargetError(f"{path} is {kind}, expected format {_FORMAT}", advice=_ADVICE)


def _read_layers(checkpoint: Mapping[str, Any]) -> list[tuple[Tensor, Tensor]]:
    """The weight and bias of each layer. Whatever it raises says what is wrong with the checkpoint."""
    if missing := [key for key in _KEYS if key not in checkpoint]:
        raise ValueError(f"it has no {', '.join(missing)}")
    if checkpoint["activation"] != "tanh" or checkpoint["action"] not in ("discrete", "box"):
        raise ValueError(f"activation {checkpoint['activation']!r}, action {checkpoint['action']!r}")
    sizes, tensors = checkpoint["layers"], checkpoint["state_dict"]
    found = []
    for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        weight, bias = tensors[f"{2 * index}.weight"].float(), tensors[f"{2 * index}.bias"].float()
        if tuple(weight.shape) != (fan_out, fan_in) or tuple(bias.shape) != (fan_out,):
            raise ValueError(f"layer {index} is {tuple(weight.shape)}, expected {(fan_out, fan_in)}")
        found.append((weight, bias))
    if not found or len(tensors) != 2 * len(found):
        raise ValueError(f"{len(tensors)} tensors for layers {sizes}")
    for key in ("obs_mean", "obs_var"):
        if tuple(checkpoint[key].shape) != (sizes[0],):
            raise ValueError(f"{key} has shape {tuple(checkpoint[key].shape)}, expected {(sizes[0],)}")
    return found


def _require_fit(path: Path, checkpoint: Mapping[str, Any], env: Any) -> None:
    sizes, kind = checkpoint["layers"], checkpoint["action"]
    takes, gives = (_box_size(env.observation_space), _action_size(env.action_space, kind))
    if (takes, gives) != (sizes[0], sizes[-1]):
        acts = f"{sizes[-1]} logits" if kind == "discrete" else f"a Box of {sizes[-1]}"
        raise TargetError(
            f"{path} does not fit the env: it takes a Box of {sizes[0]} numbers and gives {acts};"
            f" the env observes {env.observation_space} and acts in {env.action_space}",
            advice="Name a checkpoint that was trained on this env.",
        )


def _box_size(space: Any) -> int | None:
    """How many numbers a Box holds; None for another space."""
    return math.prod(space.shape) if hasattr(space, "low") and hasattr(space, "high") else None


def _action_size(space: Any, kind: str) -> int | None:
    """How many outputs drive the space, if a policy of that kind can."""
    if kind == "box":
        return _box_size(space)
    return int(space.n) if hasattr(space, "start") and hasattr(space, "n") else None


def _discrete_action(space: Any, out: Tensor) -> Any:
    return space.dtype.type(int(out.argmax()) + int(space.start))


def _box_action(space: Any, out: Tensor) -> Any:
    return out.numpy().reshape(space.shape).clip(space.low, space.high).astype(space.dtype)
