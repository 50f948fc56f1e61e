"""Blocking where the process that runs the tests is the one that reports: no xdist. Keeps no book of its own."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_rlguard.plugin.keys import BLOCKED_PROPERTY

if TYPE_CHECKING:
    from pytest_rlguard.plugin.book import StageBook

__all__ = ["LocalGate"]


class LocalGate:
    """Skips the tests of a blocked stage. The items are sorted, so every earlier gate has ended by then."""

    def __init__(self, book: StageBook) -> None:
        self._book = book

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Through a marker, ahead of the item's own: no fixture is set up, and the place shown is the test's."""
        test = self._book.find(item.nodeid)
        block = None if test is None else self._book.find_block(test.stage)
        if block is not None:
            item.user_properties.append((BLOCKED_PROPERTY, block.reason))
            item.add_marker(pytest.mark.skip(reason=block.reason), append=False)
        return (yield)
