"""Spaces of every kind: their identity, the form of their values, why a value is outside, and their extremes."""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_rlguard.fingerprint import encode
from pytest_rlguard.spaces import (
    extreme_action,
    find_violation,
    fork_space,
    identify_space,
    iterate_leaves,
    value_form,
)


def make_box(dtype: str, shape: tuple[int, ...], low: float | None, width: float) -> spaces.Box:
    """A box with random bounds; unbounded below where there is no `low`."""
    if np.issubdtype(np.dtype(dtype), np.floating):
        bottom = -np.inf if low is None else low
        return spaces.Box(bottom, np.inf if low is None else low + width, shape, np.dtype(dtype).type)
    limits = np.iinfo(dtype)
    bottom = limits.min if low is None else max(limits.min, int(low))
    return spaces.Box(bottom, min(limits.max, bottom + int(width)), shape, np.dtype(dtype).type)


BOXES = st.builds(
    make_box,
    st.sampled_from(["float16", "float32", "float64", "uint8", "int8", "int32", "int64"]),
    hnp.array_shapes(min_dims=0, max_dims=2, max_side=3),
    st.none() | st.integers(-50, 50).map(float),
    st.integers(0, 200).map(float),
)
LEAVES = (
    BOXES
    | st.builds(spaces.Discrete, st.integers(1, 5), start=st.integers(-3, 3))
    | st.lists(st.integers(1, 4), min_size=1, max_size=3).map(spaces.MultiDiscrete)
    | st.builds(
        lambda sizes: spaces.MultiDiscrete(sizes, start=[-1] * len(sizes)),
        st.lists(st.integers(1, 4), min_size=1, max_size=3),
    )
    | st.integers(1, 4).map(spaces.MultiBinary)
    | st.integers(1, 6).map(spaces.Text)
    | st.just(spaces.Graph(spaces.Box(-1.0, 1.0, (2,)), spaces.Discrete(3)))
)
SPACES = st.recursive(
    LEAVES,
    lambda parts: (
        st.dictionaries(st.text("ab", min_size=1, max_size=2), parts, min_size=1, max_size=3).map(spaces.Dict)
        | st.lists(parts, min_size=1, max_size=3).map(spaces.Tuple)
        | st.lists(parts, min_size=1, max_size=3).map(getattr(spaces, "OneOf", spaces.Tuple))  # gymnasium 1.0 has it
        | BOXES.map(spaces.Sequence)
    ),
    max_leaves=5,
)


