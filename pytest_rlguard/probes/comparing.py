"""Two runs of one episode, compared: by their digests, and with the values, by another run of both."""

from __future__ import annotations

from pytest_rlguard.errors import PolicyError
from pytest_rlguard.fingerprint import DIGEST_SIZE, Difference, first_difference
from pytest_rlguard.pool import JobResult, WorkerPool
from pytest_rlguard.probes.replays import Part, Take, replay
from pytest_rlguard.records import Episode

__all__ = ["differ", "find_problem", "replay_values", "spread"]

_TRIES = 3


def find_problem(result: JobResult[Take]) -> str:
    """Why there is no reference episode, empty if there is one; raises PolicyError where the policy is the reason."""
    if result.exit is not None:
        return result.exit.describe()
    crash = result.crash or (result.value.episode.crash if result.value else None)
    if crash is None:
        return ""
    if crash.phase == "policy":
        raise PolicyError(f"the policy raised {crash.describe()}", user_traceback=crash.traceback)
    return crash.describe()


def differ(left: Episode, result: JobResult[Episode]) -> Difference | None:
    """Where two runs part, as far as their digests tell; the values are another run's to show."""
    if result.exit is not None:
        return Difference(result.exit.step, "crash", "an episode", result.exit.describe())
    right = result.value
    crash = result.crash or (right.crash if right else None)
    if crash is not None or right is None:
        same = crash is not None and left.crash is not None and crash.describe() == left.crash.describe()
        return None if same or crash is None else Difference(crash.step, "crash", "an episode", crash.describe())
    if left.step_digests == right.step_digests:
        return None
    size = DIGEST_SIZE
    steps = range(0, min(len(left.step_digests), len(right.step_digests)), size)
    for at in steps:
        if left.step_digests[at : at + size] != right.step_digests[at : at + size]:
            return Difference(at // size, "digest", left.step_digests[at : at + size].hex(), "another")
    return Difference(len(steps), "length", f"{left.length} steps", f"{right.length} steps")


def replay_values(left: WorkerPool, right: WorkerPool, how: str, part: Part, *, single: bool) -> Difference | None:
    """Both runs again, with their values kept; None where they were the same this time."""
    left_how = "unseeded" if how == "unseeded" else "fresh"
    for _ in range(_TRIES):
        (a,) = left.map(replay, [(left_how, part, single, True)])
        (b,) = right.map(replay, [(how, part, single, True)])
        if a.value is None:
            return None
        crashed = a.value.crash or b.value is None or b.value.crash
        frames = () if b.value is None else b.value.frames or ()
        found = differ(a.value, b) if crashed else first_difference(a.value.frames or (), frames)
        if found:
            return found
    return None


def spread(result: JobResult[list[Episode]], count: int) -> list[JobResult[Episode]]:
    """One worker's list of episodes as a result each; its failure as the failure of each."""
    if result.value is None:
        return [JobResult(value=None, exit=result.exit, crash=result.crash)] * count
    return [JobResult(value=episode, exit=None, crash=None) for episode in result.value]
