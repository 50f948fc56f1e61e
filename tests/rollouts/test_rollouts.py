"""Episodes are a function of their spec: whoever plays them, in whatever order."""

from __future__ import annotations

import pytest

import pytest_rlguard
from pytest_rlguard.errors import UsageError
from pytest_rlguard.rollouts import make_specs, open_pool, run_episodes


def fingerprints(workers: int) -> list[str]:
    episodes = run_episodes("CartPole-v1", episodes=12, root_seed=3, workers=workers)
    assert [episode.spec.episode_id for episode in episodes] == list(range(12))
    return [episode.fingerprint for episode in episodes]


def test_one_worker_and_three_play_the_same_episodes() -> None:
    alone = fingerprints(1)
    assert alone == fingerprints(3)
    assert len(set(alone)) == 12


def test_neighbouring_root_seeds_share_no_env_seed() -> None:
    seeds = [{spec.seed for spec in make_specs(64, root_seed=root)} for root in range(4)]
    assert len(set.union(*seeds)) == 4 * 64


def test_an_episode_is_stamped_with_the_version_its_policy_has() -> None:
    with open_pool("CartPole-v1", workers=2) as pool:
        pool.set_policy(lambda env: lambda _observation: 0, 7)
        (episode,) = pool.run(make_specs(1))
    assert episode.spec.policy_version == 7
    assert episode.terminated
    assert episode.episode_return == episode.length


def test_a_backend_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="no pool backend 'rocket'"):
        open_pool("CartPole-v1", backend="rocket")


def test_every_public_name_resolves_and_is_documented() -> None:
    assert pytest_rlguard.__all__ == sorted(pytest_rlguard.__all__)
    for name in pytest_rlguard.__all__:
        assert getattr(pytest_rlguard, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = pytest_rlguard.missing