@given(SPACES, st.integers(0, 2**31))
def test_an_extreme_action_is_in_its_space(space: gymnasium.Space[Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    forked = fork_space(space, seed)
    for _ in range(3):
        assert find_violation(space, extreme_action(forked, rng)) is None


@given(SPACES, st.integers(0, 2**31))
def test_a_sample_violates_nothing_and_has_one_form(space: gymnasium.Space[Any], seed: int) -> None:
    forked = fork_space(space, seed)
    samples = [forked.sample() for _ in range(4)]
    assert [find_violation(space, sample) for sample in samples] == [None] * 4
    forms = [repr(value_form(space, sample)) for sample in samples]
    assert len(set(forms)) == 1


@given(SPACES)
def test_a_copy_has_the_same_identity(space: gymnasium.Space[Any]) -> None:
    assert encode(identify_space(copy.deepcopy(space))) == encode(identify_space(space))


def test_both_ends_are_reached() -> None:
    space, rng = (
        spaces.Box(np.array([-1.0, -np.inf]), np.array([np.inf, 2.0]), dtype=np.float64),
        np.random.default_rng(0),
    )
    found = {tuple(extreme_action(space, rng)) for _ in range(40)}
    assert found == {(-1.0, -10.0), (-1.0, 2.0), (10.0, -10.0), (10.0, 2.0)}
    assert {int(extreme_action(spaces.Discrete(5, start=-2), rng)) for _ in range(20)} == {-2, 2}


@pytest.mark.parametrize(
    ("space", "value", "expected"),
    [
        (spaces.Box(-1.0, 1.0, (2,)), np.array([0.0, 1.5], np.float32), ("[1]", "1.5 is outside [-1.0, 1.0]")),
        (spaces.Box(-1.0, 1.0, (2,)), np.array([np.nan, 0.0], np.float32), ("[0]", "NaN")),
        (spaces.Box(-1.0, 1.0, (1, 2)), np.array([[0.0, -2.0]], np.float32), ("[0, 1]", "-2.0 is outside [-1.0, 1.0]")),
        (spaces.Box(-1.0, 1.0, ()), np.float32(2.0), ("", "2.0 is outside [-1.0, 1.0]")),
        (spaces.Box(-1.0, 1.0, (2,)), np.zeros(3, np.float32), (".shape", "shape (3,), declared (2,)")),
        (spaces.Box(-1.0, 1.0, (2,)), np.zeros(2), (".dtype", "dtype float64, declared float32")),
        (spaces.Discrete(3), 3, ("", "3 (int) is not in Discrete(3)")),
        (
            spaces.Dict({"a": spaces.Dict({"b": spaces.Box(0, 1, (1,))})}),
            {"a": {"b": np.full(1, 2, np.float32)}},
            ("['a']['b'][0]", "2.0 is outside [0.0, 1.0]"),
        ),
        (
            spaces.Dict({"a": spaces.Discrete(2)}),
            {"b": 1},
            ("", "keys missing: ['a'], keys not declared: ['b']"),
        ),
        (spaces.Dict({"a": spaces.Discrete(2)}), 1, ("", "expected a dict, got int")),
        (spaces.Tuple([spaces.Discrete(2), spaces.Discrete(2)]), (0, 2), ("[1]", "2 (int) is not in Discrete(2)")),
        (spaces.Sequence(spaces.Discrete(2)), (0, 1, 2), ("[2]", "2 (int) is not in Discrete(2)")),
    ],
    ids=str,
)
def test_a_violation_names_its_key_and_its_reason(
    space: gymnasium.Space[Any], value: object, expected: tuple[str, str]
) -> None:
    assert find_violation(space, value) == expected


def test_a_list_is_no_array() -> None:
    found = find_violation(spaces.Box(-1.0, 1.0, (2,)), "text")
    assert found == ("", "expected an array of shape (2,), got str 'text'")


class Broken(gymnasium.Space[int]):
    """A space of somebody else's whose `contains` raises."""

    def contains(self, x: object) -> bool:
        raise KeyError(x)


def test_a_space_that_cannot_tell_is_a_violation_of_its_own() -> None:
    assert find_violation(Broken(), 1) == ("", "the space's contains() raised KeyError: 1")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (spaces.Box(0, 1, (2,)), spaces.Box(0, 1, (2,), np.float64)),
        (spaces.Box(0, 1.0, (2,), np.float64), spaces.Box(0, np.nextafter(1.0, 2.0), (2,), np.float64)),
        (spaces.Discrete(3), spaces.Discrete(3, start=1)),
        (spaces.Discrete(3), spaces.MultiDiscrete([3])),
        (spaces.MultiDiscrete([3, 3]), spaces.MultiDiscrete([3, 3], start=[0, 1])),
        (spaces.Sequence(spaces.Discrete(2)), spaces.Sequence(spaces.Discrete(2), stack=True)),
        (spaces.Dict({"a": spaces.Discrete(2)}), spaces.Dict({"b": spaces.Discrete(2)})),
        (spaces.Graph(spaces.Discrete(2), None), spaces.Graph(spaces.Discrete(2), spaces.Discrete(2))),
    ],
    ids=str,
)
def test_other_spaces_have_another_identity(left: gymnasium.Space[Any], right: gymnasium.Space[Any]) -> None:
    assert encode(identify_space(left)) != encode(identify_space(right))


@pytest.mark.parametrize(
    ("space", "left", "right", "are_alike"),
    [
        (spaces.Box(0, 9, (2,)), np.zeros(2), np.zeros(3), False),
        (spaces.Box(0, 9, (2,)), np.zeros(2), np.zeros(2, np.float32), False),
        (spaces.Discrete(3), 1, np.int64(1), False),
        (spaces.Sequence(spaces.Discrete(3)), (1,), (1, 2), True),
        (spaces.Text(5), "a", "abc", True),
        (spaces.Tuple([spaces.Box(0, 9, (2,))]), (np.zeros(2),), (np.zeros(3),), False),
    ],
    ids=str,
)
def test_a_form_holds_what_the_space_fixes(
    space: gymnasium.Space[Any], left: object, right: object, *, are_alike: bool
) -> None:
    assert (value_form(space, left) == value_form(space, right)) is are_alike


def test_a_fork_draws_from_its_own_generator() -> None:
    space = spaces.Dict({"a": spaces.Discrete(100), "b": spaces.Box(0, 1, (2,))})
    space.seed(0)
    before = [part.np_random.bit_generator.state for part in iterate_leaves(space)]
    fork = fork_space(space, 7)
    drawn = [str(fork.sample()), str(fork_space(space, 7).sample())]
    assert drawn[0] == drawn[1]
    assert [part.np_random.bit_generator.state for part in iterate_leaves(space)] == before
