"""From pydantic's errors to sentences: the key, what it holds, what was expected there, and the nearest right name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

__all__ = ["Problem", "explain_errors", "join_path", "show_value"]

_LONGEST_VALUE = 60
_BOOLEAN_HINT = "YAML reads an unquoted on, off, yes or no as true or false: quote it"


@dataclass(frozen=True)
class Problem:
    """One mistake: the keys that lead to it, and the sentence about it."""

    path: tuple[Hashable, ...]
    text: str


def explain_errors(errors: Iterable[ErrorDetails], schema: Mapping[str, Any]) -> list[Problem]:
    """One problem for each key, in the order of the file's sections. `schema` is the JSON schema of the models."""
    reader = _SchemaReader(schema)
    problems: dict[tuple[Hashable, ...], Problem] = {}
    for error in errors:
        path, text = _explain(error, reader)
        problems.setdefault(path, Problem(path, text))
    return list(problems.values())


def join_path(path: Sequence[Hashable]) -> str:
    """The dotted key, as `--set` takes it."""
    return ".".join(str(key) for key in path)


def show_value(value: object) -> str:
    """A value as YAML would take it back, on one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _explain(error: ErrorDetails, reader: _SchemaReader) -> tuple[tuple[Hashable, ...], str]:
    """The path and the sentence of one error. A union reports each of its members: the path ends at their key."""
    if error["type"] == "extra_forbidden":
        path = error["loc"]
        return path, f"{join_path(path)}: unknown key; {_suggest_key(path, reader)}"
    if "path" in error.get("ctx", {}):
        path = tuple(error["ctx"]["path"])
        return path, f"{join_path(path)}: {error['msg']}"
    path, node = reader.follow(error["loc"])
    expected = reader.describe(node)
    if error["type"] == "missing":
        return path, f"{join_path(path)} is missing; expected {expected}"
    return path, f"{join_path(path)} is {_shorten(error['input'])}; expected {expected}{_hint(error['input'], node, reader)}"


def _suggest_key(path: Sequence[Hashable], reader: _SchemaReader) -> str:
    key = str(path[-1])
    _, section = reader.follow(path[:-1])
    near = difflib.get_close_matches(key, reader.keys(section), n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    everywhere = dict(reader.walk_keys())
    near = difflib.get_close_matches(key, everywhere, n=1, cutoff=0.8)
    if near:
        return f"did you mean {everywhere[near[0]]!r}?"
    return f"the keys here are: {', '.join(reader.keys(section))}"


def _hint(value: object, node: Mapping[str, Any], reader: _SchemaReader) -> str:
    if isinstance(value, bool) and reader.takes_text(node):
        return f" ({_BOOLEAN_HINT})"
    near = difflib.get_close_matches(value, reader.choices(node), n=1) if isinstance(value, str) else []
    return f"; did you mean {near[0]!r}?" if near else ""


def _shorten(value: object) -> str:
    text = show_value(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


class _SchemaReader:
    """Reads the JSON schema that pydantic makes of the models: which keys a section has, what a value may be."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
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
            yield key, join_path((*prefix, key))
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
        return " or ".join(self._describe_branch(branch) for branch in self._branches(node))

    def _describe_branch(self, branch: Mapping[str, Any]) -> str:
        if words := self.choices(branch):
            return f"one of {', '.join(words)}" if len(words) > 1 else f"{words[0]}"
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
