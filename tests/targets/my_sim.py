"""What a user might name: a small env in every form, and every mistake. The tests copy it to an empty folder too."""

from __future__ import annotations

import functools
import os
import random
import sys
import threading
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces


class Walker(gymnasium.Env[Any, Any]):
    """A seeded walk on a line, `length` steps long."""

    observation_space = spaces.Box(-100.0, 100.0, (1,), np.float32)
    action_space: spaces.Space[Any] = spaces.Discrete(2)

    def __init__(self, length: int = 10) -> None:
        self.length = length
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.place, self.left = self.np_random.uniform(-1.0, 1.0), self.length
        return self._observe(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.place += 2.0 * float(action) - 1.0 + self.np_random.normal(scale=0.1)
        self.left -= 1
        return self._observe(), float(-abs(self.place)), False, self.left == 0, {}

    def _observe(self) -> Any:
        return np.array([self.place], np.float32)


class Slider(Walker):
    """The same with a continuous action."""

    def __init__(self) -> None:
        super().__init__(5)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return super().step(float(action[0]))


class Nested:
    """A place for a name with a dot."""

    Walker = functools.partial(Walker, length=4)
    envs: ClassVar[list[int]] = []


def make_env() -> Walker:
    return Walker(length=3)


def make_walker(length: int = 6) -> Walker:
    return Walker(length=length)


short_walker = functools.partial(Walker, length=2)
a_number = 5


def build_walker(**arguments: Any) -> Walker:
    return Walker(**arguments)


gymnasium.register("MySim/Walker-v1", entry_point=build_walker, kwargs={"length": 8}, max_episode_steps=8)
gymnasium.register("MySim/Walker-v2", entry_point=build_walker, kwargs={"length": 9}, max_episode_steps=9)
gymnasium.register("PlainWalker-v0", entry_point=build_walker, max_episode_steps=10)


class Raises(Walker):
    def __init__(self) -> None:
        raise RuntimeError("the simulator has no licence\nand more of it")


class Hangs(Walker):
    def __init__(self) -> None:
        threading.Event().wait()


class Exits(Walker):
    def __init__(self) -> None:
        sys.exit("no simulator here")


class Dies(Walker):
    def __init__(self) -> None:
        os.write(2, b"last words of the simulator\n")
        os._exit(5)


class HangsInClose(Walker):
    def close(self) -> None:
        threading.Event().wait()


class Flaky(Walker):
    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, *rest = super().step(action)
        return observation, reward + random.random(), *rest


def return_nothing() -> None:
    """Forgets to return the env."""


def return_vector() -> Any:
    return gymnasium.vector.SyncVectorEnv([Walker, Walker])


def go_right(_observation: Any) -> int:
    return 1


def act_by_word(_observation: Any) -> str:
    return "left"


def act_in_three(_observation: Any) -> Any:
    return np.zeros(3, np.float32)


def forget_to_act(_observation: Any) -> None:
    """Returns no action."""


def raise_key_error(_observation: Any) -> int:
    raise KeyError("no such joint")


def hang(_observation: Any) -> int:
    threading.Event().wait()
    return 0


def die(_observation: Any) -> int:
    os._exit(7)


def make_policy(observation_space: Any, action_space: Any) -> Any:
    return lambda _observation: action_space.n - 1


class Constant:
    """A policy with no arguments to be built."""

    def __call__(self, _observation: Any) -> int:
        return 1


class Fitted(Constant):
    """A policy that is built for the spaces."""

    def __init__(self, observation_space: Any, action_space: Any) -> None:
        self.spaces = observation_space, action_space


class Loaded(Constant):
    """A policy that needs something that rlguard cannot know."""

    def __init__(self, weights: Any) -> None:
        self.weights = weights


class Uncallable:
    """A class of no policy."""


def raise_on_seeding(base_seed: int, worker: int) -> int:
    raise ValueError(f"no seed for {base_seed}, {worker}")
