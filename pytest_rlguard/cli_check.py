"""One run of the gates for `check` and `train`: options to report, report to files, terminal and exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from pytest_rlguard.cli_options import CheckOptions, terminal_width
from pytest_rlguard.cli_progress import ProgressBar
from pytest_rlguard.config import Config, LoadedConfig, load_config
from pytest_rlguard.errors import UsageError
from pytest_rlguard.gates import find_missing, parse_stage
from pytest_rlguard.report.json_report import write_json
from pytest_rlguard.report.junit import write_junit
from pytest_rlguard.report.terminal import render_report
from pytest_rlguard.stages import check
from pytest_rlguard.verdict import Outcome, Report

__all__ = ["run_gates"]

_EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.BLOCKED: 1, Outcome.INCONCLUSIVE: 3, Outcome.SKIPPED: 4}

Writer = Callable[[Report, Path], None]


def run_gates(options: CheckOptions) -> int:
    """Run the gates, write and print the report, return the exit code. Wrong options are refused before all that."""
    loaded = load_config(options.config, overrides=options.overrides)
    env = _choose_env(options, loaded.config)
    stages = _parse_stages(options.stages)
    files = _choose_files(options, loaded.config)
    report = _run(env, stages, options, loaded)
    for write, path in files:
        write(report, path)
    verbose = options.verbose - options.quiet
    click.echo(render_report(report, width=terminal_width(), color=_has_color(), verbose=verbose), nl=False)
    return _decide_exit_code(report, loaded.config.gates.require)


def _run(env: str, stages: Sequence[str] | None, options: CheckOptions, loaded: LoadedConfig) -> Report:
    with ProgressBar(enabled=not options.quiet and sys.stderr.isatty()) as progress:
        return check(
            env,
            policy=options.policy,
            stages=stages,
            seeds=options.seeds,
            config=loaded,
            workers=options.workers,
            on_progress=progress.update,
        )


def _choose_env(options: CheckOptions, config: Config) -> str:
    env = options.env or config.env.target
    if env is None:
        raise UsageError(
            "no env is named", advice="name one: rlguard check CartPole-v1, --env, or env.target in the file"
        )
    return env


def _parse_stages(text: str | None) -> list[str] | None:
    return None if text is None else [parse_stage(name.strip()) for name in text.split(",")]


def _choose_files(options: CheckOptions, config: Config) -> list[tuple[Writer, Path]]:
    """The report files, each in a folder that exists: to learn that only after a long run would be a loss."""
    json_file = options.json_file or config.report.json_path
    junit_file = options.junit_file or config.report.junit_path
    chosen: list[tuple[Writer, str | Path | None]] = [(write_json, json_file), (write_junit, junit_file)]
    files = [(write, Path(path)) for write, path in chosen if path]
    for _, path in files:
        if path.is_dir() or not path.parent.is_dir():
            raise UsageError(f"cannot write the report to {path}", advice="name a file in a folder that exists")
    return files


def _decide_exit_code(report: Report, required: Sequence[str]) -> int:
    """The outcome's code; a stage that is required and showed nothing is a failure, whatever the others say."""
    if missing := find_missing(required, report.stages):
        click.echo(f"required by gates.require, and showed nothing: {', '.join(missing)}", err=True)
        return 1
    return _EXIT_CODES[report.outcome]


def _has_color() -> bool:
    """Colours are for a terminal, and not where NO_COLOR (https://no-color.org) is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
