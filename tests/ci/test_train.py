"""The training loop: its advantages, what enters a batch, its determinism, its checkpoint, its exit codes.

That it learns CartPole-v1 to 475 is shown by `make check`, not here.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "ci" / "train.py"
COUNTING = "RLGuardCounting-v0"
TINY = ("--max-steps", "1", "--num-envs", "2", "--eval-episodes", "2")


class CountingEnv(gym.Env[Any, Any]):
    """Observes (episode, step), pays 1 for action 6 and 0 for 5, ends after 3 steps: terminated, truncated, in turn."""

    def __init__(self, **_kwargs: Any) -> None:
        self.observation_space = gym.spaces.Box(0, np.inf, (2,), np.float32)
        self.action_space = gym.spaces.Discrete(2, start=5)
        self.episode, self.t = -1, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.episode, self.t = self.episode + 1, 0
        return self._obs(), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.t < 3, "stepped after the end"
        assert action in (5, 6)
        self.t += 1
        has_ended = self.t == 3
        return (
            self._obs(),
            float(action - 5),
            has_ended and self.episode % 2 == 0,
            has_ended and self.episode % 2 == 1,
            {},
        )

    def _obs(self) -> np.ndarray[Any, Any]:
        return np.array([self.episode, self.t], np.float32)


class EndlessEnv(CountingEnv):
    """Never ends."""

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.t = 0
        return (*super().step(action)[:2], False, False, {})


@pytest.fixture(autouse=True)
def _counting_env() -> Iterator[None]:
    gym.register(COUNTING, entry_point=CountingEnv, reward_threshold=3.0)
    yield
    gym.registry.pop(COUNTING)


def n_step_advantage(data: Any, values: torch.Tensor, next_values: torch.Tensor, *, t: int, n: int, e: int) -> float:
    """The textbook's: n rewards, then the value of where they led, minus the value of where they began."""
    reward = sum(0.9**i * float(data.rewards[t + i, e]) for i in range(n))
    last = t + n - 1
    rest = 0.0 if data.terminated[last, e] else 0.9**n * float(next_values[last, e])
    return reward + rest - float(values[t, e])


def brute_force_gae(data: Any, values: torch.Tensor, next_values: torch.Tensor) -> torch.Tensor:
    """The exponentially weighted mean of every n-step advantage up to the episode's or the rollout's end, λ = 0.7."""
    steps, envs = data.rewards.shape
    advantages = torch.zeros(steps, envs)
    ended = data.terminated | data.truncated
    for e in range(envs):
        for t in range(steps):
            horizon = next((k - t + 1 for k in range(t, steps) if ended[k, e]), steps - t)
            each = [n_step_advantage(data, values, next_values, t=t, n=n, e=e) for n in range(1, horizon + 1)]
            weights = [0.3 * 0.7**i for i in range(horizon - 1)] + [0.7 ** (horizon - 1)]
            advantages[t, e] = sum(w * a for w, a in zip(weights, each, strict=True))
    return advantages


def transitions(train: ModuleType, *, rewards: torch.Tensor, terminated: torch.Tensor, truncated: torch.Tensor) -> Any:
    nothing = torch.zeros_like(rewards)
    return train.Transitions(nothing, nothing, nothing, rewards, nothing, terminated, truncated)


@pytest.mark.parametrize("end_rate", [0.0, 0.15, 0.5, 1.0])
def test_advantages_are_those_of_the_definition_for_any_mix_of_ends(train: ModuleType, end_rate: float) -> None:
    rng = torch.Generator().manual_seed(7)
    shape = (15, 4)
    rewards, values, last_values = (torch.randn(shape, generator=rng) for _ in range(3))
    terminated, truncated = (torch.rand(shape, generator=rng) < end_rate for _ in range(2))
    next_values = torch.where(terminated | truncated, last_values, torch.cat([values[1:], last_values[-1:]]))
    data = transitions(train, rewards=rewards, terminated=terminated, truncated=truncated)
    found = train.gae(data, values, next_values, gamma=0.9, gae_lambda=0.7)
    torch.testing.assert_close(found, brute_force_gae(data, values, next_values), rtol=1e-5, atol=1e-5)


def test_a_truncated_end_is_worth_its_last_value_and_a_terminated_end_nothing(train: ModuleType) -> None:
    yes, no = torch.tensor([[True]]), torch.tensor([[False]])
    one, ten = torch.ones(1, 1), torch.full((1, 1), 10.0)
    cut = transitions(train, rewards=one, terminated=no, truncated=yes)
    over = transitions(train, rewards=one, terminated=yes, truncated=no)
    assert train.gae(cut, one, ten, gamma=0.5, gae_lambda=1.0).item() == 5.0
    assert train.gae(over, one, ten, gamma=0.5, gae_lambda=1.0).item() == 0.0


