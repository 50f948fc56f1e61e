"""Values as Python source: exact, short where they can be, needing numpy at most. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from pytest_rlguard.fingerprint import decode

__all__ = ["count_numbers", "render_actions", "render_sampled", "render_value"]

_WIDTH = 116
_NO_LITERAL = re.compile(r"\b(nan|inf)\b")


def render_value(value: Any) -> str:
    """Source that evaluates to `value`, dtype and last bit included."""
    if isinstance(value, np.ndarray):
        return f"np.array({_plain(value.tolist())}, dtype={_name_type(value.dtype.name)})"
    if isinstance(value, np.generic):
        return f"{_name_type(value.dtype.name)}({_plain(value.item())})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {render_value(item)}" for key, item in value.items()) + "}"
    if hasattr(value, "_fields"):
        return f"gymnasium.spaces.{type(value).__name__}{render_value(tuple(value))}"
    if isinstance(value, tuple):
        return "(" + "".join(f"{render_value(item)}, " for item in value).strip() + ")"
    if isinstance(value, list):
        return "[" + ", ".join(render_value(item) for item in value) + "]"
    return _plain(value)


def render_actions(name: str, actions: Sequence[bytes]) -> str:
    """`NAME = [...]`, on one line if it fits, else on as many as it takes; the dtype once where all share it."""
    values = [decode(action) for action in actions]
    shared = _shared_type(values)
    if shared:
        texts = [_plain(value.tolist()) for value in values]
        head, tail = f"{name} = np.array([", f"], dtype={shared})"
    else:
        texts = [render_value(value) for value in values]
        head, tail = f"{name} = [", "]"
    line = f"{head}{', '.join(texts)}{tail}"
    return line if len(line) <= _WIDTH else "\n".join([head, *_fill(texts), tail])


def _fill(texts: Sequence[str]) -> list[str]:
    """As many texts on a line as fit, at least one."""
    lines = [f"    {texts[0]},"]
    for text in texts[1:]:
        if len(lines[-1]) + len(text) + 2 <= _WIDTH:
            lines[-1] += f" {text},"
        else:
            lines.append(f"    {text},")
    return lines


def render_sampled(name: str, steps: int, driver_seed: int) -> str:
    """`NAME` as samples of the action space, for a sequence that was drawn so and is too long to write out."""
    return (
        f"space = make_env().action_space\nspace.seed({driver_seed})\n{name} = [space.sample() for _ in range({steps})]"
    )


def count_numbers(actions: Sequence[bytes]) -> int:
    """How many numbers it takes to write the actions out."""
    return sum(_size(decode(action)) for action in actions)


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_size(item) for item in value.values())
    if isinstance(value, tuple | list):
        return sum(_size(item) for item in value)
    return int(np.size(value)) if isinstance(value, np.ndarray) else 1


def _shared_type(values: Sequence[Any]) -> str:
    """The dtype that all actions share, if they are arrays of one shape or numpy scalars of one type."""
    kinds = {(type(value).__name__, value.dtype.name, value.shape) for value in values if hasattr(value, "dtype")}
    if len(kinds) == 1 and all(hasattr(value, "dtype") for value in values):
        return _name_type(kinds.pop()[1])
    return ""


def _name_type(name: str) -> str:
    """The type as every numpy spells it: `np.bool` came with numpy 2."""
    return "np.bool_" if name == "bool" else f"np.{name}"


def _plain(value: Any) -> str:
    return repr(value) if isinstance(value, str | bytes) else _NO_LITERAL.sub(r'float("\1")', repr(value))
