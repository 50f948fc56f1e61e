"""Every rule has a page and a pair of twins: the faulty one trips exactly its code, the healthy one nothing."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest
from catalogue_helpers import ROOT, Check, find_findings, find_verdicts

from pytest_rlguard import Outcome
from pytest_rlguard.checks.catalog import CATALOG

TWINS = ("faulty", "healthy")

# What a finding names: the seed and the step for what is seen in an episode, and the key inside what the env returned.
NAMED = {
    "ENV091": r"IndexError in step 9: .*\(seed 0,",
    "OBS101": r"observation\[0\] .* at seed \d+, step \d+: 3\.\d+ is outside \[-3\.14\d+, 3\.14\d+\]",
    "OBS102": r"for seed \d+ and .* for seed \d+",
    "OBS103": r"Discrete\(\d+\)\), that of .* is .*Discrete\(\d+\)\)",
    "OBS104": r"observation of the reset was changed by step 4: observation\[0\] was \d+, is \d+ \(seed 0\)",
    "ACT111": r"sample 0 after action_space.seed\(0\) was array\(.*\), then array\(.*\)",
    "REW121": r"at seed \d+, step \d+: nan",
    "END131": r"terminated is no bool at seed 0, step 1: ndarray array\(\[(Fals|Tru)e\]\)",
    "INF141": r"info\['touching'\] .* at seed 0, step 1: TypeError: cannot pickle 'dict_keys' object",
    "DET201": r"seed 0, step 6, observation\[0\]: -?\d\.\d+ against -?\d\.\d+",
    "DET202": r"seed \d+, step \d+, observation: '\w+' against '\w+'",
    "DET203": r"seed 0, step \d+, observation\[0\]: -?\d\.\d+ against -?\d\.\d+",
    "DET204": r"seed 0, step 1, observation\[0\]: -?\d\.\d+ against -?\d\.\d+",
    "DET205": r"seed 0, step 6, observation\[0\]: -?\d\.\d+ against -?\d\.\d+",
    "DET206": r"seed \d+, step \d+, observation\[0\]: -?\d\.\d+ against -?\d\.\d+",
    "DET208": r"worker 1 of base seed 0 and worker 0 of base seed 1 .* \(both are told seed 1\)",
    "DET209": r"seed 0, step 0, observation: \d+ against \d+",
}


@pytest.mark.parametrize("code", CATALOG)
def test_the_page_says_what_to_mend(code: str) -> None:
    rule = CATALOG[code]
    paragraphs = rule.page.split("\n\n")
    assert len(paragraphs) == 3
    assert paragraphs[-1].startswith("To mend: ")
    assert rule.meaning
    assert rule.code == code


@pytest.mark.parametrize("code", CATALOG)
def test_the_twins_differ_in_the_line_that_matters(code: str) -> None:
    faulty, healthy = (Path(ROOT, "fixtures", code, f"{twin}.py").read_text().splitlines() for twin in TWINS)
    changed = [
        line for line in difflib.ndiff(faulty, healthy) if line[0] in "+-" and line[2:].strip() and code not in line
    ]
    assert 1 <= len(changed) <= 3


@pytest.mark.parametrize("code", CATALOG)
def test_the_faulty_twin_trips_exactly_its_code(code: str, run_check: Check) -> None:
    found = find_findings(run_check(f"fixtures/{code}/faulty.py"))
    assert {rule: verdict.sentence for rule, verdict in found.items()}.keys() == {code}
    verdict = found[code]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.advice
    assert re.search(NAMED.get(code, ""), verdict.sentence), verdict.sentence
    assert "# reproduced in 3 of 3 runs" in verdict.reproducer


@pytest.mark.parametrize("code", CATALOG)
def test_the_healthy_twin_trips_nothing(code: str, run_check: Check) -> None:
    report = run_check(f"fixtures/{code}/healthy.py")
    odd = {v.rule: v.sentence for v in find_verdicts(report) if v.outcome is not Outcome.PASS}
    assert odd == {}
    assert report.outcome is Outcome.PASS
