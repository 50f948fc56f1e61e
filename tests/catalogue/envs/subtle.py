"""Envs whose defect, or soundness, is easily mistaken for something else."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Line(gymnasium.Env):
    """A point on a line, for ten steps; what the others change."""

    def __init__(self):
        self.observation_space = spaces.Box(-100.0, 100.0, (2,), np.float64)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._steps = 0
        self._place = self.np_random.uniform(-1.0, 1.0, 2)
        return self.observe(), {}

    def step(self, action):
        self._steps += 1
        self._place = self._place + 0.1 * self.push(action)
        return self.observe(), -float(abs(self._place[0])), False, self._steps == 10, {}

    def observe(self):
        return self._place.copy()

    def push(self, action):
        return float(action[0])


class ActionOfManyParts(Line):
    """The parts of its action are joined in the order of the dict, which is that of the space."""

    def __init__(self):
        super().__init__()
        self.action_space = spaces.Dict(
            {"alpha": spaces.Box(-1.0, 1.0, (2,), np.float64), "z": spaces.Box(-1.0, 1.0, (1,), np.float64)}
        )

    def push(self, action):
        return float(np.concatenate(list(action.values()))[0])


class Pair(gymnasium.Space):
    """A space of one's own, with nothing to say of itself."""

    def __init__(self):
        super().__init__((2,), np.float64)

    def sample(self, mask=None, probability=None):
        return self.np_random.uniform(-1.0, 1.0, 2)

    def contains(self, x):
        return isinstance(x, np.ndarray) and x.shape == (2,)

    @property
    def is_np_flattenable(self):
        return True


class SpaceOfOnesOwn(Line):
    def __init__(self):
        super().__init__()
        self.observation_space = Pair()
