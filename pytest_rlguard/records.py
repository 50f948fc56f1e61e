"""The frozen data that travels between rooms and processes. No behaviour beyond reading oneself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["DISPLAY_ADVICE", "EnvCrash", "Episode", "EpisodeSpec", "WorkerExit"]

DISPLAY_ADVICE = "It seems to need a display: run under xvfb-run, or set MUJOCO_GL=egl or SDL_VIDEODRIVER=dummy."
_DISPLAY_WORDS = ("display", "glfw", "x11", "egl", "opengl", "no available video device", "wayland")


@dataclass(frozen=True, kw_only=True)
class EpisodeSpec:
    """What to run: one episode is a pure function of (env, seed, bucket, policy version).

    `seed` None means an unseeded reset. `max_steps` None means: as long as the env itself goes on.
    """

    episode_id: int
    seed: int | None
    bucket: str = ""
    policy_version: int = 0
    max_steps: int | None = None
    options: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class EnvCrash:
    """The user's code raised: where, after how many steps, and with what. `step` 0 is the reset."""

    phase: str
    step: int
    error: str
    message: str
    traceback: str = ""

    @property
    def needs_display(self) -> bool:
        """Whether it reads as if there was no screen to draw on."""
        return any(word in self.message.lower() for word in _DISPLAY_WORDS)

    def describe(self) -> str:
        """`ValueError in step 12: no such joint`."""
        place = f"step {self.step}" if self.phase == "step" else self.phase
        first_line = self.message.strip().splitlines()[0] if self.message.strip() else ""
        return f"{self.error} in {place}" + (f": {first_line}" if first_line else "")


@dataclass(frozen=True, kw_only=True)
class Episode:
    """What came of a spec.

    `rewards` has one float a step; `step_digests` 8 bytes for the reset and each step; `frames` are the encoded steps
    (`fingerprint.decode`), kept only on request. `crash` is set where the user's code raised: the rest then holds what
    had happened by then.
    """

    spec: EpisodeSpec
    worker: int
    rewards: tuple[float, ...]
    terminated: bool
    truncated: bool
    fingerprint: str
    step_digests: bytes = field(repr=False)
    frames: tuple[bytes, ...] | None = field(default=None, repr=False)
    crash: EnvCrash | None = None

    @property
    def length(self) -> int:
        """Steps taken."""
        return len(self.rewards)

    @property
    def episode_return(self) -> float:
        """The undiscounted sum of rewards."""
        return float(sum(self.rewards))


@dataclass(frozen=True, kw_only=True)
class WorkerExit:
    """The death of a worker process, as data: who, how, doing what, and its last words.

    `exit_code` is negative for a signal, None where the process had to be killed because it hung (`hung` says so).
    `phase` and `step` are its last heartbeat: what it was doing, and the env steps that it had taken in the job.
    """

    worker: int
    pid: int
    exit_code: int | None
    signal_name: str
    hung: bool
    job: str
    step: int
    seconds: float
    phase: str = "other"
    stderr_tail: str = field(default="", repr=False)

    def describe(self) -> str:
        """`worker 1 (pid 4711) was killed by SIGKILL in play_episode after step 12`."""
        who = f"worker {self.worker} (pid {self.pid})"
        if self.hung:
            how = f"made no step for {self.seconds:.1f} s and was killed"
        elif self.signal_name:
            how = f"was killed by {self.signal_name}"
        else:
            how = f"exited with code {self.exit_code}"
        return f"{who} {how} in {self.job} after step {self.step}"
