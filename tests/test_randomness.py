"""Seeds that are drawn, and the process's global random states."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pytest_rlguard.randomness import draw_seeds, pin_globals, read_globals


@given(st.integers(0, 2**63 - 1), st.integers(1, 300))
def test_seeds_are_distinct_begin_with_zero_and_come_again(root: int, count: int) -> None:
    seeds = draw_seeds(root, count)
    assert seeds[0] == 0
    assert len(set(seeds)) == len(seeds) == count
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert draw_seeds(root, count) == seeds


def test_fewer_seeds_are_the_first_of_more() -> None:
    assert draw_seeds(5, 90)[:30] == draw_seeds(5, 30)


def test_neighbouring_roots_share_no_seed_but_zero() -> None:
    assert set(draw_seeds(0, 299)) & set(draw_seeds(1, 299)) == {0}


@pytest.fixture(autouse=True)
def _put_back() -> object:
    """Leave the global states as they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])


DRAWS = {"random": random.random, "numpy.random": np.random.normal, "torch": lambda: torch.rand(1)}


@pytest.mark.parametrize("generator", DRAWS)
def test_a_draw_moves_one_generator(generator: str) -> None:
    pin_globals(3)
    before = read_globals()
    DRAWS[generator]()
    after = read_globals()
    assert {name for name in before if before[name] != after[name]} == {generator}


def test_reading_moves_nothing_and_pinning_puts_all_back() -> None:
    pin_globals(3)
    before = read_globals()
    assert read_globals() == before
    for draw in DRAWS.values():
        draw()
    pin_globals(3)
    assert read_globals() == before
