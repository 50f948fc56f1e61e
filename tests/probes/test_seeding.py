"""A user's seeding function is held to what reset(seed=...) takes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_rlguard.errors import TargetError
from pytest_rlguard.probes.seeding import resolve_seeding

SOURCE = """
def count(base_seed, worker):
    return (base_seed + worker + n for n in range(100))


def negative(base_seed, worker):
    return [-1]


def words(base_seed, worker):
    return ["one"]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "path", [*sys.path])
    path = tmp_path / "own_seeds.py"
    path.write_text(SOURCE)
    return str(path)


def test_seeds_may_be_yielded_and_are_cut_to_the_episodes(file: str) -> None:
    assert resolve_seeding(f"{file}:count")(5, 1, 4, 3) == (6, 7, 8)


@pytest.mark.parametrize(("name", "given"), [("negative", r"\[-1\]"), ("words", r"\['one'\]")])
def test_what_is_no_seed_is_refused(file: str, name: str, given: str) -> None:
    with pytest.raises(TargetError, match=rf"gave {given}, expected seeds\n?.*Return ints from 0 on"):
        resolve_seeding(f"{file}:{name}")(0, 0, 4, 1)
