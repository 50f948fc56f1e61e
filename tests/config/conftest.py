"""A configuration file, written where the test says."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_rlguard.config import load_config
from pytest_rlguard.errors import ConfigError


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write `rlguard.yaml` into the current folder; the path is relative, as a user would type it."""
    monkeypatch.chdir(tmp_path)

    def write_text(text: str) -> Path:
        Path("rlguard.yaml").write_text(textwrap.dedent(text), encoding="utf-8")
        return Path("rlguard.yaml")

    return write_text


@pytest.fixture
def refusal(write: Callable[[str], Path]) -> Callable[..., str]:
    """The message with which a file's text is refused."""

    def load(text: str, overrides: tuple[str, ...] = ()) -> str:
        with pytest.raises(ConfigError) as caught:
            load_config(write(text), overrides=overrides)
        return str(caught.value)

    return load
