"""What the commands share: their options, and how wide they may write."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

__all__ = ["CheckOptions", "config_options", "terminal_width", "with_check_options"]

Command = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """The flags of `check` and `train`. None means: as the configuration says."""

    env: str | None
    policy: str | None
    workers: int | None
    stages: str | None
    seeds: str | None
    config: Path | None
    overrides: tuple[str, ...]
    json_file: Path | None
    junit_file: Path | None
    quiet: int
    verbose: int


_FILE = click.Path(path_type=Path)

_CONFIG_OPTIONS = (
    click.option("--config", type=_FILE, metavar="FILE", help="The YAML configuration."),
    click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one value: gates.root_seed=7."
    ),
)
_CHECK_OPTIONS = (
    click.option("--env", metavar="TARGET", help="The env, where neither TARGET nor the configuration names it."),
    click.option("--policy", metavar="TARGET", help="random, module:callable, file.pt or sb3:file.zip."),
    click.option("--workers", type=click.IntRange(1, 4096), metavar="N", help="Worker processes."),
    click.option("--stages", metavar="A,B", help="Only these stages, in gate order."),
    click.option(
        "--seeds", type=click.Choice(["quick", "standard", "thorough"]), help="How many seeds: 30, 90 or 299."
    ),
    *_CONFIG_OPTIONS,
    click.option("--json", "json_file", type=_FILE, metavar="FILE", help="Write the report as JSON."),
    click.option("--junit", "junit_file", type=_FILE, metavar="FILE", help="Write the report as JUnit XML."),
    click.option("-q", "--quiet", count=True, help="Only the stages and the findings."),
    click.option("-v", "--verbose", count=True, help="Every sentence in full."),
)


def with_check_options(command: Command) -> Command:
    """Give a command the options of `check`."""
    for option in reversed(_CHECK_OPTIONS):
        command = option(command)
    return command


def config_options(command: Command) -> Command:
    """Give a command `--config` and `--set`."""
    for option in reversed(_CONFIG_OPTIONS):
        command = option(command)
    return command


def terminal_width() -> int:
    """The columns of the terminal, or 100 where there is none; lines longer than 120 are hard to read."""
    return min(shutil.get_terminal_size((100, 24)).columns, 120)
