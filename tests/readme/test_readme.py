"""Shown output is real output: every block of the README is run, and compared where it shows what comes out.

`python tests/readme/test_readme.py` writes the real output into the README's console blocks.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_rlguard.checks.catalog import CATALOG
from pytest_rlguard.cli import main as run_rlguard
from pytest_rlguard.config import load_config

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read_blocks(language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(README.read_text()) if kind == language]


def run(command: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100"}
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, env=environment, check=False)
    return done.stdout


def split_console(body: str) -> tuple[str, str]:
    head, _, shown = body.partition("\n")
    assert head.startswith("$ ")
    return head.removeprefix("$ "), shown


@pytest.mark.parametrize("body", read_blocks("console"), ids=lambda body: split_console(body)[0][:40])
def test_a_console_block_shows_what_the_command_prints(body: str) -> None:
    command, shown = split_console(body)
    assert shown.strip(), "the block shows nothing"
    assert run(command) == shown


@pytest.mark.parametrize("body", read_blocks("python"))
def test_a_python_block_runs(body: str, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(body)
    done = subprocess.run([sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("body", read_blocks("yaml"))
def test_a_yaml_block_is_a_valid_configuration(body: str, tmp_path: Path) -> None:
    config = tmp_path / "rlguard.yaml"
    config.write_text(body)
    assert load_config(config).config.gates.waivers


def test_a_failing_verdict_is_shown_early() -> None:
    lines = README.read_text().splitlines()
    assert next(number for number, line in enumerate(lines) if line.startswith("FAIL ")) < 40


def test_every_rule_and_command_that_is_named_exists(capsys: pytest.CaptureFixture[str]) -> None:
    text = README.read_text()
    named = set(re.findall(r"\b[A-Z]{3}\d{3}\b", text))
    assert named <= set(CATALOG)
    for verb in set(re.findall(r"rlguard (check|explain|train|config)\b", text)):
        assert run_rlguard([verb, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


def refresh() -> None:
    """Run every console block and write what it prints into the README."""

    def rewrite(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        command, _ = split_console(match[2])
        return f"```console\n$ {command}\n{run(command)}```"

    README.write_text(BLOCK.sub(rewrite, README.read_text()))


if __name__ == "__main__":
    refresh()
