"""The training command behind the gates: found before they run, started in our place once they pass."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from pytest_rlguard.errors import UsageError

__all__ = ["find_program", "start_training"]


def find_program(name: str) -> str:
    """The path of the program that `name` stands for; UsageError before any gate runs for nothing."""
    path = shutil.which(name)
    if path is None:
        raise UsageError(f"there is no program {name!r} to train with", advice="after `--`, name one as a shell would")
    return path


def start_training(program: str, command: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Become the command: exit code, signals, memory and process id are its own, with no parent in between.

    `environ` is the environment as it was before the gates ran.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    ignored = (signal.SIGPIPE, signal.SIGXFSZ)  # Python ignores these two, and ignored signals stay so over exec.
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ignored}
    try:
        os.execve(program, list(command), dict(environ))  # noqa: S606 (the user's own command, and no shell)
    except OSError as error:
        raise UsageError(f"cannot start {program}: {error.strerror}") from error
    finally:  # still here: it did not start
        for number, handler in before.items():
            signal.signal(number, handler)
