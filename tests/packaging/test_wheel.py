"""The built wheel does what the source tree does, with the source tree out of sight."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new venv that holds the wheel; its dependencies are this interpreter's, found by path, without our own."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = venv / "lib" / version / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return venv / "bin" / "python"


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(
        [str(python), *arguments], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def test_the_wheel_carries_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"pytest_rlguard", "pytest_rlguard-0.1.0.dist-info"}
    for carried in ("py.typed", "report/schema.json", "gatesuite/test_contract.py"):
        assert f"pytest_rlguard/{carried}" in names


def test_the_command_runs_from_the_wheel(python: Path, tmp_path: Path) -> None:
    done = run(python, tmp_path, "-m", "pytest_rlguard", "check", "CartPole-v1", "--json", "report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "report.json").read_text())["outcome"] == "pass"
    where = run(python, tmp_path, "-c", "import pytest_rlguard; print(pytest_rlguard.__file__)")
    assert str(python.parent.parent) in where.stdout


def test_the_gate_suite_runs_from_the_wheel(python: Path, tmp_path: Path) -> None:
    suite = ("-m", "pytest", "--pyargs", "pytest_rlguard.gatesuite", "--rlguard-env", "CartPole-v1")
    done = run(python, tmp_path, *suite, "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "21 passed" in done.stdout
