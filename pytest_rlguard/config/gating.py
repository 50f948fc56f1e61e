"""The sections about the verdicts: `gates`, `statistics` and `report`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pytest_rlguard.config.section import Count, Name, PositiveShare, Section

__all__ = ["Gates", "ReportFiles", "Statistics", "Waiver"]

# The names of `gates.STAGES`, which stands at this room's own level; a test holds the two together.
Stage = Literal["contract", "determinism", "dataflow", "invariance", "scaling", "chaos", "memory", "transfer", "train"]
# A YAML list is a Python list, and the frozen model keeps a tuple: only this one conversion is allowed.
Stages = Annotated[tuple[Stage, ...], Field(strict=False)]
ErrorRate = Annotated[float, Field(gt=0, le=0.5)]


class Waiver(Section):
    """A rule whose findings are accepted, and why. The reason is shown in every report."""

    rule: Annotated[str, Field(pattern=r"^[A-Z]{3}\d{3}$", examples=["OBS104"])]
    reason: Name


class Gates(Section):
    """Which stages run (null: all), over how many seeds, and which of them may not be skipped."""

    stages: Stages | None = None
    seeds: Literal["quick", "standard", "thorough"] = "quick"
    root_seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    strict: bool = False
    require: Stages = ()
    waivers: Annotated[tuple[Waiver, ...], Field(strict=False)] = ()


class Statistics(Section):
    """The stated error rates of the statistical verdicts, and the most episodes that one may cost."""

    max_episodes: Count = 2_000
    alpha_pass: ErrorRate = 0.05
    alpha_fail: ErrorRate = 0.025
    relative_margin: PositiveShare = 0.05
    variance_scale: Literal["share", "raw", "mean"] = "share"


class ReportFiles(Section):
    """Where the reports are written; null: nowhere."""

    json_path: Name | None = Field(default=None, alias="json")
    junit_path: Name | None = Field(default=None, alias="junit")
