"""Envs that are unusual and sound, and the policies for them."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Line(gymnasium.Env):
    """A point on a line, for ten steps; what the others change."""

    def __init__(self):
        self.observation_space = spaces.Box(-100.0, 100.0, (1,), np.float64)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._steps = 0
        self._place = self.start()
        return self._place.copy(), {}

    def step(self, action):
        self._steps += 1
        self._place = self._place + self.move(action)
        return self._place.copy(), -float(abs(self._place[0])), *self.end(), {}

    def start(self):
        return self.np_random.uniform(-1.0, 1.0, 1)

    def move(self, action):
        return 0.1 * action

    def end(self):
        return False, self._steps == 10


class DeterministicByNature(Line):
    """Nothing is random."""

    def start(self):
        return np.zeros(1)


class RandomTransitionsOnly(Line):
    """The reset is always the same; the seed rules the transitions."""

    def start(self):
        return np.zeros(1)

    def move(self, action):
        return 0.1 * action + self.np_random.normal(0.0, 0.1, 1)


class StickyActions(Line):
    """The last action is repeated now and then."""

    def start(self):
        self._last = np.zeros(1)
        return super().start()

    def move(self, action):
        if self.np_random.random() > 0.25:
            self._last = action.copy()
        return 0.1 * self._last


class RareEvent(Line):
    """Deterministic, but for one episode in forty."""

    def start(self):
        return np.full(1, float(self.np_random.random() < 1 / 40))


class ChangesItsAction(Line):
    """The action is clipped in place."""

    def move(self, action):
        np.clip(action, -0.5, 0.5, out=action)
        return 0.1 * action


class LocksItsAction(Line):
    """The action is kept, and made read-only."""

    def move(self, action):
        action.setflags(write=False)
        self._last = action
        return 0.1 * action


class EndsByItself(Line):
    """No time limit; it ends when the point is far out, or by chance."""

    def end(self):
        return bool(abs(self._place[0]) > 0.9 or self.np_random.random() < 0.05), False


class OwnGenerator(Line):
    """A generator of its own, seeded by the env's; numpy's global one is left alone."""

    def start(self):
        self._rng = np.random.default_rng(self.np_random.integers(2**31))
        return self._rng.uniform(-1.0, 1.0, 1)

    def move(self, action):
        return 0.1 * action + self._rng.normal(0.0, 0.1, 1)


class NumpyReward(Line):
    """A numpy scalar for a reward, numpy bools for the ends."""

    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, np.float32(reward), np.bool_(terminated), truncated, info


LOCKED = np.full(1, 0.5)
LOCKED.setflags(write=False)


def act_with_one_locked_array(_observation):
    """One and the same read-only array, as a compiled policy returns it."""
    return LOCKED


def make_with_limit():
    """An endless env under gymnasium's time limit."""

    class Endless(Line):
        def end(self):
            return False, False

    return gymnasium.wrappers.TimeLimit(Endless(), 15)
