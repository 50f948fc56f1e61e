"""The training loop that runs behind the gates: PPO in torch on a vector of real gymnasium envs, in one process.

    python ci/train.py                                        # CartPole-v1 to a mean return of 475
    python ci/train.py --env Reacher-v5 --max-steps 500000 --target-return -6 --checkpoint reacher.pt

It trains for `--max-steps`, prints its curve, evaluates once on episodes that training never saw, and ends with 0 when
their mean return reaches the target, 1 when it does not, 2 when it was called wrongly. One seed gives one result, bit
for bit, on one machine. Observations are a Box, actions a Discrete or a Box.

One round is `collect`, `learn`, `on_epoch`. `collect` reads the policy and never changes it, `learn` takes the data
whole and computes its own values, and every rollout carries the version it was collected under: the two can part.

A checkpoint is a dict for `torch.load(file, weights_only=True)`:

    format       "rlguard-mlp-1"
    activation   "tanh", after each layer but the last
    layers       sizes, first the flattened observation, last the number of logits or action components
    state_dict   "0.weight", "0.bias", "2.weight", … as of Sequential(Linear, Tanh, Linear, …), float32
    action       "discrete": argmax of the logits, plus the space's `start`; "box": the output, clipped to the space
    obs_mean     what the first layer takes is (observation - obs_mean) / sqrt(obs_var); float32; obs_var >= 1e-6
    obs_var
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import gymnasium as gym
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal
from torch.optim import Adam

CHECKPOINT_FORMAT = "rlguard-mlp-1"
HIDDEN = (64, 64)
MIN_VARIANCE = 1e-6
MAX_EPISODE_STEPS = 100_000
BARS = "▁▂▃▄▅▆▇█"

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Config:
    """What to train on, for how long, and how: the values are those of the five seeds that `make check` relies on."""

    env: str = "CartPole-v1"
    seed: int = 0
    max_steps: int = 100_000
    num_envs: int = 8
    rollout_steps: int = 128
    passes: int = 10
    minibatch: int = 64
    learning_rate: float = 1e-3
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip: float = 0.2
    value_weight: float = 0.5
    max_grad_norm: float = 0.5

    @property
    def updates(self) -> int:
        """How many weight updates the step budget allows; at least one."""
        return max(1, self.max_steps // (self.num_envs * self.rollout_steps))


class Transitions(NamedTuple):
    """One step of every env as [env, …], or many as [time, env, …].

    `next_obs` is what the step itself led to, also at an episode's end: a reset is no transition and is not in here.
    """

    obs: Tensor
    actions: Tensor
    log_probs: Tensor
    rewards: Tensor
    next_obs: Tensor
    terminated: Tensor
    truncated: Tensor


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Transitions [time, env, …], the one policy version that made them all, and the returns that ended on the way."""

    policy_version: int
    transitions: Transitions
    episode_returns: tuple[float, ...]


class Move(NamedTuple):
    """How far one update moved the policy (approximate KL), and the entropy that it left."""

    approx_kl: float
    entropy: float


class UnfitEnvError(ValueError):
    """The env cannot be made, or this loop cannot learn in its spaces."""


