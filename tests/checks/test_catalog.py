"""The catalogue: the rules of both stages, found by their code."""

from __future__ import annotations

import pytest

from pytest_rlguard.checks.catalog import CATALOG, find_rule, rules_of
from pytest_rlguard.errors import UsageError

CONTRACT = "ENV090 ENV091 ENV092 OBS101 OBS102 OBS103 OBS104 ACT111 REW121 END131 INF141"


def test_every_rule_of_the_two_stages_is_there() -> None:
    assert rules_of("contract") == tuple(CONTRACT.split())
    assert rules_of("determinism") == tuple(f"DET2{number:02}" for number in range(1, 11))
    assert len(CATALOG) == 21
    assert rules_of("chaos") == ()


def test_a_rule_is_found_in_any_case_of_letters() -> None:
    assert find_rule("obs104") is CATALOG["OBS104"]


def test_an_unknown_code_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"there is no rule 'OBS114'\nDid you mean OBS104\?"):
        find_rule("OBS114")
    with pytest.raises(UsageError, match="rlguard explain lists all rules"):
        find_rule("?")
