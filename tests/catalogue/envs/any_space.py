"""An env for every space of gymnasium, as observation and as action space: seeded, random, and sound."""

import copy

import gymnasium
import numpy as np
from gymnasium import spaces

LETTERS = "abcdefgh"  # before gymnasium 1.0, the default is a set: samples depend on the hash seed, and DET202 says so
SPACES = {
    "box_float32": spaces.Box(-1.0, 1.0, (3,), np.float32),
    "box_float64_unbounded": spaces.Box(-np.inf, np.inf, (2,), np.float64),
    "box_half_bounded": spaces.Box(np.array([0.0, -np.inf]), np.array([np.inf, 1.0]), dtype=np.float64),
    "box_float16": spaces.Box(-2.0, 2.0, (2,), np.float16),
    "box_uint8_image": spaces.Box(0, 255, (4, 4, 3), np.uint8),
    "box_int64": spaces.Box(-5, 5, (2,), np.int64),
    "box_scalar": spaces.Box(-1.0, 1.0, (), np.float32),
    "box_bool": spaces.Box(0, 1, (3,), np.bool_),
    "discrete": spaces.Discrete(3),
    "discrete_with_start": spaces.Discrete(3, start=-1),
    "multi_discrete": spaces.MultiDiscrete([2, 3]),
    "multi_discrete_with_start": spaces.MultiDiscrete([[2, 3], [4, 5]], start=[[1, -1], [0, 7]]),
    "multi_binary": spaces.MultiBinary((2, 2)),
    "dict": spaces.Dict({"arm": spaces.Box(-1.0, 1.0, (2,), np.float32), "grip": spaces.Discrete(2)}),
    "dict_in_dict": spaces.Dict({"a": spaces.Dict({"b": spaces.MultiBinary(2)}), "c": spaces.Text(3, charset=LETTERS)}),
    "tuple": spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 9, (2,), np.int32)]),
    "text": spaces.Text(5, charset=LETTERS),
    "graph": spaces.Graph(spaces.Box(-1.0, 1.0, (3,)), spaces.Discrete(4)),
    "graph_without_edges": spaces.Graph(spaces.Discrete(5), None),
    "sequence": spaces.Sequence(spaces.Box(-1.0, 1.0, (2,))),
    "sequence_stacked": spaces.Sequence(spaces.Box(-1.0, 1.0, (2,)), stack=True),
}
if hasattr(spaces, "OneOf"):  # gymnasium 1.0
    SPACES["one_of"] = spaces.OneOf([spaces.Discrete(2), spaces.Box(-1.0, 1.0, (2,))])


class AnySpace(gymnasium.Env):
    """Observations are drawn from the space; the reward tells whether the action was in its own."""

    def __init__(self, observation, action):
        self.observation_space = copy.deepcopy(SPACES[observation])
        self.action_space = copy.deepcopy(SPACES[action])
        self._source = copy.deepcopy(SPACES[observation])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._steps = 0
        self._source.seed(int(self.np_random.integers(2**31)))
        return self._source.sample(), {}

    def step(self, action):
        if not self.action_space.contains(action):
            raise ValueError(f"{action!r} is no action")
        self._steps += 1
        return self._source.sample(), 1.0, False, self._steps == 6, {}


def make_env(observation="discrete", action="discrete"):
    return AnySpace(observation, action)
