"""Six envs that gymnasium's own checker lets pass: rlguard finds each, under the right code."""

from __future__ import annotations

import runpy
import warnings
from pathlib import Path

import gymnasium
import pytest
from catalogue_helpers import ROOT, Check, find_findings
from gymnasium.utils.env_checker import check_env

PLANTED = {
    "fixtures/DET201/faulty.py": "DET201",
    "fixtures/DET205/faulty.py": "DET205",
    "fixtures/REW121/faulty.py": "REW121",
    "fixtures/peers/obs_shrinks_late.py": "OBS101",
    "fixtures/peers/shape_depends_on_seed.py": "OBS102",
    "fixtures/OBS103/faulty.py": "OBS103",
    "fixtures/DET202/faulty.py": "DET202",
}


@pytest.mark.parametrize("path", PLANTED)
def test_gymnasiums_own_checker_lets_it_pass(path: str) -> None:
    found = runpy.run_path(str(Path(ROOT, path))).values()
    (env_class,) = (item for item in found if isinstance(item, type) and issubclass(item, gymnasium.Env))
    env = env_class()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env, skip_render_check=True)
    env.close()


@pytest.mark.parametrize("path", [path for path in PLANTED if "peers" in path])
def test_rlguard_finds_it(path: str, run_check: Check) -> None:
    """The other ones are twins of their rules, and test_catalogue.py runs them."""
    assert list(find_findings(run_check(path))) == [PLANTED[path]]


def test_the_ones_that_are_twins_are_those_of_their_code() -> None:
    assert all(code in path or "peers" in path for path, code in PLANTED.items())
