"""What rlguard raises. Every error says what was expected, what came, and what to do."""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "EnvError",
    "PolicyError",
    "PoolError",
    "RLGuardError",
    "TargetError",
    "UsageError",
    "WorkerDiedError",
]


class RLGuardError(Exception):
    """The base of the family: one sentence that says what is wrong, one that says what to do.

    `user_traceback` is the traceback of the *user's* code, kept as text so that it can cross a process; ours is never
    shown for a user's mistake.
    """

    def __init__(self, message: str, *, advice: str = "", user_traceback: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.user_traceback = user_traceback

    def __str__(self) -> str:
        return f"{self.message}\n{self.advice}" if self.advice else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.advice, self.user_traceback)


def _rebuild(kind: type[RLGuardError], message: str, advice: str, user_traceback: str) -> RLGuardError:
    return kind(message, advice=advice, user_traceback=user_traceback)


class UsageError(RLGuardError, ValueError):
    """An option, marker or argument is wrong."""


class ConfigError(RLGuardError, ValueError):
    """A configuration file is wrong; the message lists every mistake in it, each with its path and range."""


class TargetError(RLGuardError, LookupError):
    """An env, policy or other part that the user named cannot be found, imported or built."""


class EnvError(RLGuardError, RuntimeError):
    """The user's env raised or hung where nothing can be tested without it."""


class PolicyError(RLGuardError, ValueError):
    """The user's policy cannot drive the user's env."""


class PoolError(RLGuardError, RuntimeError):
    """The worker pool could not do what it was asked."""


class WorkerDiedError(PoolError):
    """A worker process died or was killed after it hung, and its work could not be repeated."""
