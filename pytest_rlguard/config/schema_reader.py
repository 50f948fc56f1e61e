"""Reads the JSON schema that pydantic makes of the models: the keys of a section, and in words what a value may be."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["SchemaReader"]


class SchemaReader:
    """A JSON schema, walked by the path of a key. A node is the part of the schema that stands for one key."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Read `schema` as pydantic wrote it, with its definitions."""
        self._schema = schema

    def follow(self, path: Sequence[Hashable]) -> tuple[tuple[Hashable, ...], Mapping[str, Any]]:
        """The longest start of `path` that the schema knows, and the node there."""
        node = self._schema
        for depth, key in enumerate(path):
            inner = self._step(node, key)
            if inner is None:
                return tuple(path[:depth]), node
            node = inner
        return tuple(path), node

    def keys(self, node: Mapping[str, Any]) -> list[str]:
        """The keys of a section, none where the node is no section."""
        return [key for branch in self._branches(node) for key in branch.get("properties", {})]

    def walk_keys(self, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
        """Every key of every section, with its dotted path."""
        _, section = self.follow(prefix)
        for key in self.keys(section):
            yield key, ".".join((*prefix, key))
            yield from self.walk_keys((*prefix, key))

    def choices(self, node: Mapping[str, Any]) -> list[str]:
        """The words that a value may be, none where any is taken."""
        return [
            word
            for branch in self._branches(node)
            for word in branch.get("enum", [branch["const"]] if "const" in branch else [])
        ]

    def takes_text(self, node: Mapping[str, Any]) -> bool:
        """Whether some text would be right here."""
        return any(branch.get("type") == "string" for branch in self._branches(node))

    def describe(self, node: Mapping[str, Any]) -> str:
        """What is expected here, in words: `a whole number from 0 to 1000`."""
        return ", or ".join(self._describe_branch(branch) for branch in self._branches(node))

    def _describe_branch(self, branch: Mapping[str, Any]) -> str:
        if words := self.choices(branch):
            return f"one of {', '.join(words)}" if len(words) > 1 else words[0]
        if "items" in branch:
            return f"a list, each item {self.describe(branch['items'])}"
        if keys := self.keys(branch):
            return f"a section with the keys {', '.join(keys)}"
        return _describe_scalar(branch)

    def _step(self, node: Mapping[str, Any], key: Hashable) -> Mapping[str, Any] | None:
        for branch in self._branches(node):
            inner = branch.get("items") if isinstance(key, int) else branch.get("properties", {}).get(key)
            if inner is not None:
                return dict(inner)
        return None

    def _branches(self, node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The node itself behind its references, or the members of its union."""
        while "$ref" in node:
            node = self._schema["$defs"][node["$ref"].rpartition("/")[2]]
        return [branch for member in node["anyOf"] for branch in self._branches(member)] if "anyOf" in node else [node]


def _describe_scalar(branch: Mapping[str, Any]) -> str:
    match branch.get("type"):
        case "integer":
            return f"a whole number{_describe_range(branch)}"
        case "number":
            return f"a number{_describe_range(branch)}"
        case "boolean":
            return "true or false"
        case "string":
            examples = branch.get("examples", ())
            return f"text like {examples[0]}" if examples else "text that is not empty"
        case "object":
            return "a mapping"
        case kind:
            return str(kind)


def _describe_range(branch: Mapping[str, Any]) -> str:
    if "exclusiveMinimum" in branch:
        return f" above {branch['exclusiveMinimum']:g} and up to {branch['maximum']:g}"
    return f" from {branch['minimum']} to {branch['maximum']}"
