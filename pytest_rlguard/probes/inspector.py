"""Watches one episode as the env returns it and notes the first sighting of each kind of defect."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np

from pytest_rlguard.evidence import Sighting
from pytest_rlguard.fingerprint import digest, encode, first_difference
from pytest_rlguard.spaces import find_violation, value_form
from pytest_rlguard.stepper import StepView

__all__ = ["ChangeWatcher", "Inspector"]

_MOST_HELD_BYTES = 2**26


class Inspector:
    """Called with every `StepView` of an episode.

    Nothing that the env returned is kept but the observations, which are compared with themselves later: that is how an
    aliased buffer shows. The latest is always kept, the others as long as they fit into 64 MiB.
    """

    def __init__(self, observation_space: Any) -> None:
        self.sightings: dict[str, Sighting] = {}
        self.form = ""
        self._space = observation_space
        self._held: list[tuple[int, Any, bytes]] = []
        self._held_bytes = 0

    def __call__(self, view: StepView) -> None:
        """Look at one step."""
        self._check_last_observation(view.step)
        self._check_observation(view)
        if view.info or not isinstance(view.info, dict):
            self._check_info(view)
        if view.step == 0:
            self.form = repr(value_form(self._space, view.observation))
            return
        self._check_reward(view)
        self._check_ends(view)

    def check_held(self, step: int) -> None:
        """Compare every observation of the episode with what it was when it was returned; `step` is the last step."""
        for returned, observation, then in self._held:
            self._compare(returned, observation, then, step, f"by the reset after step {step}, or in between")

    def _note(self, kind: str, step: int, detail: str, key: str = "") -> None:
        self.sightings.setdefault(kind, Sighting(step=step, detail=detail, key=key))

    def _check_last_observation(self, step: int) -> None:
        if self._held:
            returned, observation, then = self._held[-1]
            self._compare(returned, observation, then, step, f"by step {step}")

    def _compare(self, returned: int, observation: Any, then: bytes, step: int, when: str) -> None:
        if "aliased" not in self.sightings and digest(encode(observation)) != then:
            self._note("aliased", step, f"{_name(returned)} was changed {when}", key=str(returned))

    def _check_observation(self, view: StepView) -> None:
        encoded = encode(view.observation)
        if self._held_bytes > _MOST_HELD_BYTES:
            self._held.pop()
        self._held.append((view.step, view.observation, digest(encoded)))
        self._held_bytes += len(encoded)
        if "outside" in self.sightings:
            return
        violation = find_violation(self._space, view.observation)
        if violation:
            key, reason = violation
            kind = "outside_form" if key.endswith((".shape", ".dtype")) else "outside"
            self._note(kind, view.step, reason, key)

    def _check_reward(self, view: StepView) -> None:
        reward = view.reward
        if type(reward) is float and math.isfinite(reward):
            return
        if isinstance(reward, np.ndarray) and (reward.ndim or reward.dtype.kind not in "biuf"):
            self._note("reward", view.step, f"ndarray of shape {reward.shape}: {reward!r}")
        elif not isinstance(reward, int | float | np.integer | np.floating | np.bool_ | np.ndarray):
            self._note("reward", view.step, f"{type(reward).__name__}: {reward!r}")
        elif not math.isfinite(number := _to_float(reward)):
            self._note("reward", view.step, repr(number))

    def _check_ends(self, view: StepView) -> None:
        for key, end in (("terminated", view.terminated), ("truncated", view.truncated)):
            if not isinstance(end, bool | np.bool_):
                self._note("end", view.step, f"{type(end).__name__} {end!r}", key)

    def _check_info(self, view: StepView) -> None:
        if "info" in self.sightings:
            return
        if not isinstance(view.info, dict):
            self._note("info", view.step, f"{type(view.info).__name__}, expected a dict")
            return
        try:
            pickle.loads(pickle.dumps(view.info))  # noqa: S301 - made in this line
        except Exception as error:
            key = next((key for key, item in view.info.items() if not _survives(item)), None)
            self._note("info", view.step, f"{type(error).__name__}: {error}", "" if key is None else f"[{key!r}]")


class ChangeWatcher:
    """Called with every `StepView` of an episode; tells at which step one observation of it is changed, and how."""

    def __init__(self, returned: int) -> None:
        self.sighting: Sighting | None = None
        self._returned = returned
        self._observation: Any = None
        self._then = b""

    def __call__(self, view: StepView) -> None:
        """Look at one step."""
        if view.step == self._returned:
            self._observation, self._then = view.observation, encode(view.observation)
        elif view.step > self._returned:
            self.look(view.step, f"by step {view.step}")

    def look(self, step: int, when: str) -> None:
        """Compare the observation with what it was, once it was returned."""
        found = first_difference([self._then], [encode(self._observation)]) if self._then else None
        if found and self.sighting is None:
            detail = f"{_name(self._returned)} was changed {when}: {found.key} was {found.left}, is {found.right}"
            self.sighting = Sighting(step=step, detail=detail, key=found.key)


def _name(returned: int) -> str:
    return f"the observation of step {returned}" if returned else "the observation of the reset"


def _to_float(number: Any) -> float:
    """As a float; an int that none can hold is infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _survives(item: object) -> bool:
    try:
        pickle.loads(pickle.dumps(item))  # noqa: S301 - as above
    except Exception:
        return False
    return True
