"""`--lf`: a test that failed last time and was withheld this time has not been mended. Pytest would forget it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

__all__ = ["read", "restore"]

_KEY = "cache/lastfailed"


def read(config: pytest.Config) -> dict[str, bool]:
    """The tests that failed last time, by node id; none without the cache plugin."""
    cache = getattr(config, "cache", None)
    return dict(cache.get(_KEY, {})) if cache is not None else {}


def restore(config: pytest.Config, before: dict[str, bool], withheld: Iterable[str]) -> None:
    """After pytest has written what failed now, add what failed `before` and was `withheld`."""
    forgotten = {nodeid: True for nodeid in withheld if nodeid in before}
    cache = getattr(config, "cache", None)
    if forgotten and cache is not None:
        cache.set(_KEY, {**read(config), **forgotten})
