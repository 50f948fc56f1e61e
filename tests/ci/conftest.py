"""The scripts of `ci/` as modules: they are no package, so they are loaded from their files."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

CI = Path(__file__).parents[2] / "ci"


def load_script(relative: str) -> ModuleType:
    """The module at `ci/<relative>`; registered, since dataclasses look their own module up."""
    name = f"rlguard_ci_{Path(relative).stem}"
    spec = importlib.util.spec_from_file_location(name, CI / relative)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def train() -> ModuleType:
    return load_script("train.py")


@pytest.fixture(scope="session")
def startup() -> ModuleType:
    return load_script("bench/startup.py")


@pytest.fixture(scope="session")
def check_time() -> ModuleType:
    return load_script("bench/check_time.py")
