"""The gates, run on the env of a file from the repository's root, in a temporary folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

import psutil
import pytest
from catalogue_helpers import ROOT, Check

from pytest_rlguard import Report, check
from pytest_rlguard.config import Config


@pytest.fixture
def run_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Check]:
    """`check` with two workers, under the `.yaml` beside the file or the given configuration; nothing stays."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def run(path: str, **settings: object) -> Report:
        beside = Path(path).with_suffix(".yaml")
        config = Config.model_validate(settings) if settings else beside if beside.exists() else None
        return check(path, config=config, workers=2)

    yield run
    assert list(_list_children()) == []


def _list_children() -> Iterator[str]:
    """The processes below this one, but for the two that multiprocessing keeps for later."""
    servers = {
        forkserver._forkserver._forkserver_pid,
        resource_tracker._resource_tracker._pid,
    }
    for child in psutil.Process().children(recursive=True):
        if child.pid not in servers and child.status() != psutil.STATUS_ZOMBIE:
            yield repr(child)