class Policy(nn.Module):
    """Actor and critic over normalised observations. `version` counts the updates that `learn` has published."""

    obs_mean: Tensor
    obs_var: Tensor
    obs_count: Tensor

    def __init__(self, obs_size: int, action_space: Discrete | Box, *, generator: torch.Generator) -> None:
        super().__init__()
        self.version = 0
        self.action_space = action_space
        self.is_discrete = isinstance(action_space, Discrete)
        outputs = int(action_space.n) if isinstance(action_space, Discrete) else math.prod(action_space.shape)
        self.layers = [obs_size, *HIDDEN, outputs]
        self.actor = mlp(self.layers, last_gain=0.01, generator=generator)
        self.critic = mlp([obs_size, *HIDDEN, 1], last_gain=1.0, generator=generator)
        self.log_std = nn.Parameter(torch.zeros(outputs), requires_grad=not self.is_discrete)
        self.register_buffer("obs_mean", torch.zeros(obs_size))
        self.register_buffer("obs_var", torch.ones(obs_size))
        self.register_buffer("obs_count", torch.zeros(()))

    def normalise(self, obs: Tensor) -> Tensor:
        """Observations as the networks take them."""
        return (obs - self.obs_mean) / self.obs_var.sqrt()

    def distribution(self, obs: Tensor) -> Distribution:
        """Over one action per row."""
        out: Tensor = self.actor(self.normalise(obs))
        if self.is_discrete:
            return Categorical(logits=out, validate_args=False)
        return Independent(Normal(out, self.log_std.exp().expand_as(out), validate_args=False), 1, validate_args=False)

    def value(self, obs: Tensor) -> Tensor:
        """The critic's estimate of the discounted return from here."""
        out: Tensor = self.critic(self.normalise(obs))
        return out.squeeze(-1)

    def best(self, obs: Tensor) -> Tensor:
        """The deterministic action per row: what a checkpoint plays."""
        out: Tensor = self.actor(self.normalise(obs))
        return out.argmax(-1) if self.is_discrete else out

    def sample(self, distribution: Distribution, generator: torch.Generator) -> Tensor:
        """One action per row, from this generator and no other."""
        if isinstance(distribution, Categorical):
            return torch.multinomial(distribution.probs, 1, generator=generator).squeeze(-1)
        return torch.normal(distribution.mean, distribution.stddev, generator=generator)

    def to_env(self, actions: Tensor) -> Array:
        """Actions as the env takes them: from `start` on, or clipped to the bounds."""
        space = self.action_space
        if isinstance(space, Discrete):
            return actions.numpy() + int(space.start)
        shaped = actions.numpy().reshape(-1, *space.shape)
        return np.asarray(shaped.clip(space.low, space.high), dtype=space.dtype)

    def observe(self, obs: Tensor) -> None:
        """Merge a batch of observations into the running mean and variance (Chan et al., 1979)."""
        count = self.obs_count + len(obs)
        share = len(obs) / count
        shift = obs.mean(0) - self.obs_mean
        spread = self.obs_var * (1 - share) + obs.var(0, correction=0) * share + shift**2 * share * (1 - share)
        self.obs_mean += shift * share
        self.obs_var.copy_(spread.clamp(min=MIN_VARIANCE))
        self.obs_count.copy_(count)


def mlp(sizes: Sequence[int], *, last_gain: float, generator: torch.Generator) -> nn.Sequential:
    """Linear layers with tanh between, orthogonal weights and zero biases."""
    modules: list[nn.Module] = []
    for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        is_last = index == len(sizes) - 2
        linear = nn.Linear(fan_in, fan_out)
        nn.init.orthogonal_(linear.weight, gain=last_gain if is_last else 2**0.5, generator=generator)
        nn.init.zeros_(linear.bias)
        modules += [linear] if is_last else [linear, nn.Tanh()]
    return nn.Sequential(*modules)


def open_env(env_id: str) -> gym.Env[Any, Any]:
    """The env, once it is known to be one that this loop can learn in."""
    try:
        env = gym.make(env_id)
    except (gym.error.Error, ModuleNotFoundError) as error:
        raise UnfitEnvError(f"cannot make env {env_id!r}: {' '.join(str(error).split())}") from error
    if not isinstance(env.observation_space, Box):
        raise UnfitEnvError(f"{env_id} observes a {env.observation_space}, expected a Box: use FlattenObservation")
    if not isinstance(env.action_space, Discrete | Box):
        raise UnfitEnvError(f"{env_id} acts in a {env.action_space}, expected a Discrete or a Box: choose another env")
    return env


