"""Episodes on a pool: each spec comes back once, whatever dies under it; policies are exchanged between jobs."""

from __future__ import annotations

from pathlib import Path

import pool_jobs
import pytest
from pool_helpers import OpenPool

from pytest_rlguard.errors import PoolError, UsageError, WorkerDiedError
from pytest_rlguard.records import EpisodeSpec


def spec(number: int, bucket: str = "") -> EpisodeSpec:
    return EpisodeSpec(episode_id=number, seed=number, bucket=bucket)


def test_every_spec_comes_back_once(open_pool: OpenPool) -> None:
    specs = [spec(number) for number in range(30)]
    episodes = sorted(open_pool(workers=3).run(specs), key=lambda episode: episode.spec.episode_id)
    assert [episode.spec for episode in episodes] == specs
    assert [episode.episode_return for episode in episodes] == [number + 3.0 for number in range(30)]


def test_an_episode_whose_worker_died_is_played_again_under_its_spec(open_pool: OpenPool, tmp_path: Path) -> None:
    specs = [spec(0), spec(1, f"flaky:{tmp_path / 'tries'}"), spec(2)]
    episodes = list(open_pool().run(specs))
    assert sorted(episode.spec.episode_id for episode in episodes) == [0, 1, 2]
    assert (tmp_path / "tries").stat().st_size == 3


def test_an_episode_that_kills_every_worker_is_named_with_all_its_deaths(open_pool: OpenPool) -> None:
    with pytest.raises(WorkerDiedError, match=r"episode_id=3(.|\n)*took 3 workers with it") as caught:
        list(open_pool().run([spec(3, "die")]))
    assert str(caught.value).count("was killed by SIGKILL in play") == 3


def test_a_crash_of_the_env_is_data(open_pool: OpenPool) -> None:
    (episode,) = open_pool().run([spec(1, "raise")])
    assert episode.crash is not None
    assert episode.crash.message == "boom"


def test_a_crash_of_the_player_is_data_too(open_pool: OpenPool) -> None:
    (episode,) = open_pool(make_env=pool_jobs.make_badly).run([spec(1)])
    assert episode.crash is not None
    assert episode.crash.phase == "make"
    assert episode.worker in {0, 1}
    assert episode.length == 0


def test_a_run_left_early_leaves_the_pool_usable(open_pool: OpenPool) -> None:
    pool = open_pool()
    for _ in pool.run(spec(number) for number in range(1000)):
        break
    assert len(list(pool.run([spec(1), spec(2)]))) == 2


def test_specs_are_drawn_as_they_are_needed(open_pool: OpenPool) -> None:
    drawn: list[int] = []
    endless = (drawn.append(number) or spec(number) for number in iter(lambda: len(drawn), -1))
    episodes = open_pool(workers=2).run(endless)
    assert len([next(episodes) for _ in range(5)]) == 5
    assert len(drawn) < 20
    episodes.close()


def test_a_pool_without_a_player_refuses_episodes(open_pool: OpenPool) -> None:
    with pytest.raises(UsageError, match="this pool cannot play episodes"):
        open_pool(play=None).run([spec(1)])


def test_a_player_that_returns_no_episode_is_refused(open_pool: OpenPool) -> None:
    with pytest.raises(PoolError, match="echo returned EpisodeSpec"):
        list(open_pool(play=pool_jobs.echo).run([spec(1)]))


def test_a_new_policy_holds_from_the_next_job_in_old_and_new_workers(open_pool: OpenPool) -> None:
    pool = open_pool(workers=1)
    assert pool.map(pool_jobs.make_both, [()])[0].value == ("env", "policy 0", 0)
    pool.set_policy(lambda _env: "policy 4", 4)
    assert pool.map(pool_jobs.make_both, [()])[0].value == ("env", "policy 4", 4)
    pool.kill(0)
    assert pool.map(pool_jobs.make_both, [()])[0].value == ("env", "policy 4", 4)


def test_a_pool_without_a_policy_says_so(open_pool: OpenPool) -> None:
    (result,) = open_pool(make_policy=None).map(pool_jobs.make_both, [()])
    assert result.crash is not None
    assert result.crash.message.startswith("this pool has no policy")
