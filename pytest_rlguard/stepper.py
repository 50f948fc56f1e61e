"""One episode, stepped through: an env, a spec and something that acts → `Episode`. Starts no process, judges nothing.

Whatever the user's code raises becomes data (`Episode.crash`). The caller may watch every step as it comes from the
env, before anything is copied or converted.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from pytest_rlguard.fingerprint import decode, digest, encode, encode_action, encode_step, fingerprint
from pytest_rlguard.records import EnvCrash, Episode, EpisodeSpec
from pytest_rlguard.spaces import extreme_action, fork_space
from pytest_rlguard.tracebacks import describe_error

__all__ = [
    "DRIVERS",
    "USER_ERRORS",
    "EnvRaisedError",
    "Policy",
    "Replay",
    "StepView",
    "make_driver",
    "play_episode",
    "raised",
]

Policy = Callable[[Any], Any]
USER_ERRORS = (Exception, SystemExit)  # what the user's code may raise: a simulator that gives up calls sys.exit()
_STEP_PARTS = 5
_RESET_PARTS = 2


@dataclass(frozen=True, slots=True)
class StepView:
    """What the env returned, untouched. `step` 0 is the reset: no action, no reward, no end."""

    step: int
    observation: Any
    info: Any
    action: Any = None
    reward: Any = None
    terminated: Any = False
    truncated: Any = False


class Beat(Protocol):
    """Called at every step: the heartbeat by which a hang is seen."""

    def __call__(self, phase: str, step: int, /) -> None: ...


class EnvRaisedError(Exception):
    """The user's env or policy raised, or returned what no env returns; carries the crash as data."""

    def __init__(self, crash: EnvCrash) -> None:
        super().__init__(crash)
        self.crash = crash


def raised(phase: str, step: int, error: BaseException) -> EnvRaisedError:
    """`error`, from the user's code in `phase`, as data with its own traceback and none of our frames."""
    told = describe_error(error)
    return EnvRaisedError(
        EnvCrash(phase=phase, step=step, error=type(error).__name__, message=str(error), traceback=told)
    )


class Replay:
    """Acts as recorded, whatever it sees. `actions` are encoded, one a step."""

    def __init__(self, actions: Sequence[bytes]) -> None:
        self._actions = iter(actions)

    def __call__(self, _observation: Any) -> Any:
        """The next recorded action; StopIteration after the last."""
        return decode(next(self._actions))


class RandomDriver:
    """Samples the action space, from a generator of its own."""

    def __init__(self, action_space: Any, seed: int) -> None:
        self._space = fork_space(action_space, seed)

    def reset(self, seed: int | None) -> None:
        """Start an episode: its actions depend on its seed alone."""
        self._space.seed(seed)

    def __call__(self, _observation: Any) -> Any:
        return self._space.sample()


class ExtremeDriver:
    """Holds an extreme of the action space for a while (8 steps on average), then another: reaches bounds and ends."""

    _MEAN_HOLD = 8

    def __init__(self, action_space: Any, seed: int) -> None:
        self._space = fork_space(action_space, seed)
        self._rng = np.random.default_rng(seed)
        self._held: Any = None
        self._left = 0

    def __call__(self, _observation: Any) -> Any:
        if self._left == 0:
            self._held = extreme_action(self._space, self._rng)
            self._left = int(self._rng.geometric(1 / self._MEAN_HOLD))
        self._left -= 1
        return copy.deepcopy(self._held)


DRIVERS: dict[str, Callable[[Any, int], Policy]] = {"random": RandomDriver, "extreme": ExtremeDriver}


def make_driver(name: str, action_space: Any, seed: int) -> Policy:
    """One of the built-in policies that drive an env through its checks, seeded."""
    return DRIVERS[name](action_space, seed)


@dataclass
class _Tape:
    """What an episode has come to so far."""

    keep_frames: bool
    rewards: list[float] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    terminated: bool = False
    truncated: bool = False

    def add(self, frame: bytes) -> None:
        self.digests.append(digest(frame))
        if self.keep_frames:
            self.frames.append(frame)


