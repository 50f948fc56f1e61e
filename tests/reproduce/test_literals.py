"""Source that a reproducer holds evaluates to the very action that was played."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_rlguard.fingerprint import encode
from pytest_rlguard.reproduce.literals import count_numbers, render_actions, render_value


def evaluate(source: str) -> object:
    return eval(source, {"np": np})


@given(hnp.arrays(st.sampled_from([np.float32, np.float64, np.int8, np.uint8, np.bool_]), hnp.array_shapes(max_dims=2)))
def test_an_array_comes_back_to_the_last_bit(array: np.ndarray) -> None:
    again = evaluate(render_value(array))
    assert isinstance(again, np.ndarray)
    assert again.dtype == array.dtype
    assert np.array_equal(again, array, equal_nan=array.dtype.kind == "f")


VALUES = [3, "nan info", np.int64(2), np.float32(0.1), np.bool_(0), (1, np.int64(2)), {"arm": np.ones(2)}, [(), None]]


@pytest.mark.parametrize("value", VALUES)
def test_a_plain_or_nested_value_comes_back(value: object) -> None:
    assert encode(evaluate(render_value(value))) == encode(value)


def test_scalars_of_one_dtype_share_one_line() -> None:
    actions = [encode(np.int64(number)) for number in (1, 0, 1)]
    assert render_actions("ACTIONS", actions) == "ACTIONS = np.array([1, 0, 1], dtype=np.int64)"


def test_a_long_sequence_is_filled_into_lines() -> None:
    actions = [encode(np.full(6, number, np.float32)) for number in range(9)]
    namespace: dict[str, object] = {"np": np}
    source = render_actions("ACTIONS", actions)
    exec(source, namespace)
    assert source.count("\n") == 4
    assert max(map(len, source.splitlines())) <= 116
    assert [encode(action) for action in namespace["ACTIONS"]] == actions  # type: ignore[attr-defined]


def test_numbers_are_counted_through_nesting() -> None:
    assert count_numbers([encode({"a": np.zeros((2, 3)), "b": (1, 2.0)})]) == 8
