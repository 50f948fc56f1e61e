"""User properties as plain Python values: a numpy scalar among them ends an xdist session with an internal error."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Protocol, runtime_checkable

import pytest

__all__ = ["PlainProperties", "plain_value"]

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

_EXACT = (bool, int, float, str)


@runtime_checkable
class _Scalar(Protocol):
    def item(self) -> object: ...


class PlainProperties:
    """Makes the properties of every report plain, in the process that runs the tests."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """After all others, since any of them may add properties."""
        report = yield
        report.user_properties = [(str(name), plain_value(value)) for name, value in report.user_properties]
        return report


def plain_value(value: object) -> Plain:
    """The value if its type is exactly a builtin one, else the nearest that is; at worst its `repr`."""
    if value is None or type(value) in _EXACT:
        return value  # type: ignore[return-value]
    for kind in _EXACT:
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {str(name): plain_value(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(part) for part in value]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> Plain:
    """A numpy or torch scalar as a number; whatever refuses, as its `repr`."""
    try:
        number = value.item() if isinstance(value, _Scalar) else None
    except (TypeError, ValueError, RuntimeError):
        number = None
    return plain_value(number) if type(number) in _EXACT else repr(value)
