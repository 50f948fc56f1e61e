"""From pydantic's errors to sentences: the key, what it holds, what was expected there, and the nearest right name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from pytest_rlguard.config.schema_reader import SchemaReader

__all__ = ["Problem", "explain_errors", "show_value"]

_LONGEST_VALUE = 60
_BOOLEAN_HINT = "YAML reads an unquoted on, off, yes or no as true or false: quote it"


@dataclass(frozen=True)
class Problem:
    """One mistake: the keys that lead to it, and the sentence about it."""

    path: tuple[Hashable, ...]
    text: str


def explain_errors(errors: Iterable[ErrorDetails], schema: Mapping[str, Any]) -> list[Problem]:
    """One problem for each key: a union reports each of its members. `schema` is the JSON schema of the models."""
    reader = SchemaReader(schema)
    problems: dict[tuple[Hashable, ...], Problem] = {}
    for error in errors:
        problem = _explain(error, reader)
        problems.setdefault(problem.path, problem)
    return list(problems.values())


def show_value(value: object) -> str:
    """A value as YAML would take it back, on one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _explain(error: ErrorDetails, reader: SchemaReader) -> Problem:
    loc, value = error["loc"], error["input"]
    if error["type"] == "extra_forbidden":
        return Problem(loc, f"{_join(loc)}: unknown key; {_suggest_key(loc, reader)}")
    if error["type"] == "invalid_key" or loc[-1:] == ("[key]",):
        return Problem(loc, f"the key {show_value(value)} is no text ({_BOOLEAN_HINT})")
    if "path" in error.get("ctx", {}):
        path = tuple(error["ctx"]["path"])
        return Problem(path, f"{_join(path)}: {error['msg']}")
    path, node = reader.follow(loc)
    expected = reader.describe(node)
    if error["type"] == "missing":
        return Problem(path, f"{_join(path)} is missing; expected {expected}")
    return Problem(path, f"{_join(path)} is {_shorten(value)}; expected {expected}{_hint(value, node, reader)}")


def _suggest_key(path: Sequence[Hashable], reader: SchemaReader) -> str:
    """The nearest key of the same section, else of any section, else all that the section has."""
    key = str(path[-1])
    _, section = reader.follow(path[:-1])
    everywhere = dict(reader.walk_keys())
    if near := difflib.get_close_matches(key, reader.keys(section), n=1):
        return f"did you mean {near[0]!r}?"
    if near := difflib.get_close_matches(key, everywhere, n=1, cutoff=0.8):
        return f"did you mean {everywhere[near[0]]!r}?"
    return f"the keys here are: {', '.join(reader.keys(section))}"


def _hint(value: object, node: Mapping[str, Any], reader: SchemaReader) -> str:
    if isinstance(value, bool) and reader.takes_text(node):
        return f" ({_BOOLEAN_HINT})"
    near = difflib.get_close_matches(value, reader.choices(node), n=1) if isinstance(value, str) else []
    return f"; did you mean {near[0]!r}?" if near else ""


def _join(path: Sequence[Hashable]) -> str:
    return ".".join(str(key) for key in path)


def _shorten(value: object) -> str:
    text = show_value(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
