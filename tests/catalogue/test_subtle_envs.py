"""Envs that were taken for something else before: sound ones that must pass, defects that must get their own code."""

from __future__ import annotations

import pytest
from catalogue_helpers import ENVS, Check, find_findings


@pytest.mark.parametrize("name", ["ActionOfManyParts", "SpaceOfOnesOwn"])
def test_a_sound_env_has_no_finding(name: str, run_check: Check) -> None:
    found = find_findings(run_check(f"{ENVS}/subtle.py:{name}"))
    found.pop("ENV090", None)  # check_env does not know every space
    assert found == {}
