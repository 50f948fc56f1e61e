"""Fixtures of a project's conftests, made visible to the shipped gates, which lie outside the project.

Pytest shows a conftest's fixtures to what lies below it, and those of the rootdir's to all. So `tests/conftest.py`
would not reach `--pyargs pytest_rlguard.gatesuite`. The gates see all that pytest loads at its start: the conftests of
the current folder, of its folders `test*`, and of the folders on the command line.
"""

from __future__ import annotations

import inspect
import itertools
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_rlguard.errors import UsageError
from pytest_rlguard.plugin.keys import PLUGINS_AT_START

__all__ = ["adopt_conftests", "refuse_rivals"]

# The fixtures of the rootdir's conftest are everywhere, but for pytest 9.1 (pytest#14683).
_ROOT_IS_SHOWN = pytest.version_tuple[:2] != (9, 1)
_OVERRIDABLE = ("rl_config", "rl_env_factory", "rl_policy")


def _find_conftests(config: pytest.Config) -> dict[Path, object]:
    """The conftests that were loaded before collection, by their folder, outer ones first."""
    loaded = [(Path(name), plugin) for name, plugin in config.stash[PLUGINS_AT_START]]
    found = {path.parent: plugin for path, plugin in loaded if path.name == "conftest.py"}
    return dict(sorted(found.items()))


def adopt_conftests(module: pytest.Module) -> None:
    """Let the module see the fixtures of the conftests that were loaded first, as if it lay below them all."""
    root = module.config.rootpath
    shown = {node.path for node in module.iter_parents() if isinstance(node, pytest.Directory)} | set(root.parents)
    shown |= {root} if _ROOT_IS_SHOWN else set()
    for folder, conftest in _find_conftests(module.config).items():
        if folder not in shown:
            _register_fixtures(module, conftest)


def refuse_rivals(config: pytest.Config) -> None:
    """Raise UsageError where two conftests, neither within the other, override the same fixture for the gates."""
    for name in _OVERRIDABLE:
        folders = [folder for folder, conftest in _find_conftests(config).items() if hasattr(conftest, name)]
        for outer, inner in itertools.pairwise(folders):
            if outer not in inner.parents:
                raise UsageError(
                    f"{outer / 'conftest.py'} and {inner / 'conftest.py'} both override {name} for the shipped gates",
                    advice="Keep one of them, or run pytest from the folder that you mean.",
                )


def _register_fixtures(module: pytest.Module, conftest: object) -> None:
    """What pytest does for a conftest's own folder. The name is private, and used by every plugin that needs it."""
    manager: Any = module.session._fixturemanager  # noqa: SLF001
    if "holder" in inspect.signature(manager.parsefactories).parameters:
        manager.parsefactories(holder=conftest, node=module)
    else:  # pytest 9.0, which reads an object once only
        copy = ModuleType("conftest")
        vars(copy).update(vars(conftest))
        manager.parsefactories(copy, module.nodeid)
