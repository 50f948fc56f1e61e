"""The command line: `rlguard check | train | explain | config show`. Commands and exit codes; the work is elsewhere.

Heavy imports stand inside the commands, so that `--help` and a wrong option answer at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from pytest_rlguard import __version__
from pytest_rlguard.cli_options import CheckOptions, config_options, terminal_width, with_check_options
from pytest_rlguard.errors import RLGuardError, UsageError

__all__ = ["main"]

_LONGEST_VALUE = 40

EXIT_USAGE = 2
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_TERMINATED = 128 + signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 all passed, 1 a gate failed or is blocked, 2 wrong usage or configuration, 3 inconclusive, 4 nothing ran, 130 and
    143 interrupted. A user's mistake is one or two lines, with the user's own traceback where their code raised.
    """
    _accept_any_text()
    try:
        with _terminating_in_order():
            return int(commands.main(arguments, prog_name="rlguard", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "rlguard"
        _print_error(UsageError(error.format_message(), advice=f"see `{path} --help`"))
    except click.ClickException as error:
        _print_error(UsageError(error.format_message()))
    except RLGuardError as error:
        _print_error(error)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    return EXIT_USAGE


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rlguard", message="%(prog)s %(version)s")
def commands() -> None:
    """Prove that a distributed reinforcement-learning pipeline is sound before it is scaled."""


@commands.command()
@click.argument("target", required=False)
@with_check_options
def check(target: str | None, **options: Any) -> int:
    """Run the gates on TARGET: an env id, module:callable, module:EnvId or file.py."""
    from pytest_rlguard.cli_check import run_gates

    if target and options["env"]:
        raise UsageError(f"the env is named twice: {target} and --env {options['env']}", advice="name it once")
    return run_gates(CheckOptions(**options | {"env": target or options["env"]}))


@commands.command(context_settings={"allow_interspersed_args": False})
@with_check_options
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def train(command: tuple[str, ...], **options: Any) -> int:
    """Run the gates, and only if they pass COMMAND, in the place of rlguard: `rlguard train -- python train.py`."""
    from pytest_rlguard.cli_check import run_gates
    from pytest_rlguard.cli_train import find_program, start_training

    environ = dict(os.environ)
    program = find_program(command[0])
    code = run_gates(CheckOptions(**options))
    if code == 0:
        start_training(program, command, environ)
    click.echo("the training command was not started", err=True)
    return code


@commands.command()
@click.argument("code", required=False)
def explain(code: str | None) -> None:
    """Print the page of the rule CODE, or the table of all rules."""
    from pytest_rlguard.checks.catalog import CATALOG, find_rule
    from pytest_rlguard.cli_explain import render_page, render_table

    click.echo(render_page(find_rule(code)) if code else render_table(CATALOG.values(), width=terminal_width()))


@commands.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@config_options
def show(config: Path | None, overrides: tuple[str, ...]) -> None:
    """Print every value of the configuration and where it came from."""
    from pytest_rlguard.config import load_config
    from pytest_rlguard.config.problems import show_value

    rows = [
        (key, show_value(value), origin) for key, value, origin in load_config(config, overrides=overrides).values()
    ]
    key_width = max(len(key) for key, _, _ in rows)
    value_width = min(max(len(value) for _, value, _ in rows), _LONGEST_VALUE)
    for key, value, origin in rows:
        click.echo(f"{key:<{key_width}}  {value:<{value_width}}  {origin}")


def _print_error(error: RLGuardError) -> None:
    click.echo(f"error: {error}", err=True)
    if error.user_traceback:
        click.echo(f"\n{error.user_traceback.rstrip()}", err=True)


def _accept_any_text() -> None:
    """An env's name or message may hold what the terminal's encoding lacks: that is no reason to crash."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _terminating_in_order() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C does, so that pools end their workers; a second one does not cut that short."""
    before = signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit_on_signal(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(EXIT_TERMINATED)
