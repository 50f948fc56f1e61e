"""`rlguard explain`: the table of all rules, and the page of each."""

from __future__ import annotations

import pytest
from fake_gates import RunCommand

from pytest_rlguard.checks.catalog import CATALOG


def test_the_table_has_every_rule_under_its_stage(rlguard: RunCommand) -> None:
    lines = rlguard("explain").out.splitlines()
    stage, seen = "", {}
    for line in lines:
        if not line.startswith(" "):
            stage = line
        elif line.split()[0] in CATALOG:
            seen[line.split()[0]] = stage
    assert seen == {code: rule.stage for code, rule in CATALOG.items()}
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("code", CATALOG)
def test_every_rule_has_a_page(rlguard: RunCommand, code: str) -> None:
    rule = CATALOG[code]
    answer = rlguard("explain", code)
    head, meaning, *page = answer.out.splitlines()
    assert head == f"{code} · {rule.stage} · {rule.severity.value}"
    assert meaning == rule.meaning
    assert "To mend:" in "\n".join(page)


def test_an_unknown_code_names_the_nearest(rlguard: RunCommand) -> None:
    answer = rlguard("explain", "OBS14")
    assert answer.code == 2
    assert answer.err == "error: there is no rule 'OBS14'\nDid you mean OBS104?\n"
