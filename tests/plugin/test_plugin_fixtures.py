"""The fixtures `rl_*`, and the levels from which their values come."""

from __future__ import annotations

import pytest

import pytest_rlguard.rollouts  # with numpy, which pytest in this process could not load again

CONFIG = "distributed_rl_pipeline:\n  env: {{target: {env}}}\n  gates: {{seeds: standard}}\n"


@pytest.fixture
def project(gated):
    (gated.pytester.path / "flag.yaml").write_text(CONFIG.format(env="FromFlagFile-v0"))
    (gated.pytester.path / "ini.yaml").write_text(CONFIG.format(env="FromIniFile-v0"))
    gated.pytester.makepyfile(
        test_shown="def test_shown(rl_config): print('got', rl_config.env.target, rl_config.gates.seeds)"
    )
    return gated


@pytest.mark.parametrize(
    ("ini", "flags", "shown"),
    [
        (False, (), "got None quick"),
        (True, (), "got FromIniFile-v0 standard"),
        (True, ("--rlguard-config", "flag.yaml"), "got FromFlagFile-v0 standard"),
        (True, ("--rlguard-env", "FromFlag-v0"), "got FromFlag-v0 standard"),
        (True, ("--rlguard-seeds", "thorough"), "got FromIniFile-v0 thorough"),
    ],
)
def test_a_flag_beats_the_file_and_the_flags_file_beats_the_inis(project, ini, flags, shown):
    if ini:
        project.pytester.makeini("[pytest]\nrlguard_config = ini.yaml\n")
    project.run("-n0", "-s", *flags).stdout.fnmatch_lines([f"*{shown}"])


def test_the_inis_file_is_found_from_a_folder_below(project):
    project.pytester.makeini("[pytest]\nrlguard_config = ini.yaml\n")
    below = project.pytester.mkdir("below")
    (below / "test_shown.py").write_text("def test_shown(rl_config): assert rl_config.env.target == 'FromIniFile-v0'")
    project.pytester.chdir()
    project.run("-n0", "below").assert_outcomes(passed=1)


def test_a_pool_an_env_and_a_policy(gated):
    gated.pytester.makepyfile(
        test_parts="""
        import pytest
        from pytest_rlguard.records import EpisodeSpec

        def test_pool(rl_pool):
            specs = [EpisodeSpec(episode_id=i, seed=i, max_steps=5) for i in range(3)]
            assert sorted(episode.spec.episode_id for episode in rl_pool.run(specs)) == [0, 1, 2]

        @pytest.mark.rl_env("MountainCar-v0")
        def test_marked(rl_env_factory, rl_policy):
            env = rl_env_factory()
            observation, _ = env.reset(seed=0)
            assert env.action_space.contains(rl_policy(env)(observation))
            assert observation.shape == (2,)
    """
    )
    gated.run("-n0", "--rlguard-env", "CartPole-v1", "--rlguard-workers", "2").assert_outcomes(passed=2)


def test_pools_under_xdist_share_the_cores(gated, monkeypatch):
    monkeypatch.setattr(
        pytest_rlguard.rollouts, "resolve_workers", lambda workers: 16 if workers == "auto" else workers
    )
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    gated.pytester.makepyfile(test_cores="def test_cores(rl_workers): print('workers', rl_workers)")
    gated.run("-n0", "-s").stdout.fnmatch_lines(["*workers 4"])
    gated.run("-n0", "-s", "--rlguard-workers", "9").stdout.fnmatch_lines(["*workers 9"])


@pytest.mark.parametrize(
    ("fixture", "options", "message"),
    [
        ("rl_env_factory", (), "no env is named"),
        ("rl_config", ("--rlguard-config", "missing.yaml"), "*missing.yaml*"),
    ],
)
def test_a_fixture_that_cannot_be_made_says_so_in_a_sentence(gated, fixture, options, message):
    gated.pytester.makepyfile(test_part=f"def test_part({fixture}): pass")
    result = gated.run("-n0", *options)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    assert "pytest_rlguard/" not in result.stdout.str().partition("ERRORS")[2].partition("generated xml")[0]