class Fleet:
    """A vector of envs between two rollouts: where each one stands, and its return so far.

    In one process, since a pipe costs more than a step: on 2 cores, 8 envs make 150,000 CartPole steps a second in a
    SyncVectorEnv and 22,000 in an AsyncVectorEnv; for Reacher it is 33,000 against 14,000.
    """

    def __init__(self, env_id: str, num_envs: int, seed: np.random.SeedSequence) -> None:
        # SAME_STEP: by default gymnasium spends one step per episode on the reset, a transition that never happened.
        self.envs = SyncVectorEnv([lambda: open_env(env_id)] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
        obs, _ = self.envs.reset(seed=[int(child.generate_state(1)[0]) for child in seed.spawn(num_envs)])
        self.action_space = cast("Discrete | Box", self.envs.single_action_space)
        self.obs = as_rows(obs)
        self.returns = np.zeros(num_envs)

    def step(self, actions: Array) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Array]:
        """Step each env: (rewards, next_obs, terminated, truncated), and the returns that ended, NaN elsewhere."""
        obs, rewards, terminated, truncated, info = self.envs.step(actions)
        self.obs = next_obs = as_rows(obs)
        self.returns += rewards
        has_ended = terminated | truncated
        if has_ended.any():
            next_obs = next_obs.clone()
            next_obs[has_ended] = as_rows(np.stack(info["final_obs"][has_ended]))
        ended_returns = np.where(has_ended, self.returns, np.nan)
        self.returns[has_ended] = 0.0
        flags = torch.from_numpy(terminated), torch.from_numpy(truncated)
        return (torch.from_numpy(rewards).float(), next_obs, *flags), ended_returns


def as_rows(obs: Array) -> Tensor:
    """Observations as float32 of shape [env, size]."""
    return torch.from_numpy(obs.astype(np.float32).reshape(len(obs), -1))


@torch.no_grad()
def collect(fleet: Fleet, policy: Policy, *, steps: int, generator: torch.Generator) -> Rollout:
    """Drive every env for `steps` under one version of the policy."""
    rows: list[Transitions] = []
    finished: list[float] = []
    for _ in range(steps):
        obs = fleet.obs
        distribution = policy.distribution(obs)
        actions = policy.sample(distribution, generator)
        outcome, ended_returns = fleet.step(policy.to_env(actions))
        rows.append(Transitions(obs, actions, distribution.log_prob(actions), *outcome))
        finished += ended_returns[~np.isnan(ended_returns)].tolist()
    transitions = Transitions(*(torch.stack(column) for column in zip(*rows, strict=True)))
    return Rollout(policy_version=policy.version, transitions=transitions, episode_returns=tuple(finished))


def gae(data: Transitions, values: Tensor, next_values: Tensor, *, gamma: float, gae_lambda: float) -> Tensor:
    """Advantages [time, env]. A truncated episode is worth the value of its last observation, a terminated one zero."""
    alive = (~data.terminated).float()
    same_episode = (~(data.terminated | data.truncated)).float()
    deltas = data.rewards + gamma * alive * next_values - values
    advantages = torch.empty_like(deltas)
    carry = torch.zeros_like(deltas[0])
    for t in reversed(range(len(deltas))):
        carry = deltas[t] + gamma * gae_lambda * same_episode[t] * carry
        advantages[t] = carry
    return advantages


def learn(policy: Policy, optimizer: Adam, data: Transitions, *, config: Config, generator: torch.Generator) -> Move:
    """One PPO update, published as the policy's next version.

    The normaliser moves last, so that the first ratio of new to old probability is one; data that never gets here has
    touched nothing.
    """
    with torch.no_grad():
        values, next_values = policy.value(data.obs), policy.value(data.next_obs)
        advantages = gae(data, values, next_values, gamma=config.gamma, gae_lambda=config.gae_lambda)
    columns = (data.obs, data.actions, data.log_probs, advantages, advantages + values)
    flat = [column.flatten(0, 1) for column in columns]
    parameters = list(policy.parameters())
    moves: list[Tensor] = []
    for _ in range(config.passes):
        for rows in torch.split(torch.randperm(len(flat[0]), generator=generator), config.minibatch):
            loss, move = ppo_loss(policy, [column[rows] for column in flat], config)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)
            optimizer.step()
            moves.append(move)
    policy.observe(flat[0])
    policy.version += 1
    return Move(*torch.stack(moves).mean(0).tolist())


