"""What is wrong with a value is said in one line: where it stands, what it holds, what belongs there."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_rlguard.config import load_config
from pytest_rlguard.errors import ConfigError

BOOLEAN = "(YAML reads an unquoted on, off, yes or no as true or false: quote it)"


def section(text: str) -> str:
    """`text` under the root key, from line 2 on."""
    return "distributed_rl_pipeline:\n" + textwrap.indent(textwrap.dedent(text), "  ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "actor_learner:\n  max_policy_lagg: 3",
            "3: actor_learner.max_policy_lagg: unknown key; did you mean 'max_policy_lag'?",
        ),
        ("actor_lerner: {}", "2: actor_lerner: unknown key; did you mean 'actor_learner'?"),
        (
            "env: {max_policy_lag: 3}",
            "2: env.max_policy_lag: unknown key; did you mean 'actor_learner.max_policy_lag'?",
        ),
        ("policy: {xyz: 3}", "2: policy.xyz: unknown key; the keys here are: target"),
        (
            "infrastructure:\n  chaos_testing:\n    worker_crash_rate: 1.7",
            "4: infrastructure.chaos_testing.worker_crash_rate is 1.7; expected a number from 0 to 1",
        ),
        (
            "actor_learner:\n  max_policy_lag: -1",
            "3: actor_learner.max_policy_lag is -1; expected a whole number from 0 to 1000",
        ),
        (
            "actor_learner: {max_policy_lag: true}",
            "2: actor_learner.max_policy_lag is true; expected a whole number from 0 to 1000",
        ),
        (
            "actor_learner: {max_policy_lag: '2'}",
            '2: actor_learner.max_policy_lag is "2"; expected a whole number from 0 to 1000',
        ),
        (
            "statistics: {alpha_pass: .nan}",
            "2: statistics.alpha_pass is NaN; expected a number above 0 and up to 0.5",
        ),
        (
            "actor_learner: {stale_batch_action: dorp}",
            '2: actor_learner.stale_batch_action is "dorp"; expected one of drop, correct, warn; '
            "did you mean 'drop'?",
        ),
        (
            "actor_learner: {stale_batch_action: off}",
            f"2: actor_learner.stale_batch_action is false; expected one of drop, correct, warn {BOOLEAN}",
        ),
        ("policy: {target: no}", f"2: policy.target is false; expected text that is not empty {BOOLEAN}"),
        (
            "worker_pool: {workers: 0}",
            "2: worker_pool.workers is 0; expected a whole number from 1 to 4096, or auto",
        ),
        (
            "worker_pool: {seeding: 'a b'}",
            '2: worker_pool.seeding is "a b"; expected one of spawn, base_plus_index, or text like package.module:name',
        ),
        ("env: {kwargs: 3}", "2: env.kwargs is 3; expected a mapping"),
        ("env: {kwargs: {1: 2}}", f"2: the key 1 is no text {BOOLEAN}"),
        ("env: {reproducible: 'yes'}", '2: env.reproducible is "yes"; expected true or false'),
        (
            "gates: {stages: contract}",
            (
                '2: gates.stages is "contract"; expected a list, each item one of contract, determinism, dataflow, '
                "invariance, scaling, chaos, memory, transfer, train, or null"
            ),
        ),
        (
            "gates:\n  waivers:\n    - rule: OBS104",
            "4: gates.waivers.0.reason is missing; expected text that is not empty",
        ),
        (
            "gates:\n  waivers:\n    - {rule: OBS104, reason: ' '}",
            '4: gates.waivers.0.reason is " "; expected text that is not empty',
        ),
        (
            "gates: {waivers: [{rule: obs104, reason: why}]}",
            '2: gates.waivers.0.rule is "obs104"; expected text like OBS104',
        ),
        (
            "statistics: 5",
            (
                "2: statistics is 5; expected a section with the keys max_episodes, alpha_pass, alpha_fail, "
                "relative_margin, variance_scale"
            ),
        ),
        (
            "preset: prodction",
            (
                '2: preset is "prodction"; expected one of dense_locomotion, sparse_manipulation, high_randomization, '
                "large_fleet, production, or null; did you mean 'production'?"
            ),
        ),
        (
            "reward_monitoring: {cross_bucket_variance_threshold: 2.0}",
            (
                "2: reward_monitoring.cross_bucket_variance_threshold: no share of the variance exceeds 1; give a "
                "number up to 1, or another statistics.variance_scale"
            ),
        ),
    ],
)
def test_one_mistake_is_one_line(refusal: Callable[..., str], text: str, message: str) -> None:
    assert refusal(section(text)) == f"rlguard.yaml:{message}"


def test_a_long_value_is_cut(refusal: Callable[..., str]) -> None:
    message = refusal(section(f"policy: {{target: [{', '.join(['1'] * 99)}]}}"))
    assert "is [1, 1, 1" in message
    assert "…; expected text" in message


def test_all_mistakes_come_at_once_in_the_order_of_the_file(refusal: Callable[..., str]) -> None:
    text = """
        statistics: {alpha_pass: 2}
        gates:
          seeds: quikc
          seeds: quick
        env: {x: 1}
    """
    lines = refusal(section(text) + "\nother: 1\n", ("gates.root_seed=-1",)).splitlines()
    assert lines[0] == "the configuration has 5 mistakes"
    assert [line.split(" is ")[0].strip() for line in lines[1:]] == [
        "--set gates.root_seed",
        "rlguard.yaml:3: statistics.alpha_pass",
        "rlguard.yaml:6: key 'seeds' stands twice, first in line 5",
        (
            "rlguard.yaml:7: env.x: unknown key; the keys here are: target, kwargs, reproducible, max_episode_steps, "
            "endless_after_steps"
        ),
        "rlguard.yaml:9: unknown key 'other' beside 'distributed_rl_pipeline': indent it, or remove it",
    ]


@pytest.mark.parametrize("override", ["gates.seeds", "=3", ""])
def test_an_override_without_key_and_value_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="expected KEY=VALUE"):
        load_config(None, overrides=[override])


@pytest.mark.parametrize("value", ["[1", "!!python/object/apply:os.getcwd []"])
def test_an_override_that_is_no_yaml_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"--set env\.kwargs=.*: not a YAML value"):
        load_config(None, overrides=[f"env.kwargs={value}"])


def test_a_mistaken_override_is_named_as_such(write: Callable[[str], Path]) -> None:
    path = write(section("gates: {root_seed: 3}"))
    with pytest.raises(ConfigError, match=r"^--set gates\.root_sed: unknown key; did you mean 'root_seed'\?$"):
        load_config(path, overrides=["gates.root_sed=4"])
