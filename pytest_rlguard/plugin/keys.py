"""The names that the plugin's modules share: marker, properties, stash keys. Loads nothing but pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from pytest_rlguard.plugin.book import StageBook

__all__ = [
    "BLOCKED_PROPERTY",
    "BOOK",
    "DESELECTED",
    "NOT_RUN_PROPERTY",
    "PLAIN_COLLECTIONS",
    "PLAN_PREFIX",
    "PLUGINS_AT_START",
    "SESSION",
    "STAGE_MARKER",
    "SUBJECT_PROPERTY",
    "VERDICT_PROPERTY",
]

STAGE_MARKER = "rl_stage"

BLOCKED_PROPERTY = "rlguard_blocked"
"""The user property of a test that was withheld because an earlier gate failed; its value is the reason."""

NOT_RUN_PROPERTY = "rlguard_not_run"
"""The user property of a test of a stage that the session ended without; its value is the reason."""

VERDICT_PROPERTY = "rlguard_verdict"
"""The user property of a shipped gate: its verdict as JSON text."""

SUBJECT_PROPERTY = "rlguard_subject"
"""The user property of a shipped gate: what it tested, as JSON text."""

PLAN_PREFIX = "::rlguard-plan:"
"""How the node id of the synthetic item begins: a child of the session, so that everything below is torn down."""

SESSION: pytest.StashKey[pytest.Session] = pytest.StashKey()
"""The session, for the hooks of xdist that do not bring it along."""

PLUGINS_AT_START: pytest.StashKey[list[tuple[str, object]]] = pytest.StashKey()
"""The plugins that were loaded before collection, conftests among them, with their names."""

PLAIN_COLLECTIONS: pytest.StashKey[list[tuple[WorkerController, list[str]]]] = pytest.StashKey()
"""In the controller of xdist: the workers that have collected no test of a stage, and what they have collected."""

DESELECTED: pytest.StashKey[list[pytest.Item]] = pytest.StashKey()
"""The deselected tests that belong to a stage."""

BOOK: pytest.StashKey[StageBook] = pytest.StashKey()
"""The stages' book, in the process that reports; absent where no gate is in use."""
