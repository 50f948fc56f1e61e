"""The pytest plugin: registration only. What it registers loads nothing but pytest until a gate or option is in use."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_rlguard.errors import UsageError
from pytest_rlguard.plugin.fixtures import (
    rl_config,
    rl_env_factory,
    rl_gate,
    rl_gate_reports,
    rl_policy,
    rl_pool,
    rl_workers,
)
from pytest_rlguard.plugin.keys import (
    BOOK,
    DESELECTED,
    PLAIN_COLLECTIONS,
    PLAN_PREFIX,
    PLUGINS_AT_START,
    SESSION,
    STAGE_MARKER,
)
from pytest_rlguard.plugin.options import add_options, check_options, refuse_loop, report_path

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

__all__ = ["rl_config", "rl_env_factory", "rl_gate", "rl_gate_reports", "rl_policy", "rl_pool", "rl_workers"]

_GATESUITE = Path(__file__).parents[1] / "gatesuite"
_MARKERS = (
    f"{STAGE_MARKER}(name, alone=False): the gate stage of a test; it runs only if no earlier stage failed.",
    "rl_env(target): the env of this test, in place of the configured one.",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The group `rlguard`."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Before xdist, whose --looponfail configures nothing in this process."""
    refuse_loop(config)


def pytest_configure(config: pytest.Config) -> None:
    """The markers, which --strict-markers asks for; and a refusal of options that are wrong."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    try:
        check_options(config)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    path = report_path(config)
    if path is not None and not hasattr(config, "workerinput"):
        from pytest_rlguard.plugin.json_file import JsonFile  # the option is in use

        config.pluginmanager.register(JsonFile(path), "rlguard-json")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Keep what later hooks are not given: the session, and the plugins that are loaded by now."""
    session.config.stash[SESSION] = session
    session.config.stash[PLUGINS_AT_START] = session.config.pluginmanager.list_name_plugin()


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makemodule(module_path: Path) -> Generator[None, pytest.Module | None, pytest.Module | None]:
    """The shipped gates see the fixtures of the project that they test."""
    module = yield
    if module is not None and module_path.parent == _GATESUITE:
        from pytest_rlguard.plugin.conftests import adopt_conftests  # a gate is in use

        adopt_conftests(module)
    return module


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember the deselected gates: a stage that lacks some of them has not shown what it should."""
    for item in items:
        if item.get_closest_marker(STAGE_MARKER) is not None:
            item.config.stash.setdefault(DESELECTED, []).append(item)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin, where a test has a stage.

    Here and not in pytest_collection_modifyitems: `--lf` deselects after every implementation of that one. Before the
    others, since xdist sends the node ids from here.
    """
    if any(item.get_closest_marker(STAGE_MARKER) is not None for item in session.items):
        from pytest_rlguard.plugin.activation import begin_session  # a gate is in use

        begin_session(session)


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_node_collection_finished(node: WorkerController, ids: list[str]) -> None:
    """Begin in the controller of xdist, where a worker says that a test has a stage."""
    if ids and ids[-1].startswith(PLAN_PREFIX):
        from pytest_rlguard.plugin.takeover import take_over  # a gate is in use

        take_over(node, ids)
    elif BOOK in node.config.stash:
        ids.append(PLAN_PREFIX)  # without the synthetic item it is not the collection of the others
    else:
        node.config.stash.setdefault(PLAIN_COLLECTIONS, []).append((node, ids))
