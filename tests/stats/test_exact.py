"""What exact comparisons prove."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_rlguard.stats.exact import chance_of_split, claim_of_equals, pairs_needed, share_bound


@pytest.mark.parametrize(("pairs", "percent"), [(30, "9.5"), (90, "3.3"), (299, "1.0")])
def test_the_claim_of_each_number_of_seeds(pairs: int, percent: str) -> None:
    assert claim_of_equals(pairs) == f"at most {percent} % of seeds can differ, 95 %"


def test_nothing_compared_proves_nothing() -> None:
    assert share_bound(0) == 1.0


@given(st.integers(1, 5_000), st.floats(0.5, 0.999))
def test_a_larger_share_would_have_shown_with_the_stated_confidence(pairs: int, confidence: float) -> None:
    assert (1 - share_bound(pairs, confidence)) ** pairs == pytest.approx(1 - confidence)


@given(st.floats(0.001, 0.5))
def test_the_pairs_needed_are_the_fewest(share: float) -> None:
    pairs = pairs_needed(share)
    assert share_bound(pairs) <= share
    assert pairs == 1 or share_bound(pairs - 1) > share * (1 - 1e-9)


def test_the_chance_of_a_split_is_that_of_a_shuffle() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([1] * 3 + [0] * 9)
    shuffled = np.mean([rng.permutation(labels)[:6].sum() == 0 for _ in range(20_000)])
    assert chance_of_split(6, 6, 3) == pytest.approx(shuffled, abs=0.006)


def test_a_split_that_cannot_be_has_no_chance_and_one_of_nothing_is_certain() -> None:
    assert chance_of_split(5, 2, 3) == 0.0
    assert chance_of_split(5, 2, 0) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: share_bound(-1), "pairs must be at least 0, got -1"),
        (lambda: share_bound(1, 1.0), r"confidence must be in \(0, 1\), got 1.0"),
        (lambda: pairs_needed(0), r"share must be in \(0, 1\), got 0"),
        (lambda: chance_of_split(1, -2, 0), "counts must be at least 0, got 1, -2, 0"),
    ],
)
def test_nonsense_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
