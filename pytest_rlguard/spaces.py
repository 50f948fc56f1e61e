"""What a gymnasium space says: its identity, the fixed form of its values, why a value is outside, its extremes. Pure.

Every space of gymnasium is covered (Box, Discrete, MultiDiscrete, MultiBinary, Dict, Tuple, Text, Graph, Sequence,
OneOf); a space of another library counts by its `repr` and its own `contains` and `sample`.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from gymnasium import spaces

__all__ = ["extreme_action", "find_violation", "fork_space", "identify_space", "iterate_leaves", "value_form"]

_UNBOUNDED_EXTREME = 10.0
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def identify_space(space: Any) -> tuple[Any, ...]:
    """A plain nested value that is equal for equal spaces, exact where `repr` rounds or abbreviates."""
    name = type(space).__name__
    if isinstance(space, spaces.Box):
        return name, space.low.copy(), space.high.copy(), str(space.dtype)
    if isinstance(space, spaces.Discrete):
        return name, int(space.n), int(space.start)
    if isinstance(space, spaces.MultiDiscrete):
        return name, np.array(space.nvec), np.array(getattr(space, "start", 0)), str(space.dtype)
    if isinstance(space, spaces.Dict):
        return name, {str(key): identify_space(part) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple) or name == "OneOf":
        return name, tuple(identify_space(part) for part in space.spaces)
    if isinstance(space, spaces.Sequence):
        return name, identify_space(space.feature_space), bool(getattr(space, "stack", False))
    if isinstance(space, spaces.Graph):
        edge = None if space.edge_space is None else identify_space(space.edge_space)
        return name, identify_space(space.node_space), edge
    return name, _ADDRESS.sub("", repr(space))


def value_form(space: Any, value: Any) -> Any:
    """The part of a value's shape and dtype that `space` fixes, as plain data: two values of one env must agree on it.

    Lengths that the space leaves open (Sequence, Text, the nodes of a Graph, the arm of a OneOf) are not part of it.
    """
    if isinstance(space, spaces.Dict) and isinstance(value, dict):
        return {str(key): value_form(space.spaces.get(key), part) for key, part in value.items()}
    if isinstance(space, spaces.Tuple) and isinstance(value, tuple | list):
        parts = zip(value, space.spaces, strict=False)
        return (len(value), *(value_form(part_space, part) for part, part_space in parts))
    if isinstance(space, spaces.Graph) and hasattr(value, "nodes"):
        nodes = np.asarray(value.nodes)
        return "graph", nodes.shape[1:], str(nodes.dtype)
    if isinstance(space, spaces.Sequence | spaces.Text) or type(space).__name__ == "OneOf":
        return type(space).__name__
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype)
    return type(value).__name__


def find_violation(space: Any, value: Any) -> tuple[str, str] | None:
    """Why `value` is not in `space`: (key, reason), the first one found; None if the space contains it."""
    try:
        if _contains(space, value):
            return None
    except Exception as error:  # noqa: BLE001 - whatever a foreign `contains` raises is its answer
        return "", f"the space's contains() raised {type(error).__name__}: {error}"
    if isinstance(space, spaces.Dict):
        return _dict_violation(space, value)
    if isinstance(space, spaces.Tuple) and isinstance(value, tuple) and len(value) == len(space.spaces):
        return _part_violation((f"[{i}]", part, value[i]) for i, part in enumerate(space.spaces))
    if isinstance(space, spaces.Sequence) and isinstance(value, tuple):
        return _part_violation((f"[{i}]", space.feature_space, part) for i, part in enumerate(value))
    if isinstance(space, spaces.Box):
        return _box_violation(space, value)
    return "", f"{_short(value)} ({type(value).__name__}) is not in {_short(space)}"


def _contains(space: Any, value: Any) -> bool:
    """The space's own answer. gymnasium warns where it casts a value first: under `-W error` that is no answer."""
    try:
        return bool(space.contains(value))
    except Warning:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(space.contains(value))


def _part_violation(parts: Iterator[tuple[str, Any, Any]]) -> tuple[str, str]:
    for key, space, value in parts:
        if found := find_violation(space, value):
            return key + found[0], found[1]
    return "", "the space's contains() says no, though each part is in its own space"


