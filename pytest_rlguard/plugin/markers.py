"""The marker `rl_stage`: what a test's nearest one says, checked. Orders and blocks nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_rlguard.errors import UsageError
from pytest_rlguard.gates import parse_stage
from pytest_rlguard.plugin.keys import STAGE_MARKER

if TYPE_CHECKING:
    import pytest

__all__ = ["StageMark", "read_stage_mark"]


@dataclass(frozen=True)
class StageMark:
    """The arguments of `rl_stage`.

    A test that is `alone` has the machine to itself. Tests of one `group` go to one xdist worker in one go. `rule` is
    the code of a shipped gate; it stands for the test wherever a test's name would.
    """

    stage: str
    alone: bool = False
    group: str = ""
    rule: str = ""

    def __post_init__(self) -> None:
        parse_stage(self.stage)


def read_stage_mark(item: pytest.Item) -> StageMark | None:
    """What the nearest `rl_stage` says, None where there is none; UsageError where it makes no sense."""
    mark = item.get_closest_marker(STAGE_MARKER)
    if mark is None:
        return None
    try:
        return StageMark(*mark.args, **mark.kwargs)
    except UsageError as error:
        raise UsageError(f"{item.nodeid}: {error.message}", advice=error.advice) from None
    except TypeError:
        shown = ", ".join([*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())])
        raise UsageError(
            f"{item.nodeid}: {STAGE_MARKER}({shown}) does not name a stage",
            advice=f'write {STAGE_MARKER}("contract"), or {STAGE_MARKER}("chaos", alone=True)',
        ) from None
