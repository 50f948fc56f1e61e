"""What every section of the configuration shares: its strictness, and the value types that several sections use."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

__all__ = ["Count", "ImportPath", "Name", "PositiveShare", "Seconds", "Section", "Share"]

Count = Annotated[int, Field(ge=1, le=10_000_000)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_DOTTED_NAME = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
_FILE = r"[^:]+\.py"
ImportPath = Annotated[
    str, Field(pattern=f"^({_DOTTED_NAME}|{_FILE}):{_DOTTED_NAME}$", examples=["package.module:name"])
]


class Section(BaseModel):
    """One mapping of the file. Values keep the type they were written in: no text for a number, no 1 for true."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True, validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _read_empty_as_defaults(cls, data: Any) -> Any:
        """A section whose keys are all commented out is null in YAML; it states nothing."""
        return {} if data is None else data
