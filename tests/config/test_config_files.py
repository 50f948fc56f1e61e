"""A file that cannot be read, or is no configuration, is refused in a line or two that name file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_rlguard.config import load_config
from pytest_rlguard.errors import ConfigError

EXPECTED = "expected the key 'distributed_rl_pipeline' with the settings under it"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f":1: the file is empty; {EXPECTED}"),
        ("# nothing but this\n", f":1: the file is empty; {EXPECTED}"),
        ("- a\n- b\n", f':1: the file holds ["a", "b"]; {EXPECTED}'),
        ("hello\n", f':1: the file holds "hello"; {EXPECTED}'),
        ("{}\n", f":1: the mapping is empty; {EXPECTED}"),
        ("distributed_rl_pipelin:\n  env: {}\n", f":1: unknown root key 'distributed_rl_pipelin'; {EXPECTED}"),
        ("env: {}\n", f":1: unknown root key 'env'; {EXPECTED}"),
        ("\ndistributed_rl_pipeline: 5\n", ":2: distributed_rl_pipeline is 5; expected a mapping of sections"),
        (
            "distributed_rl_pipeline:\n\tenv: {}\n",
            ":2: not valid YAML: found character '\\t' that cannot start any token; indent with spaces",
        ),
        ("distributed_rl_pipeline: {env: [}\n", ":1: not valid YAML: expected the node content, but found '}'"),
        ("a: 1\n---\nb: 2\n", ":2: not valid YAML: but found another document"),
    ],
)
def test_a_file_that_is_no_configuration(refusal: Callable[..., str], text: str, message: str) -> None:
    assert refusal(text) == f"rlguard.yaml{message}"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(ConfigError, match=r"binary\.yaml: not valid YAML"):
        load_config(path)


def test_a_file_nested_too_deeply(refusal: Callable[..., str]) -> None:
    assert "it is nested too deeply" in refusal("[" * 5000)


def test_an_impossible_date_is_no_crash(refusal: Callable[..., str]) -> None:
    assert "not valid YAML: month must be in 1..12" in refusal("distributed_rl_pipeline: {env: 2026-13-01}")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the configuration .*none\.yaml: No such file or directory"):
        load_config(tmp_path / "none.yaml")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(tmp_path)


def test_loading_runs_no_code(write: Callable[[str], Path], tmp_path: Path) -> None:
    text = "distributed_rl_pipeline:\n  env: {kwargs: !!python/object/apply:os.mkdir [ran]}\n"
    with pytest.raises(ConfigError, match=r"^rlguard\.yaml:2: not valid YAML: could not determine a constructor"):
        load_config(write(text))
    assert not (tmp_path / "ran").exists()


def test_a_key_twice_on_one_line(refusal: Callable[..., str]) -> None:
    text = "distributed_rl_pipeline:\n  gates: {seeds: quick, seeds: thorough}\n"
    assert refusal(text) == "rlguard.yaml:2: key 'seeds' stands twice, first in line 2"


def test_an_empty_section_states_nothing(write: Callable[[str], Path]) -> None:
    loaded = load_config(write("distributed_rl_pipeline:\n  preset: dense_locomotion\n  actor_learner:\n  gates:\n"))
    assert loaded.config.actor_learner.max_policy_lag == 3
    assert loaded.origins["actor_learner.max_policy_lag"] == "preset dense_locomotion"


def test_numbers_with_an_exponent_are_numbers(write: Callable[[str], Path]) -> None:
    loaded = load_config(write("distributed_rl_pipeline:\n  statistics: {alpha_pass: 1e-3}\n"))
    assert loaded.config.statistics.alpha_pass == 0.001


def test_merge_keys_are_read(write: Callable[[str], Path]) -> None:
    text = "distributed_rl_pipeline:\n  env: {kwargs: &base {a: 1}}\n  policy: {<<: {target: 'my:policy'}}\n"
    loaded = load_config(write(text))
    assert loaded.config.policy.target == "my:policy"
    assert loaded.origins["policy.target"] == "rlguard.yaml:3"
