"""Envs whose defect, or soundness, is easily mistaken for something else."""

import os
import subprocess
import sys
import time

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


class NoUnseededReset(Line):
    """Resets under a seed only; a vector env resets without one from its second episode on."""

    def reset(self, *, seed=None, options=None):
        if seed is None:
            raise RuntimeError("no seed")
        return super().reset(seed=seed)


class ReadsItsProcess(Line):
    """The same for all instances of a process, and another for each process."""

    def observe(self):
        return self._place + 1e-3 * os.getpid()


class ClosesWhenForgotten(Line):
    """The connection is the class's, and ends with whichever instance is forgotten first."""

    is_connected = True

    def __init__(self):
        super().__init__()
        type(self).is_connected = True

    def step(self, action):
        if not self.is_connected:
            raise ConnectionError("server gone")
        return super().step(action)

    def __del__(self):
        type(self).is_connected = False


class CloseFailsAfterSteps(Line):
    """It closes well as long as nothing has happened."""

    def close(self):
        if getattr(self, "_steps", 0) > 3:
            raise OSError("the log cannot be written")


class HugeReward(Line):
    """An int that no float holds."""

    def step(self, action):
        observation, _, terminated, truncated, info = super().step(action)
        return observation, 10**400, terminated, truncated, info


class RaggedReward(Line):
    """A reward that is not even an array."""

    def step(self, action):
        observation, _, terminated, truncated, info = super().step(action)
        return observation, [1, [2, 3]], terminated, truncated, info


class LeavesSimulatorRunning(Line):
    """Starts a process that nobody ends; and has a defect that is to be reproduced."""

    def __init__(self):
        super().__init__()
        self._simulator = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])

    def observe(self):
        return self._place + 1e-6 * (time.time() % 1.0)


class NoisyPictures(Line):
    """Large observations, which differ late."""

    def __init__(self):
        super().__init__()
        self.observation_space = spaces.Box(0, 255, (64, 64, 3), np.uint8)

    def observe(self):
        picture = np.zeros((64, 64, 3), np.uint8)
        if self._steps > 7:
            picture[1] = np.random.default_rng().integers(256, size=(64, 3))
        return picture