def ppo_loss(policy: Policy, batch: Sequence[Tensor], config: Config) -> tuple[Tensor, Tensor]:
    """The clipped surrogate and the critic's squared error; and the two numbers of a `Move`, detached."""
    obs, actions, old_log_probs, advantages, value_targets = batch
    distribution = policy.distribution(obs)
    log_ratio = distribution.log_prob(actions) - old_log_probs
    ratio = log_ratio.exp()
    gains = (advantages - advantages.mean()) / (advantages.std(correction=0) + 1e-8)
    surrogate = torch.min(ratio * gains, ratio.clamp(1 - config.clip, 1 + config.clip) * gains).mean()
    value_loss = (policy.value(obs) - value_targets).square().mean()
    move = torch.stack([(ratio - 1 - log_ratio).mean(), distribution.entropy().mean()]).detach()
    return config.value_weight * value_loss - surrogate, move


def train(config: Config, *, on_epoch: Callable[[Rollout, Move], None]) -> Policy:
    """Collect and learn in turns until the step budget is spent; `on_epoch` is told after each round."""
    env_seed, torch_seed, _ = np.random.SeedSequence(config.seed).spawn(3)
    generator = torch.Generator().manual_seed(int(torch_seed.generate_state(1)[0]))
    fleet = Fleet(config.env, config.num_envs, env_seed)
    policy = Policy(fleet.obs.shape[1], fleet.action_space, generator=generator)
    optimizer = Adam(policy.parameters(), lr=config.learning_rate, eps=1e-5, fused=True)
    with closing(fleet.envs):
        for update in range(config.updates):
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * (1 - update / config.updates)
            rollout = collect(fleet, policy, steps=config.rollout_steps, generator=generator)
            move = learn(policy, optimizer, rollout.transitions, config=config, generator=generator)
            on_epoch(rollout, move)
    return policy


@torch.no_grad()
def evaluate(policy: Policy, config: Config, *, episodes: int) -> Array:
    """Returns of deterministic episodes that training never saw: the first of each env, so that none is favoured.

    An episode that has not ended after `MAX_EPISODE_STEPS` is NaN, and so is the mean: it reaches no target.
    """
    *_, seed = np.random.SeedSequence(config.seed).spawn(3)
    fleet = Fleet(config.env, episodes, seed)
    returns = np.full(episodes, np.nan)
    with closing(fleet.envs):
        for _ in range(MAX_EPISODE_STEPS):
            _, ended_returns = fleet.step(policy.to_env(policy.best(fleet.obs)))
            returns = np.where(np.isnan(returns), ended_returns, returns)
            if not np.isnan(returns).any():
                break
    return returns


def save_checkpoint(policy: Policy, file: Path) -> None:
    """Write the checkpoint that the module's docstring describes: whole, or not at all."""
    checkpoint = {
        "format": CHECKPOINT_FORMAT,
        "activation": "tanh",
        "layers": policy.layers,
        "state_dict": dict(policy.actor.state_dict()),
        "action": "discrete" if policy.is_discrete else "box",
        "obs_mean": policy.obs_mean,
        "obs_var": policy.obs_var,
    }
    partial = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        torch.save(checkpoint, partial)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


