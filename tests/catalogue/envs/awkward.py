"""Envs that are awkward to have around, each in one way."""

import ctypes
import os
import signal
import sys
import time

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
        self._place = self.np_random.uniform(-1.0, 1.0, 1)
        return self._place.copy(), {}

    def step(self, action):
        self._steps += 1
        self._place = self._place + self.move(action)
        return self._place.copy(), self.reward(), False, self._steps == 10, {}

    def move(self, action):
        return 0.1 * action

    def reward(self):
        return -float(abs(self._place[0]))


class CloseBreaksSibling(Line):
    """The connection to the simulator is the module's; whoever closes first closes it for all."""

    connected = 0

    def __init__(self):
        super().__init__()
        type(self).connected = 1

    def step(self, action):
        if not self.connected:
            raise ConnectionError("not connected to the physics server")
        return super().step(action)

    def close(self):
        type(self).connected = 0


class OncePerProcess(Line):
    """The simulator of the process can be started once, and never again."""

    was_started = False

    def __init__(self):
        if type(self).was_started:
            raise RuntimeError("the simulation app was started already")
        type(self).was_started = True
        super().__init__()


class DisplayInConstructor(Line):
    def __init__(self):
        raise RuntimeError("GLFWError: (65544) b'X11: Failed to open display'")


class DisplayInReset(Line):
    def reset(self, *, seed=None, options=None):
        raise OSError("No available video device")


class VectorReward(Line):
    """Multi-objective by contract, as mo-gymnasium writes it down."""

    def __init__(self):
        super().__init__()
        self.reward_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)

    def reward(self):
        return np.array([1.0, -float(abs(self._place[0]))])


class VectorRewardUndeclared(Line):
    def reward(self):
        return np.array([1.0])


class RaisesInConstructor(Line):
    def __init__(self):
        raise FileNotFoundError("assets/robot.urdf")


class HangsInConstructor(Line):
    def __init__(self):
        time.sleep(3600)


class ExitsInConstructor(Line):
    def __init__(self):
        os._exit(3)


class RaisesSystemExit(Line):
    def step(self, action):
        if self._steps == 4:
            sys.exit(5)
        return super().step(action)


class HangsInStep(Line):
    def step(self, action):
        if self._steps == 4:
            time.sleep(3600)
        return super().step(action)


class DiesAtStepSeven(Line):
    def step(self, action):
        if self._steps == 6:
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().step(action)


class DiesLate(Line):
    """The simulator falls over after three hundred steps of one process."""

    total = 0

    def step(self, action):
        type(self).total += 1
        if self.total == 300:
            ctypes.string_at(0)
        return super().step(action)


class RaisesInClose(Line):
    def close(self):
        raise OSError("the socket is gone")


class Prints(Line):
    """More than a pipe holds, on both streams, from Python and from below it."""

    def step(self, action):
        print("x" * 10_000)  # noqa: T201
        print("y" * 10_000, file=sys.stderr)  # noqa: T201
        os.write(1, b"z" * 10_000)
        return super().step(action)


class TorchNoise(Line):
    """Noise from torch's global generator, late enough for check_env."""

    def move(self, action):
        import torch

        noise = torch.randn(1).double().numpy() if self._steps > 5 else 0.0
        return 0.1 * action + 0.1 * noise


class UnseededNoise(Line):
    """Random by design: no seed rules it."""

    def move(self, action):
        return 0.1 * action + (np.random.default_rng().normal(0.0, 0.1, 1) if self._steps > 5 else 0.0)


class RefusesBoundary(Line):
    """Takes less than its space declares."""

    def step(self, action):
        if abs(action[0]) > 0.9:
            raise ValueError("the action must be within 0.9")
        return super().step(action)


class CrashesFarOut(Line):
    """Raises in a state that held extremes reach: no action of its own is refused."""

    def step(self, action):
        if abs(self._place[0]) > 1.2:
            raise FloatingPointError("the solver diverged")
        return super().step(action)


class LeaksThroughClass(Line):
    """Each instance finds the friction that the last one left behind."""

    friction = 0.0

    def step(self, action):
        type(self).friction = min(1.0, self.friction + 0.01)
        return super().step(action)

    def move(self, action):
        return (0.1 - 0.05 * self.friction) * action if self._steps > 1 else 0.1 * action


class TwoBuffers(Line):
    """The observations take turns in two buffers."""

    def __init__(self):
        super().__init__()
        self._buffers = np.zeros((2, 1))
        self._turn = 0

    def reset(self, *, seed=None, options=None):
        return self._put(super().reset(seed=seed)[0]), {}

    def step(self, action):
        observation, *rest = super().step(action)
        return self._put(observation), *rest

    def _put(self, observation):
        self._turn = 1 - self._turn
        self._buffers[self._turn] = observation
        return self._buffers[self._turn]


class ReturnsFour(Line):
    """The step of the old gym."""

    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated or truncated, info


class Endless(Line):
    def step(self, action):
        observation, reward, _, _, info = super().step(action)
        self._place = np.clip(self._place, -50.0, 50.0)
        return observation, reward, False, False, info


class TakesNoSeed(gymnasium.Env):
    """The reset of the old gym."""

    observation_space = spaces.Discrete(2)
    action_space = spaces.Discrete(2)

    def reset(self):
        return 0, {}

    def step(self, action):
        return 0, 0.0, True, False, {}


def make_nothing():
    return None


def make_vector():
    return gymnasium.vector.SyncVectorEnv([Line, Line])
