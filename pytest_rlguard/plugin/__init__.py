"""The pytest plugin: registration only. What it registers loads nothing but pytest until a gate or option is in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_rlguard.plugin.keys import DESELECTED, PLAN_PREFIX, SESSION, STAGE_MARKER

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_MARKERS = (
    f"{STAGE_MARKER}(name, alone=False): the gate stage of a test; it runs only if no earlier stage failed.",
    "rl_env(target): the env of this test, in place of the configured one.",
)


def pytest_configure(config: pytest.Config) -> None:
    """The markers, which --strict-markers asks for."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)


def pytest_sessionstart(session: pytest.Session) -> None:
    """The hooks of xdist do not bring the session along."""
    session.config.stash[SESSION] = session


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
        from pytest_rlguard.plugin.activation import begin_session  # noqa: PLC0415 - a gate is in use

        begin_session(session)


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_node_collection_finished(node: WorkerController, ids: list[str]) -> None:
    """Begin in the controller of xdist, where a worker says that a test has a stage."""
    if ids and ids[-1].startswith(PLAN_PREFIX):
        from pytest_rlguard.plugin.takeover import take_over  # noqa: PLC0415 - a gate is in use

        take_over(node, ids)
