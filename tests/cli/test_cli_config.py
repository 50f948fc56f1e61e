"""`rlguard config show`: every value, and where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_gates import RunCommand

from pytest_rlguard.config import load_config


def test_every_value_is_on_a_line_with_its_origin(
    rlguard: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rlguard.yaml").write_text("distributed_rl_pipeline:\n  preset: dense_locomotion\n  gates: {strict: true}\n")
    answer = rlguard("config", "show", "--config", "rlguard.yaml", "--set", "env.target=Ant-v5")
    lines = {line.split()[0]: line.split(maxsplit=2)[1:] for line in answer.out.splitlines()}
    assert answer.code == 0
    assert lines.keys() == load_config(None).origins.keys()
    assert lines["env.target"] == ['"Ant-v5"', "--set"]
    assert lines["gates.strict"] == ["true", "rlguard.yaml:3"]
    assert lines["actor_learner.max_policy_lag"] == ["3", "preset dense_locomotion"]
    assert lines["actor_learner.stale_batch_action"] == ['"drop"', "default"]


def test_a_wrong_file_lists_its_mistakes(rlguard: RunCommand, tmp_path: Path) -> None:
    path = tmp_path / "rlguard.yaml"
    path.write_text("distributed_rl_pipeline:\n  gats: 1\n  policy: 2\n")
    answer = rlguard("config", "show", "--config", str(path))
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err == (
        "error: the configuration has 2 mistakes\n"
        f"  {path}:2: gats: unknown key; did you mean 'gates'?\n"
        f"  {path}:3: policy is 2; expected a section with the keys target\n"
    )
