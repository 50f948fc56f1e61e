"""Which of the shipped gates a session runs, and whether there is anything to run them on. Starts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_rlguard.errors import UsageError
from pytest_rlguard.plugin.conftests import refuse_rivals
from pytest_rlguard.plugin.options import load_settings
from pytest_rlguard.stages import STAGE_TABLE

if TYPE_CHECKING:
    import pytest

    from pytest_rlguard.plugin.markers import StageMark

    Marked = tuple[pytest.Item, StageMark | None]

__all__ = ["select_gates"]


def select_gates(config: pytest.Config, marked: Sequence[Marked]) -> list[Marked]:
    """Leave out the shipped gates of stages that were not asked for.

    Raises ConfigError or UsageError where the settings are wrong, or where they name no env.
    """
    settings = load_settings(config).config
    for name in (*(settings.gates.stages or ()), *settings.gates.require):
        if name not in STAGE_TABLE:
            advice = f"These have: {', '.join(STAGE_TABLE)}."
            raise UsageError(f"stage {name!r} has no gates in this version", advice=advice)
    wanted = STAGE_TABLE if settings.gates.stages is None else settings.gates.stages
    chosen = [(item, mark) for item, mark in marked if mark is None or not mark.rule or mark.stage in wanted]
    kept = {item for item, _ in chosen}
    config.hook.pytest_deselected(items=[item for item, _ in marked if item not in kept])
    refuse_rivals(config)
    if settings.env.target is None:
        _require_env([item for item, mark in chosen if mark is not None and mark.rule])
    return chosen


def _require_env(gates: Sequence[pytest.Item]) -> None:
    for item in gates:
        if not any(_is_overridden(item, name) for name in ("rl_env_factory", "rl_config")):
            raise UsageError(
                "the shipped gates need an env, and none is named",
                advice="Give --rlguard-env CartPole-v1, env.target in the configuration, or an rl_env_factory fixture.",
            )


def _is_overridden(item: pytest.Item, name: str) -> bool:
    """Whether the item sees another fixture of that name than ours. Pytest has no public way to ask."""
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return any(not fixture.func.__module__.startswith("pytest_rlguard.") for fixture in known.get(name, ()))