def _dict_violation(space: spaces.Dict, value: Any) -> tuple[str, str]:
    if not isinstance(value, dict):
        return "", f"expected a dict, got {type(value).__name__}"
    if set(value) != set(space.spaces):
        missing, extra = set(space.spaces) - set(value), set(value) - set(space.spaces)
        return "", f"keys missing: {sorted(map(str, missing))}, keys not declared: {sorted(map(str, extra))}"
    return _part_violation((f"[{key!r}]", part, value[key]) for key, part in space.spaces.items())


def _box_violation(space: spaces.Box, value: Any) -> tuple[str, str]:
    if not isinstance(value, np.ndarray | np.generic):
        return "", f"expected an array of shape {space.shape}, got {type(value).__name__} {_short(value)}"
    if value.shape != space.shape:
        return ".shape", f"shape {value.shape}, declared {space.shape}"
    if not np.can_cast(value.dtype, space.dtype):
        return ".dtype", f"dtype {value.dtype}, declared {space.dtype}"
    return _bounds_violation(space, np.asarray(value))


def _bounds_violation(space: spaces.Box, value: np.ndarray) -> tuple[str, str]:
    outside = ~((value >= space.low) & (value <= space.high))
    if not outside.any():
        return "", f"{_short(value)} is not in {_short(space)}"
    index = tuple(int(i) for i in np.argwhere(outside)[0])
    key = f"[{', '.join(map(str, index))}]" if index else ""
    if np.isnan(value[index]):
        return key, "NaN"
    return key, f"{value[index].item()!r} is outside [{space.low[index].item()!r}, {space.high[index].item()!r}]"


def fork_space(space: Any, seed: int) -> Any:
    """A copy of `space` with its own generator: drawing from it touches nobody else's."""
    fork = copy.deepcopy(space)
    fork.seed(seed)
    return fork


def extreme_action(space: Any, rng: np.random.Generator) -> Any:
    """A value at the edge of `space`, every independent part at one of its ends; where a space has none, a sample.

    An unbounded side of a Box counts as 10 in its direction. `space` must be the caller's own (`fork_space`).
    """
    for kind, pick in _EXTREMES:
        if isinstance(space, kind):
            return pick(space, rng)
    return space.sample()


def _extreme_box(space: spaces.Box, rng: np.random.Generator) -> np.ndarray:
    if not np.issubdtype(space.dtype, np.floating):
        return np.where(rng.random(space.shape) < 0.5, space.low, space.high).astype(space.dtype)  # noqa: PLR2004
    low = np.where(np.isfinite(space.low), space.low, np.minimum(-_UNBOUNDED_EXTREME, space.high))
    high = np.where(np.isfinite(space.high), space.high, np.maximum(_UNBOUNDED_EXTREME, low))
    return np.where(rng.random(space.shape) < 0.5, low, high).astype(space.dtype)  # noqa: PLR2004 - a fair coin


def _extreme_multi_discrete(space: spaces.MultiDiscrete, rng: np.random.Generator) -> np.ndarray:
    start = np.asarray(getattr(space, "start", 0))
    picked: np.ndarray = (start + np.where(rng.random(space.nvec.shape) < 0.5, 0, space.nvec - 1)).astype(space.dtype)  # noqa: PLR2004
    return picked


_EXTREMES: tuple[tuple[type, Callable[[Any, np.random.Generator], Any]], ...] = (
    (spaces.Box, _extreme_box),
    (spaces.Discrete, lambda space, rng: np.int64(space.start + (space.n - 1) * rng.integers(2))),
    (spaces.MultiDiscrete, _extreme_multi_discrete),
    (spaces.MultiBinary, lambda space, rng: np.full(space.shape, rng.integers(2), space.dtype)),
    (spaces.Dict, lambda space, rng: {key: extreme_action(part, rng) for key, part in space.spaces.items()}),
    (spaces.Tuple, lambda space, rng: tuple(extreme_action(part, rng) for part in space.spaces)),
)


def iterate_leaves(space: Any) -> Iterator[Any]:
    """The spaces that hold values themselves, through Dict, Tuple and OneOf."""
    parts = getattr(space, "spaces", None)
    if parts is None:
        yield space
    else:
        for part in parts.values() if hasattr(parts, "values") else parts:
            yield from iterate_leaves(part)


def _short(value: object, limit: int = 80) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
