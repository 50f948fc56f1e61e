"""What exact comparisons prove: k equal pairs bound the share of seeds that can differ. Stdlib only."""

from __future__ import annotations

import math

__all__ = ["chance_of_split", "claim_of_equals", "pairs_needed", "share_bound"]


def share_bound(pairs: int, confidence: float = 0.95) -> float:
    """The largest share q of seeds that can differ, at `confidence`, after `pairs` pairs that were all equal.

    q = 1 - (1 - confidence)^(1/pairs), the exact one-sided Clopper-Pearson limit for no event in `pairs` trials; 1.0
    where there were no pairs. Raises ValueError for a confidence outside (0, 1) or a negative count.
    """
    _check(confidence)
    if pairs < 0:
        raise ValueError(f"pairs must be at least 0, got {pairs}")
    return 1.0 if pairs == 0 else -math.expm1(math.log1p(-confidence) / pairs)


def pairs_needed(share: float, confidence: float = 0.95) -> int:
    """How many equal pairs it takes to claim that at most `share` of seeds can differ, at `confidence`."""
    _check(confidence)
    if not 0 < share < 1:
        raise ValueError(f"share must be in (0, 1), got {share}")
    return math.ceil(math.log1p(-confidence) / math.log1p(-share))


def claim_of_equals(pairs: int, confidence: float = 0.95) -> str:
    """The claim in words: `at most 3.3 % of seeds can differ, 95 %`."""
    return f"at most {100 * share_bound(pairs, confidence):.1f} % of seeds can differ, {100 * confidence:.0f} %"


def chance_of_split(usual: int, others: int, odd: int) -> float:
    """How probable it is that all `odd` ones among `usual + others` episodes of one kind fall into the `others`.

    C(others, odd) / C(usual + others, odd), the end of Fisher's exact test. Raises ValueError for a negative count.
    """
    if min(usual, others, odd) < 0:
        raise ValueError(f"counts must be at least 0, got {usual}, {others}, {odd}")
    return 0.0 if odd > others else math.comb(others, odd) / math.comb(usual + others, odd)


def _check(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), got {confidence}")
