"""From a file, a preset and `--set` to one checked configuration that knows where each value came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pytest_rlguard.config.layers import FROM_SET, Layers, merge, parse_overrides
from pytest_rlguard.config.presets import PRESETS
from pytest_rlguard.config.problems import explain_errors
from pytest_rlguard.config.root import Config
from pytest_rlguard.config.yaml_source import read_yaml
from pytest_rlguard.errors import ConfigError

__all__ = ["LoadedConfig", "load_config"]

FROM_DEFAULT = "default"


@dataclass(frozen=True)
class LoadedConfig:
    """A checked configuration, and for each dotted key where its value came from.

    An origin is `default`, `preset NAME`, `FILE:LINE` or `--set`.
    """

    config: Config
    origins: Mapping[str, str]

    def values(self) -> Iterator[tuple[str, object, str]]:
        """Every dotted key with its value and its origin, in the order of the sections."""
        data = self.config.model_dump(mode="json", by_alias=True)
        for path in _walk_leaves(Config):
            value: Any = data
            for key in path:
                value = value[key]
            yield ".".join(path), value, self.origins[".".join(path)]


def load_config(path: Path | None, *, overrides: Mapping[str, str] | Sequence[str] = ()) -> LoadedConfig:
    """Read `path` (None: no file), lay it over its preset, and `overrides` (`a.b=c`) over both.

    One ConfigError holds every mistake of the file and the overrides, each with its line.
    """
    layers = Layers(None if path is None else read_yaml(path), parse_overrides(overrides))
    body = layers.body()
    problems = layers.find_misplaced()
    preset = _find_preset(body)
    try:
        config = Config.model_validate(merge(preset, body))
    except ValidationError as error:
        schema = Config.model_json_schema(by_alias=True)
        problems += [layers.place(problem) for problem in explain_errors(error.errors(), schema)]
    if problems:
        raise _to_error(path, problems)
    return LoadedConfig(config, _find_origins(layers, preset, str(body.get("preset"))))


def _find_preset(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of the preset that is named; a wrong name is left to the model, which knows the right ones."""
    return next((values for name, values in PRESETS.items() if name == body.get("preset")), {})


def _find_origins(layers: Layers, preset: Mapping[str, Any], preset_name: str) -> dict[str, str]:
    origins = {}
    for path in _walk_leaves(Config):
        inherited = f"preset {preset_name}" if _is_stated(preset, path) else FROM_DEFAULT
        origins[".".join(path)] = layers.find_origin(path) or inherited
    return origins


def _walk_leaves(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every value, as the file spells it."""
    for name, field in model.model_fields.items():
        path = (*prefix, field.alias or name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _walk_leaves(field.annotation, path)
        else:
            yield path


def _is_stated(values: Mapping[str, Any], path: Sequence[str]) -> bool:
    inner: Any = values
    for key in path:
        if not isinstance(inner, Mapping) or key not in inner:
            return False
        inner = inner[key]
    return True


def _to_error(path: Path | None, problems: Sequence[tuple[int, str]]) -> ConfigError:
    """One line for each mistake, in the order of the file; a single one is the whole message."""
    lines = [f"{path}:{line}: {text}" if line else f"{FROM_SET} {text}" for line, text in sorted(problems)]
    if len(lines) == 1:
        return ConfigError(lines[0])
    return ConfigError("\n  ".join([f"the configuration has {len(lines)} mistakes", *lines]))
