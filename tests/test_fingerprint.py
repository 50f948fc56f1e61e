"""Values as bytes and back; equal bytes for equal values only; the first difference of two episodes is the first."""

from __future__ import annotations

import enum
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import GraphInstance
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_rlguard.fingerprint import (
    DIGEST_SIZE,
    Difference,
    decode,
    digest,
    encode,
    encode_action,
    encode_step,
    fingerprint,
    first_difference,
)

DTYPES = hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.unsigned_integer_dtypes() | hnp.floating_dtypes()
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
VALUES = st.recursive(
    SCALARS | ARRAYS | hnp.from_dtype(np.dtype(np.float32)) | hnp.from_dtype(np.dtype(np.int64)),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.lists(parts, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), parts, max_size=3)
        | st.builds(GraphInstance, ARRAYS, st.none() | ARRAYS, st.none() | ARRAYS)
    ),
    max_leaves=6,
)


def is_same(left: Any, right: Any) -> bool:
    """Equal in type, dtype, shape and every bit; written without the encoding."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray | np.generic):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(is_same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, float):
        return left.hex() == right.hex() and math.copysign(1, left) == math.copysign(1, right)
    return bool(left == right)


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: object) -> None:
    assert is_same(decode(encode(value)), value)


@given(VALUES, VALUES)
def test_bytes_are_equal_exactly_where_values_are(left: object, right: object) -> None:
    assert (encode(left) == encode(right)) == is_same(left, right)


@given(VALUES)
def test_equal_values_have_equal_bytes(value: object) -> None:
    assert encode(decode(encode(value))) == encode(value)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (0.0, -0.0),
        (1, 1.0),
        (1, True),
        (1.0, np.float64(1.0)),
        (np.float64(1.0), np.array(1.0)),
        (np.zeros(2, np.float32), np.zeros(2, np.float64)),
        (np.zeros(2, "<f8"), np.zeros(2, ">f8")),
        (np.zeros((2, 1)), np.zeros((1, 2))),
        ((1, 2), [1, 2]),
        ("1", b"1"),
        ({"a": 1}, {"a": None}),
        ((np.zeros(1), None, None), GraphInstance(np.zeros(1), None, None)),
        (("ab", "c"), ("a", "bc")),
        ([[1], 2], [[1, 2]]),
    ],
)
def test_values_that_look_alike_have_other_bytes(left: object, right: object) -> None:
    assert encode(left) != encode(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, OrderedDict(a=1)),
        (np.zeros((2, 3)), np.asfortranarray(np.zeros((2, 3)))),
        (np.arange(6)[::2], np.array([0, 2, 4])),
        (torch.ones(2), np.ones(2, np.float32)),
        (object(), object()),
    ],
)
def test_what_does_not_count_is_left_out(left: object, right: object) -> None:
    assert encode(left) == encode(right)


def test_a_nan_of_another_bit_pattern_is_another_value() -> None:
    usual, odd = np.array([0x7FF8000000000000, 0x7FF8000000000001], np.uint64).view(np.float64)
    assert encode(np.array(usual)) != encode(np.array(odd))


def test_an_unknown_object_comes_back_as_its_text_without_its_address() -> None:
    assert decode(encode(object())) == "object: <object object>"


def test_what_is_left_over_is_refused() -> None:
    with pytest.raises(ValueError, match="1 bytes are left over after an encoded value"):
        decode(encode(1) + b"N")


def test_digests_are_short_and_fingerprints_hold_the_policy_version() -> None:
    assert len(digest(b"frame")) == DIGEST_SIZE
    assert fingerprint(b"steps", 0) != fingerprint(b"steps", 1)
    assert fingerprint(b"steps", 3) == fingerprint(b"steps", 3)


GOES_ON = (False, False)


def make_frames(observations: list[Any]) -> list[bytes]:
    """The frames of an episode under the action 0 and the reward 1.0."""
    reset, *steps = observations
    return [encode(reset), *(encode_step(encode(0), observation, 1.0, *GOES_ON) for observation in steps)]


EPISODES = st.lists(hnp.arrays(np.float32, 3, elements=st.sampled_from([0.0, 1.0])), min_size=1, max_size=5)


@given(EPISODES, EPISODES)
def test_the_first_difference_is_the_first(left: list[np.ndarray], right: list[np.ndarray]) -> None:
    found = first_difference(make_frames(left), make_frames(right))
    differing = [i for i, (a, b) in enumerate(zip(left, right, strict=False)) if not np.array_equal(a, b)]
    if differing:
        (index, *_) = np.flatnonzero(left[differing[0]] != right[differing[0]])
        values = repr(float(left[differing[0]][index])), repr(float(right[differing[0]][index]))
        assert found == Difference(differing[0], f"observation[{index}]", *values)
    elif len(left) != len(right):
        lengths = [f"{len(episode) - 1} steps" for episode in (left, right)]
        assert found == Difference(min(len(left), len(right)), "length", *lengths)
    else:
        assert found is None


@pytest.mark.parametrize(
    ("left", "right", "key"),
    [
        ({"a": np.zeros((2, 2)), "b": 1}, {"a": np.eye(2), "b": 1}, "observation['a'][0, 0]"),
        (np.float64(1.0), np.float64(2.0), "observation"),
        (np.zeros(2), np.zeros(3), "observation.shape"),
        (np.zeros(2), np.zeros(2, np.float32), "observation.dtype"),
        ((0, (1, 2)), (0, (1, 3)), "observation[1][1]"),
        ({"a": 1}, {"b": 1}, "observation"),
        (GraphInstance(np.zeros(2), None, None), GraphInstance(np.ones(2), None, None), "observation.nodes[0]"),
    ],
)
def test_the_key_of_a_difference_leads_to_the_value(left: object, right: object, key: str) -> None:
    found = first_difference([encode(left)], [encode(right)])
    assert found is not None
    assert (found.step, found.key) == (0, key)


@pytest.mark.parametrize(
    ("step", "key"),
    [
        ((1, 0, 1.0, False, False), "action"),
        ((0, 0, 2.0, False, False), "reward"),
        ((0, 0, 1.0, True, False), "terminated"),
        ((0, 0, 1.0, False, True), "truncated"),
    ],
)
def test_a_step_differs_by_the_name_of_its_part(step: tuple[Any, ...], key: str) -> None:
    action, *rest = step
    found = first_difference(make_frames([0, 0]), [encode(0), encode_step(encode(action), *rest)])
    assert found is not None
    assert (found.step, found.key) == (1, key)


def test_a_long_value_is_shortened() -> None:
    found = first_difference([encode("a" * 100)], [encode("b")])
    assert found is not None
    assert found.left.endswith("...")
    assert len(found.left) == 80
    assert found.describe().startswith("step 0, observation: 'aaa")


def test_an_action_keeps_the_order_of_its_keys() -> None:
    action = {"alpha": np.zeros(2), "z": (1, {"b": 2, "a": 3})}
    back = decode(encode_action(action))
    assert list(back) == ["alpha", "z"]
    assert list(back["z"][1]) == ["b", "a"]
    assert encode_action({"a": 1, "b": 2}) != encode_action({"b": 2, "a": 1})


@given(VALUES)
def test_an_action_comes_back_as_it_was(value: object) -> None:
    assert is_same(decode(encode_action(value)), value)


class Move(enum.IntEnum):
    LEFT = 3


def test_a_member_of_an_enum_comes_back_as_its_number() -> None:
    assert decode(encode(Move.LEFT)) == 3