class Curve:
    """The mean return of the last 100 episodes: a line now and then, and all of it as one small picture."""

    def __init__(self, config: Config) -> None:
        self.every = max(1, config.updates // 12)
        self.latest: deque[float] = deque(maxlen=100)
        self.points: list[float] = []
        self.steps = 0

    def __call__(self, rollout: Rollout, move: Move) -> None:
        """Take one round in; the `on_epoch` of `train`."""
        self.steps += rollout.transitions.rewards.numel()
        self.latest.extend(rollout.episode_returns)
        if not self.latest:
            return
        self.points.append(float(np.mean(self.latest)))
        if (rollout.policy_version + 1) % self.every == 0:
            so_far = f"steps {self.steps:9,d}  return {self.points[-1]:9.2f}"
            print(f"{so_far}  kl {move.approx_kl:.4f}  entropy {move.entropy:.3f}", flush=True)

    def picture(self, width: int = 60) -> str:
        """The curve in one line, between its lowest and its highest point."""
        if not self.points:
            return "no episode ended"
        cells = np.array([part.mean() for part in np.array_split(self.points, min(width, len(self.points)))])
        low, high = cells.min(), cells.max()
        heights = np.rint((cells - low) / (high - low or 1.0) * (len(BARS) - 1)).astype(int)
        return f"{low:.1f} {''.join(BARS[height] for height in heights)} {high:.1f}"


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; a wrong one ends the program with 2 before anything starts."""
    parser = argparse.ArgumentParser(prog="train.py", description="PPO on a vector of gymnasium envs.")
    parser.add_argument("--env", default=Config.env, help="gymnasium id (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=Config.seed)
    parser.add_argument("--max-steps", type=int, default=Config.max_steps, help="default: %(default)s")
    parser.add_argument("--num-envs", type=int, default=Config.num_envs, help="default: %(default)s")
    parser.add_argument("--target-return", type=float, help="default: the env's own, 475 for CartPole-v1")
    parser.add_argument("--eval-episodes", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="write the trained policy here")
    args = parser.parse_args(argv)
    for name, low in (("seed", 0), ("max_steps", 1), ("num_envs", 1), ("eval_episodes", 1)):
        if getattr(args, name) < low:
            parser.error(f"--{name.replace('_', '-')} must be at least {low}, got {getattr(args, name)}")
    if args.checkpoint and (args.checkpoint.is_dir() or not args.checkpoint.absolute().parent.is_dir()):
        parser.error(f"--checkpoint needs a file in a folder that exists, got {args.checkpoint}")
    return args


def resolve_target(env_id: str, asked: float | None) -> float:
    """The return to reach: as asked, or the env's own threshold."""
    with closing(open_env(env_id)) as env:
        target = env.spec.reward_threshold if env.spec and asked is None else asked
    if target is None:
        raise UnfitEnvError(f"{env_id} names no return that counts as solved: give one with --target-return")
    return float(target)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, save, evaluate. 0: the target was reached, 1: it was not, 2: called wrongly."""
    args = parse_arguments(argv)
    config = Config(env=args.env, seed=args.seed, max_steps=args.max_steps, num_envs=args.num_envs)
    torch.set_num_threads(1)  # measured on layers of 64: a second thread takes the CPU and saves no time
    try:
        target = resolve_target(config.env, args.target_return)
    except UnfitEnvError as error:
        print(f"train.py: error: {error}", file=sys.stderr)
        return 2
    print(f"PPO on {config.env}, seed {config.seed}: {config.updates} updates, {config.num_envs} envs", flush=True)
    curve, started_sec = Curve(config), time.perf_counter()
    policy = train(config, on_epoch=curve)
    print(f"return over {time.perf_counter() - started_sec:.1f} s of training: {curve.picture()}")
    if args.checkpoint:
        save_checkpoint(policy, args.checkpoint)
        print(f"checkpoint: {args.checkpoint}")
    returns = evaluate(policy, config, episodes=args.eval_episodes)
    is_reached = bool(returns.mean() >= target)
    print(
        f"evaluation: mean return {returns.mean():.2f} over {len(returns)} episodes"
        f" ({returns.min():.2f} to {returns.max():.2f})\ntarget {target:g}: "
        + ("reached" if is_reached else "NOT reached; train longer with --max-steps, or lower --target-return")
    )
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