def play_episode(
    env: Any,
    spec: EpisodeSpec,
    policy: Policy,
    *,
    beat: Beat,
    worker: int = 0,
    keep_frames: bool = False,
    watch: Callable[[StepView], None] | None = None,
    actions: list[bytes] | None = None,
) -> Episode:
    """Play `spec` to its end on `env`, acting by `policy`, until the env ends it, `spec.max_steps` or a `Replay` does.

    `actions`, if given, receives every action, encoded. A crash of the user's code ends the episode and is kept in it.
    """
    tape = _Tape(keep_frames)
    crash = None
    try:
        _play(env, spec, policy, tape, beat=beat, watch=watch, actions=actions)
    except EnvRaisedError as error:
        crash = error.crash
    step_digests = b"".join(tape.digests)
    return Episode(
        spec=spec,
        worker=worker,
        rewards=tuple(tape.rewards),
        terminated=tape.terminated,
        truncated=tape.truncated,
        fingerprint=fingerprint(step_digests, spec.policy_version),
        step_digests=step_digests,
        frames=tuple(tape.frames) if keep_frames else None,
        crash=crash,
    )


def _play(
    env: Any,
    spec: EpisodeSpec,
    policy: Policy,
    tape: _Tape,
    *,
    beat: Beat,
    watch: Callable[[StepView], None] | None,
    actions: list[bytes] | None,
) -> None:
    beat("reset", 0)
    observation, info = _reset(env, spec)
    tape.add(encode(observation))
    if watch:
        watch(StepView(0, observation, info))
    step = 0
    while not (tape.terminated or tape.truncated) and step != spec.max_steps:
        step += 1
        try:
            action = policy(observation)
        except StopIteration:
            return
        except USER_ERRORS as error:
            raise raised("policy", step, error) from None
        acted = encode_action(action)
        if actions is not None:
            actions.append(acted)
        beat("step", step)
        observation, reward, terminated, truncated, info = _step(env, action, step)
        tape.rewards.append(_as_float(reward))
        tape.add(encode_step(acted, observation, reward, terminated, truncated))
        if watch:
            watch(StepView(step, observation, info, action, reward, terminated, truncated))
        tape.terminated, tape.truncated = _as_bool(terminated), _as_bool(truncated)


def _reset(env: Any, spec: EpisodeSpec) -> tuple[Any, Any]:
    """Reset with the arguments that the spec names and no others, so that an env without `options` still runs."""
    arguments: dict[str, Any] = {} if spec.seed is None else {"seed": spec.seed}
    if spec.options is not None:
        arguments["options"] = dict(spec.options)
    try:
        result = env.reset(**arguments)
    except USER_ERRORS as error:
        raise raised("reset", 0, error) from None
    if not (isinstance(result, tuple) and len(result) == _RESET_PARTS):
        raise _malformed("reset", 0, f"reset() returned {_outline(result)}; expected (observation, info)")
    return result


def _step(env: Any, action: Any, step: int) -> tuple[Any, Any, Any, Any, Any]:
    try:
        result = env.step(action)
    except USER_ERRORS as error:
        raise raised("step", step, error) from None
    if not (isinstance(result, tuple) and len(result) == _STEP_PARTS):
        expected = "(observation, reward, terminated, truncated, info)"
        raise _malformed("step", step, f"step() returned {_outline(result)}; expected {expected}")
    return result


def _malformed(phase: str, step: int, message: str) -> EnvRaisedError:
    return EnvRaisedError(EnvCrash(phase=phase, step=step, error="TypeError", message=message))


def _outline(result: object) -> str:
    return f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__name__


def _as_bool(end: Any) -> bool:
    """Whether the episode is over; an end that has no truth value (an array) is over, and rule END131's business."""
    try:
        return bool(end)
    except Exception:  # a tensor's is a RuntimeError
        return True


def _as_float(reward: Any) -> float:
    """The reward as a number; NaN where it is none (a vector, None): the frame still holds it as it came."""
    if type(reward) is float:
        return reward
    try:
        return float(reward)
    except Exception:  # a tensor's is a RuntimeError, a huge int's an OverflowError
        return float("nan")
