"""Reproducers: a failed verdict → the shortest script that shows the defect alone, run before it is shown."""

from __future__ import annotations

from pytest_rlguard.reproduce.search import reproduce

__all__ = ["reproduce"]
