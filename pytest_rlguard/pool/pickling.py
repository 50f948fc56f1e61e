"""Pickling for workers: functions by reference where the worker can import them, else by value."""

from __future__ import annotations

import contextlib
import functools
import importlib.machinery
import sys
from collections.abc import Iterator

import cloudpickle

from pytest_rlguard.errors import UsageError

__all__ = ["dump_for_worker"]


def dump_for_worker(subject: object, called: str) -> bytes:
    """The bytes of a factory, job or item; UsageError, with its name, where it cannot be sent."""
    try:
        with _by_value_if_unimportable(subject):
            return bytes(cloudpickle.dumps(subject))
    except Exception as error:
        msg = f"{called} cannot be sent to a worker: {type(error).__name__}: {error}"
        raise UsageError(msg, advice="build what it holds inside the worker, in the env or policy factory") from error


@contextlib.contextmanager
def _by_value_if_unimportable(subject: object) -> Iterator[None]:
    """Under `--import-mode=importlib` and the like a function's module is loaded here, but has no importable name."""
    module = sys.modules.get(getattr(subject, "__module__", None) or "")
    if module is None or _is_importable(module.__name__):
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


@functools.lru_cache(maxsize=256)
def _is_importable(module_name: str) -> bool:
    """Whether a fresh process with our sys.path finds the module. `__main__` is cloudpickle's own case."""
    if module_name in ("__main__", "builtins"):
        return True
    root = module_name.partition(".")[0]
    return importlib.machinery.PathFinder.find_spec(root) is not None or root in sys.builtin_module_names
