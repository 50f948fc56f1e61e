"""The options, and the one function that resolves them: flag, then ini, then configuration file, then built-in."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_rlguard.errors import UsageError

if TYPE_CHECKING:
    from pytest_rlguard.config import LoadedConfig

__all__ = ["add_options", "check_options", "load_settings", "refuse_loop", "report_path"]

GATESUITE = "pytest_rlguard.gatesuite"

_SEEDS = ("quick", "standard", "thorough")
_KEYS = {
    "rlguard_env": "env.target",
    "rlguard_policy": "policy.target",
    "rlguard_seeds": "gates.seeds",
    "rlguard_workers": "worker_pool.workers",
    "rlguard_stages": "gates.stages",
}
"""Each flag with the key of the configuration that it overrides."""


def add_options(parser: pytest.Parser) -> None:
    """Every flag is None where it is not given, so that it never hides the level below."""
    group = parser.getgroup("rlguard", "gates for reinforcement-learning pipelines")
    group.addoption("--rlguard-env", metavar="TARGET", help="The env: an id, module:callable, module:EnvId or file.py")
    group.addoption("--rlguard-policy", metavar="TARGET", help="random, module:callable, file.pt or sb3:file.zip")
    group.addoption("--rlguard-config", metavar="FILE", help="The YAML configuration")
    group.addoption("--rlguard-seeds", choices=_SEEDS, help="How many seeds: 30, 90 or 299")
    group.addoption("--rlguard-workers", metavar="N", type=_count, help="Worker processes of a pool")
    group.addoption("--rlguard-stages", metavar="A,B", help="Only these stages of the shipped gates")
    group.addoption("--rlguard-json", metavar="FILE", help="Write the report as JSON")
    parser.addini("rlguard_config", "The YAML configuration, from the folder of this file", default="")


def check_options(config: pytest.Config) -> None:
    """Refuse what is wrong before anything is collected. Raises UsageError of ours."""
    for name in _split_stages(config):
        from pytest_rlguard.gates import parse_stage  # only where the option is in use

        parse_stage(name)
    path = report_path(config)
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise UsageError(f"cannot write the report to {path}", advice="name a file in a folder that exists")


def refuse_loop(config: pytest.Config) -> None:
    """Refuse --looponfail where gates are asked for: it would run the failed ones again without those before them."""
    asked = any(config.getoption(option) is not None for option in _KEYS)
    if config.getoption("looponfail", default=False) and (asked or any(GATESUITE in arg for arg in config.args)):
        raise pytest.UsageError("--looponfail reruns failed gates without those before them\nrun pytest without it")


def report_path(config: pytest.Config) -> Path | None:
    """Where `--rlguard-json` points; None without it."""
    name = config.getoption("rlguard_json")
    return config.invocation_params.dir / name if name else None


def load_settings(config: pytest.Config) -> LoadedConfig:
    """The settings of the session. Raises ConfigError."""
    from pytest_rlguard.config import load_config  # it imports pydantic

    flags = {key: config.getoption(option) for option, key in _KEYS.items()}
    flags["gates.stages"] = list(_split_stages(config)) or None
    overrides = {key: json.dumps(value) for key, value in flags.items() if value is not None}
    return load_config(_config_path(config), overrides=overrides)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def _split_stages(config: pytest.Config) -> tuple[str, ...]:
    text = config.getoption("rlguard_stages")
    return tuple(name.strip() for name in text.split(",")) if text is not None else ()


def _config_path(config: pytest.Config) -> Path | None:
    """The flag's file from the current folder, or the ini's from the folder of the ini file."""
    flag, ini = config.getoption("rlguard_config"), config.getini("rlguard_config")
    if flag is not None:
        return Path(config.invocation_params.dir / flag)
    home = config.rootpath if config.inipath is None else config.inipath.parent
    return Path(home / ini) if ini else None
