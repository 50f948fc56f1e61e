"""What is registered once a gate is in use, by the role of the process: alone, xdist controller or xdist worker."""

from __future__ import annotations

import pytest

from pytest_rlguard.errors import RLGuardError
from pytest_rlguard.plugin.controller import Controller
from pytest_rlguard.plugin.items import plan_session
from pytest_rlguard.plugin.keys import BOOK, SESSION
from pytest_rlguard.plugin.local import LocalGate
from pytest_rlguard.plugin.plan import SessionPlan
from pytest_rlguard.plugin.properties import PlainProperties

__all__ = ["begin_session", "open_controller"]


def begin_session(session: pytest.Session) -> None:
    """Order what was collected, and register what blocks. Called after all selection, before anything runs."""
    config = session.config
    if hasattr(config, "workerinput"):
        from pytest_rlguard.plugin.worker import WorkerGate, append_plan  # only under xdist

        append_plan(session)
        config.pluginmanager.register(WorkerGate(), "rlguard-worker")
        config.pluginmanager.register(PlainProperties(), "rlguard-properties")
        return
    plan = _plan(session)
    if not config.getoption("collectonly"):
        book = open_controller(config, plan).book
        config.pluginmanager.register(LocalGate(book), "rlguard-local")
        config.pluginmanager.register(PlainProperties(), "rlguard-properties")


def open_controller(config: pytest.Config, plan: SessionPlan) -> Controller:
    """Register the controller, with a book for the planned tests."""
    controller = Controller(config, plan)
    if config.stash[SESSION].testsfailed:
        controller.book.gaps.append("not all tests could be collected")
    config.stash[BOOK] = controller.book
    config.pluginmanager.register(controller, "rlguard-controller")
    return controller


def _plan(session: pytest.Session) -> SessionPlan:
    try:
        return plan_session(session)
    except RLGuardError as error:
        raise pytest.UsageError(str(error)) from None
