"""YAML as text with lines: read safely, every key once, and the line of any key on request."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pytest_rlguard.errors import ConfigError

__all__ = ["Duplicate", "YamlSource", "parse_value", "read_yaml"]


@dataclass(frozen=True)
class Duplicate:
    """A key that stands twice in one mapping."""

    key: str
    line: int
    first_line: int


@dataclass(frozen=True)
class YamlSource:
    """A file that was read: its value, its nodes (for the lines) and the keys that stand twice."""

    path: str
    value: object
    node: yaml.Node | None
    duplicates: tuple[Duplicate, ...] = ()

    def find_line(self, path: Sequence[Hashable]) -> int | None:
        """The line where this key or list item stands, or None if the file does not state it."""
        node, line = self.node, 1
        for key in path:
            found = _find_child(node, key)
            if found is None:
                return None
            node, line = found
        return line

    def find_nearest_line(self, path: Sequence[Hashable]) -> int:
        """The line of the key itself, else of the innermost section around it."""
        lines = (self.find_line(path[:depth]) for depth in range(len(path), 0, -1))
        return next((line for line in lines if line is not None), 1)


def read_yaml(path: Path) -> YamlSource:
    """The file's content. ConfigError names file and line of what is not YAML."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"cannot read the configuration {path}: {reason}", advice="name a YAML file") from error
    try:
        loader = _Loader(content)
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}{_describe_place(error)}: not valid YAML: {_describe_fault(error)}") from error
    return YamlSource(str(path), value, node, tuple(loader.duplicates))


def parse_value(text: str) -> object:
    """One value as YAML reads it: `4` is a number, `[a, b]` a list. ValueError says why it is none."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (the loader is a SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(_describe_fault(error)) from error


class _Loader(yaml.SafeLoader):
    """A SafeLoader that notes duplicate keys, which PyYAML lets pass, and reads `1e-3` as the number that it is."""

    def __init__(self, stream: bytes | str) -> None:
        super().__init__(stream)
        self.duplicates: list[Duplicate] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:  # noqa: FBT001, FBT002 (PyYAML's signature)
        first_lines: dict[tuple[str, str], int] = {}
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                line = key_node.start_mark.line + 1
                name = (key_node.tag, key_node.value)
                if name in first_lines:
                    self.duplicates.append(Duplicate(key_node.value, line, first_lines[name]))
                first_lines.setdefault(name, line)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _find_child(node: yaml.Node | None, key: Hashable) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in reversed(node.value):
            if key_node.value == str(key):
                return value_node, key_node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item: yaml.Node = node.value[key]
        return item, item.start_mark.line + 1
    return None


def _describe_place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _describe_fault(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return f"{reason}; indent with spaces" if "\\t" in reason else reason
