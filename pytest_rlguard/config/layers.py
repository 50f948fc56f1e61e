"""What was stated, where: the file's keys and the `--set` values, one over the other, and the place of each."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_rlguard.config.problems import Problem, show_value
from pytest_rlguard.config.root import ROOT_KEY
from pytest_rlguard.config.yaml_source import YamlSource, parse_value
from pytest_rlguard.errors import ConfigError

__all__ = ["FROM_SET", "Layers", "merge", "parse_overrides"]

FROM_SET = "--set"


@dataclass(frozen=True)
class Layers:
    """The file, if there is one, and the overrides by their path."""

    source: YamlSource | None
    overrides: Mapping[tuple[str, ...], object]

    def body(self) -> Mapping[str, Any]:
        """What stands under the root key, with the overrides over it. ConfigError if there is no such mapping."""
        body = {} if self.source is None else _open_root(self.source)
        for path, value in self.overrides.items():
            layer = value
            for key in reversed(path):
                layer = {key: layer}
            body = merge(body, layer)
        return body

    def find_misplaced(self) -> list[tuple[int, str]]:
        """Line and sentence of what the models cannot see: keys that stand twice, and keys beside the root key."""
        if self.source is None or not isinstance(self.source.value, Mapping):
            return []
        twice = [(d.line, f"key {d.key!r} stands twice, first in line {d.first_line}") for d in self.source.duplicates]
        beside = [
            (self.source.find_nearest_line((key,)), f"unknown key {key!r} beside {ROOT_KEY!r}: indent it, or remove it")
            for key in self.source.value
            if key != ROOT_KEY
        ]
        return twice + beside

    def place(self, problem: Problem) -> tuple[int, str]:
        """The line and the sentence of a problem; one that `--set` made has line 0."""
        if self.source is None or self._is_overridden(problem.path):
            return 0, problem.text
        return self.source.find_nearest_line((ROOT_KEY, *problem.path)), problem.text

    def find_origin(self, path: Sequence[Hashable]) -> str | None:
        """`--set` or `FILE:LINE`, or None for what neither states."""
        if self._is_overridden(path):
            return FROM_SET
        line = None if self.source is None else self.source.find_line((ROOT_KEY, *path))
        return None if self.source is None or line is None else f"{self.source.path}:{line}"

    def _is_overridden(self, path: Sequence[Hashable]) -> bool:
        """Whether an override states this key, the section around it, or a key within it."""
        pairs = [(tuple(path[: len(override)]), override[: len(path)]) for override in self.overrides]
        return any(stated == wanted and stated for stated, wanted in pairs)


def merge(under: Any, over: Any) -> Any:
    """`over` laid over `under`, key by key; an empty section (null) states nothing about the keys in it."""
    if not isinstance(under, Mapping):
        return over
    if over is None:
        return under
    if not isinstance(over, Mapping):
        return over
    return {**under, **{key: merge(under.get(key), value) for key, value in over.items()}}


def parse_overrides(overrides: Mapping[str, str] | Sequence[str]) -> dict[tuple[str, ...], object]:
    """`a.b=c` to the path (a, b) and the value that YAML reads in c; the last of two equal keys wins."""
    pairs = overrides.items() if isinstance(overrides, Mapping) else [_split_override(text) for text in overrides]
    parsed: dict[tuple[str, ...], object] = {}
    for key, text in pairs:
        try:
            parsed[tuple(key.split("."))] = parse_value(text)
        except ValueError as error:
            raise ConfigError(f"{FROM_SET} {key}={text}: not a YAML value: {error}") from error
    return parsed


def _split_override(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"{FROM_SET} {text}: expected KEY=VALUE, such as gates.seeds=standard")
    return key.strip(), value


def _open_root(source: YamlSource) -> Mapping[str, Any]:
    expected = f"expected the key {ROOT_KEY!r} with the settings under it"
    if source.value is None:
        raise ConfigError(f"{source.path}:1: the file is empty; {expected}")
    if not isinstance(source.value, Mapping):
        raise ConfigError(f"{source.path}:1: the file holds {show_value(source.value)}; {expected}")
    if ROOT_KEY not in source.value:
        raise ConfigError(f"{source.path}:1: {_describe_keys(source.value)}; {expected}")
    body = source.value[ROOT_KEY]
    if body is not None and not isinstance(body, Mapping):
        line = source.find_nearest_line((ROOT_KEY,))
        raise ConfigError(f"{source.path}:{line}: {ROOT_KEY} is {show_value(body)}; expected a mapping of sections")
    return body or {}


def _describe_keys(value: Mapping[Hashable, object]) -> str:
    keys = [str(key) for key in value]
    near = difflib.get_close_matches(ROOT_KEY, keys, n=1)
    return f"unknown root key {near[0] if near else keys[0]!r}" if keys else "the mapping is empty"