def collect_counting(train: ModuleType, steps: int) -> Any:
    fleet = train.Fleet(COUNTING, 3, np.random.SeedSequence(0))
    generator = torch.Generator().manual_seed(0)
    policy = train.Policy(2, fleet.action_space, generator=generator)
    policy.version = 4
    return train.collect(fleet, policy, steps=steps, generator=generator)


def test_no_reset_enters_a_batch(train: ModuleType) -> None:
    data = collect_counting(train, 14).transitions
    assert data.rewards.shape == (14, 3)
    torch.testing.assert_close(data.next_obs - data.obs, torch.tensor([0.0, 1.0]).expand(14, 3, 2))
    torch.testing.assert_close(data.obs[:, 0, 1], torch.tensor([0.0, 1.0, 2.0] * 5)[:14])
    torch.testing.assert_close(data.rewards, data.actions.float())


def test_each_end_is_marked_on_the_step_that_ended(train: ModuleType) -> None:
    data = collect_counting(train, 14).transitions
    assert data.terminated[:, 0].nonzero().flatten().tolist() == [2, 8]
    assert data.truncated[:, 0].nonzero().flatten().tolist() == [5, 11]


def test_a_rollout_knows_its_policy_version_and_the_returns_that_ended_in_it(train: ModuleType) -> None:
    rollout = collect_counting(train, 14)
    assert rollout.policy_version == 4
    whole_episodes = rollout.transitions.rewards[:12].reshape(4, 3, 3).sum(1)
    assert list(rollout.episode_returns) == whole_episodes.flatten().tolist()


def digest(policy: Any) -> str:
    blob = hashlib.sha256()
    for tensor in policy.state_dict().values():
        blob.update(tensor.numpy().tobytes())
    return blob.hexdigest()


def train_briefly(train: ModuleType, *, env: str = "CartPole-v1", seed: int = 0, seen: list[Any] | None = None) -> Any:
    config = train.Config(env=env, seed=seed, max_steps=384, num_envs=2, rollout_steps=64, passes=2)
    return train.train(config, on_epoch=lambda rollout, _: None if seen is None else seen.append(rollout))


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_one_seed_gives_one_policy_whatever_the_global_generators_hold(train: ModuleType, env: str) -> None:
    torch.manual_seed(1)
    first = digest(train_briefly(train, env=env))
    torch.manual_seed(2)
    np.random.seed(3)  # noqa: NPY002
    assert digest(train_briefly(train, env=env)) == first
    assert digest(train_briefly(train, env=env, seed=1)) != first


def test_every_round_is_told_under_the_version_that_collected_it(train: ModuleType) -> None:
    seen: list[Any] = []
    policy = train_briefly(train, seen=seen)
    assert [rollout.policy_version for rollout in seen] == [0, 1, 2]
    assert policy.version == 3


def test_it_learns_which_action_pays(train: ModuleType) -> None:
    config = train.Config(env=COUNTING, max_steps=2560, num_envs=4, rollout_steps=64)
    means: list[float] = []
    train.train(config, on_epoch=lambda rollout, _: means.append(float(np.mean(rollout.episode_returns))))
    assert means[0] < 2.0
    assert means[-1] > 2.9


def test_an_evaluation_is_the_first_whole_episode_of_each_env(
    train: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = train.Policy(2, gym.spaces.Discrete(2, start=5), generator=torch.Generator())
    monkeypatch.setattr(policy, "best", lambda obs: (obs[:, 0] == 0).long())
    returns = train.evaluate(policy, train.Config(env=COUNTING), episodes=5)
    assert returns.tolist() == [3.0] * 5


def test_an_episode_that_never_ends_reaches_no_target(train: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    gym.register("RLGuardEndless-v0", entry_point=EndlessEnv)
    monkeypatch.setattr(train, "MAX_EPISODE_STEPS", 20)
    config = train.Config(env="RLGuardEndless-v0")
    policy = train.Policy(2, gym.spaces.Discrete(2, start=5), generator=torch.Generator())
    returns = train.evaluate(policy, config, episodes=2)
    gym.registry.pop("RLGuardEndless-v0")
    assert np.isnan(returns).all()


def test_the_normaliser_holds_the_mean_and_variance_of_all_it_saw(train: ModuleType) -> None:
    policy = train.Policy(3, gym.spaces.Discrete(2), generator=torch.Generator())
    obs = torch.randn(600, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 50.0, 0.0]) + 4
    for part in torch.split(obs, [100, 350, 150]):
        policy.observe(part)
    torch.testing.assert_close(policy.obs_mean, obs.mean(0))
    torch.testing.assert_close(policy.obs_var, obs.var(0, correction=0).clamp(min=1e-6), rtol=1e-4, atol=1e-6)


def play(checkpoint: dict[str, Any], obs: torch.Tensor) -> torch.Tensor:
    """A checkpoint's deterministic actions, from the format's description alone."""
    layers: list[torch.nn.Module] = []
    for index in range(len(checkpoint["layers"]) - 1):
        layers += [torch.nn.Linear(*checkpoint["layers"][index : index + 2]), torch.nn.Tanh()]
    actor = torch.nn.Sequential(*layers[:-1])
    actor.load_state_dict(checkpoint["state_dict"])
    out: torch.Tensor = actor((obs - checkpoint["obs_mean"]) / checkpoint["obs_var"].sqrt())
    return out.argmax(-1) if checkpoint["action"] == "discrete" else out


@pytest.mark.parametrize(
    ("env", "kind", "sizes"), [("CartPole-v1", "discrete", (4, 2)), ("Pendulum-v1", "box", (3, 1))]
)
def test_a_checkpoint_plays_what_the_policy_plays(
    train: ModuleType, tmp_path: Path, env: str, kind: str, sizes: tuple[int, int]
) -> None:
    policy = train_briefly(train, env=env)
    train.save_checkpoint(policy, tmp_path / "policy.pt")
    checkpoint = torch.load(tmp_path / "policy.pt", weights_only=True)
    assert checkpoint["format"] == "rlguard-mlp-1"
    assert checkpoint["activation"] == "tanh"
    assert checkpoint["action"] == kind
    assert checkpoint["layers"] == [sizes[0], 64, 64, sizes[1]]
    obs = torch.randn(200, sizes[0], generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(play(checkpoint, obs), policy.best(obs))


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(
    train: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_written(_checkpoint: object, file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError("disk full")

    old = tmp_path / "policy.pt"
    old.write_bytes(b"old")
    monkeypatch.setattr(train.torch, "save", half_written)
    with pytest.raises(OSError, match="disk full"):
        train.save_checkpoint(train.Policy(2, gym.spaces.Discrete(2), generator=torch.Generator()), old)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def run_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_target_out_of_reach_ends_with_one_and_says_so() -> None:
    result = run_script(*TINY, "--target-return", "501")
    assert result.returncode == 1, result.stderr
    assert "over 2 episodes" in result.stdout
    assert "target 501: NOT reached; train longer with --max-steps, or lower --target-return" in result.stdout


def test_a_target_in_reach_ends_with_zero_and_leaves_a_checkpoint(tmp_path: Path) -> None:
    result = run_script(*TINY, "--target-return", "1", "--checkpoint", str(tmp_path / "policy.pt"))
    assert result.returncode == 0, result.stderr
    assert "target 1: reached" in result.stdout
    assert torch.load(tmp_path / "policy.pt", weights_only=True)["action"] == "discrete"


def test_an_unknown_env_ends_with_two_in_one_line() -> None:
    result = run_script("--env", "CartPol-v1")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "train.py: error: cannot make env 'CartPol-v1': Environment `CartPol` doesn't exist. Did you mean: `CartPole`?"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--env", "no_such_module:X-v0"], "No module named 'no_such_module'"),
        (["--env", "FrozenLake-v1"], "observes a Discrete(16), expected a Box: use FlattenObservation"),
        (["--env", "Pendulum-v1"], "names no return that counts as solved: give one with --target-return"),
    ],
)
def test_an_env_that_does_not_fit_is_refused_before_anything_starts(
    train: ModuleType, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert train.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-steps", "0"], "--max-steps must be at least 1, got 0"),
        (["--num-envs", "0"], "--num-envs must be at least 1, got 0"),
        (["--eval-episodes", "-3"], "--eval-episodes must be at least 1, got -3"),
        (["--seed", "-1"], "--seed must be at least 0, got -1"),
        (["--checkpoint", "no_such_folder/x.pt"], "--checkpoint needs a file in a folder that exists"),
    ],
)
def test_a_wrong_option_is_refused(
    train: ModuleType, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        train.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
