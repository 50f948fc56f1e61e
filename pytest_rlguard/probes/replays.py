"""The ways in which one recorded episode is played again, in a worker: each varies one thing and holds all others.

Before every run the global random states are pinned, so that an env that draws from them differs only where they are
disturbed on purpose.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pytest_rlguard.fingerprint import DIGEST_SIZE
from pytest_rlguard.pool import WorkerContext
from pytest_rlguard.probes.context import lend_env, make_policy
from pytest_rlguard.randomness import list_generators, pin_globals, read_globals
from pytest_rlguard.records import EnvCrash, Episode, EpisodeSpec
from pytest_rlguard.stepper import EnvRaisedError, Replay, play_episode

__all__ = ["HOWS", "Part", "Take", "play_stream", "read_after", "record", "replay", "replay_at", "replay_unpinned"]

T = TypeVar("T")

_PIN = 20_260_101
_NUDGE = 7_919

History = tuple[tuple[int, tuple[bytes, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One episode to play again: its seed, who drove it, and what they did. `history` is played before or beside it.

    `expected` are the step digests that it should have: a run with others comes back with its first other frame.
    """

    seed: int | None
    driver: str
    actions: tuple[bytes, ...] = field(repr=False)
    history: History = field(default=(), repr=False)
    expected: bytes | None = field(default=None, repr=False)

    @property
    def spec(self) -> EpisodeSpec:
        """The spec of the replay; the actions end it."""
        return EpisodeSpec(episode_id=0, seed=self.seed)


@dataclass(frozen=True, kw_only=True)
class Take:
    """The reference run of an episode, and where it moved which global random states first."""

    part: Part
    episode: Episode
    moved_in: str
    moved: tuple[str, ...]
    globals_after: Mapping[str, str]


def record(context: WorkerContext, seed: int, driver: str, limit: int, single: bool) -> Take:  # noqa: FBT001
    """The reference: a fresh instance, pinned global states, the driver's own actions, kept."""
    try:
        return _settle(lambda: _record(context, seed, driver, limit, single))
    except EnvRaisedError as error:
        part = Part(seed=seed, driver=driver, actions=())
        return Take(part=part, episode=_crashed(part, error.crash), moved_in="", moved=(), globals_after={})


def _settle(play: Callable[[], T]) -> T:
    """What `play` comes to; played again where it loaded a library whose global generator nobody had pinned."""
    generators = list_generators()
    result = play()
    return result if list_generators() == generators else play()


def _record(context: WorkerContext, seed: int, driver: str, limit: int, single: bool) -> Take:  # noqa: FBT001
    actions: list[bytes] = []
    pin_globals(_PIN)
    marks = [read_globals()]
    with lend_env(context, single=single) as env:
        marks.append(read_globals())
        policy = make_policy(context, env, driver, seed)
        pin_globals(_PIN)
        spec = EpisodeSpec(episode_id=0, seed=seed, max_steps=limit)
        episode = play_episode(env, spec, policy, beat=context.beat, actions=actions)
        marks.append(read_globals())
    marks.append(read_globals())
    spans = {"make": (marks[0], marks[1]), "episode": (marks[0], marks[2]), "close": (marks[2], marks[3])}
    moves = ((phase, tuple(_list_moved(*span))) for phase, span in spans.items())
    moved_in, moved = next((move for move in moves if move[1]), ("", ()))
    return Take(
        part=Part(seed=seed, driver=driver, actions=tuple(actions), expected=episode.step_digests),
        episode=episode,
        moved_in=moved_in,
        moved=moved,
        globals_after=marks[2],
    )


def _list_moved(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """The generators whose state is another one; one that was only loaded in between has not moved."""
    return (generator for generator, state in before.items() if after.get(generator) != state)


def replay(context: WorkerContext, how: str, part: Part, single: bool, keep_frames: bool = False) -> Episode:  # noqa: FBT001, FBT002
    """Play `part` again in the way named by `how` (a key of `HOWS`). A crash is in the episode."""
    try:
        episode = _settle(lambda: _replay(context, how, part, single, keep_frames or part.expected is not None))
    except EnvRaisedError as error:
        return _crashed(part, error.crash)
    if keep_frames or part.expected is None:
        return episode
    return dataclasses.replace(episode, frames=_keep_first_unlike(episode, part.expected))


def _keep_first_unlike(episode: Episode, expected: bytes) -> tuple[bytes, ...] | None:
    """The frame of the first step that is not as expected, the others empty: whole episodes of images are large."""
    if episode.step_digests == expected:
        return None
    places = range(0, len(episode.step_digests), DIGEST_SIZE)
    ours, theirs = ([d[at : at + DIGEST_SIZE] for at in places] for d in (episode.step_digests, expected))
    unlike = next((step for step, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]), None)
    return tuple(frame if step == unlike else b"" for step, frame in enumerate(episode.frames or ()))


def _replay(context: WorkerContext, how: str, part: Part, single: bool, keep_frames: bool) -> Episode:  # noqa: FBT001
    pin_globals(_PIN)
    return HOWS[how](context, part, single, keep_frames)


def replay_at(
    context: WorkerContext,
    start: float,
    parts: Sequence[Part],
    single: bool,  # noqa: FBT001
) -> list[Episode]:
    """Play `parts` one after the other from the moment `start` (monotonic clock) on: so several workers do at once."""
    while time.monotonic() < start:
        context.beat("other", 0)
    return [replay(context, "fresh", part, single) for part in parts]


def replay_unpinned(context: WorkerContext, parts: Sequence[Part], single: bool, stir: int) -> list[str]:  # noqa: FBT001
    """The fingerprints of `parts` on one instance, with the global states somewhere else (`stir`) from the start."""
    return _settle(lambda: _play_stirred(context, parts, single, stir))


def _play_stirred(context: WorkerContext, parts: Sequence[Part], single: bool, stir: int) -> list[str]:  # noqa: FBT001
    pin_globals(_PIN + stir * _NUDGE)
    with lend_env(context, single=single) as env:
        return [_play(context, env, part).fingerprint for part in parts]


def play_stream(
    context: WorkerContext,
    seeds: tuple[int | None, ...],
    actions: tuple[bytes, ...],
    single: bool,  # noqa: FBT001
) -> tuple[str, ...]:
    """The fingerprints of one worker's episodes in a row on one instance, all under the same actions."""
    parts = [Part(seed=seed, driver="random", actions=actions) for seed in seeds]
    return tuple(replay_unpinned(context, parts, single, stir=0))


def read_after(context: WorkerContext, part: Part, single: bool) -> dict[str, str]:  # noqa: FBT001
    """The digests of the global states after `part`, from another place before it than the reference had."""
    with lend_env(context, single=single) as env:
        pin_globals(_PIN + _NUDGE)
        _play(context, env, part)
        return read_globals()


def _play(context: WorkerContext, env: Any, part: Part, *, keep_frames: bool = False) -> Episode:
    return play_episode(env, part.spec, Replay(part.actions), beat=context.beat, keep_frames=keep_frames)


def _play_fresh(context: WorkerContext, part: Part, single: bool, keep_frames: bool) -> Episode:  # noqa: FBT001
    with lend_env(context, single=single) as env:
        pin_globals(_PIN)
        return _play(context, env, part, keep_frames=keep_frames)


def _play_reused(context: WorkerContext, part: Part, single: bool, keep_frames: bool) -> Episode:  # noqa: FBT001
    """After the episodes of the part's history on the same instance, the last of them left unfinished."""
    with lend_env(context, single=single) as env:
        for seed, actions in part.history:
            _play(context, env, Part(seed=seed, driver=part.driver, actions=actions))
        pin_globals(_PIN)
        return _play(context, env, part, keep_frames=keep_frames)


def _play_interleaved(context: WorkerContext, part: Part, single: bool, keep_frames: bool) -> Episode:  # noqa: ARG001, FBT001
    """Beside a sibling that plays the part's history, a step of the one after a step of the other."""
    (seed, actions), *_ = part.history
    with lend_env(context) as env, lend_env(context) as sibling:
        pin_globals(_PIN)
        step_sibling = _Stepper(sibling, seed, actions)

        def beat(phase: str, step: int) -> None:
            context.beat(phase, step)
            if phase == "step":
                step_sibling()

        return play_episode(env, part.spec, Replay(part.actions), beat=beat, keep_frames=keep_frames)


class _Stepper:
    """Moves a sibling on by one call at each call: reset first, then its actions, then reset again."""

    def __init__(self, env: Any, seed: int, actions: tuple[bytes, ...]) -> None:
        self._env = env
        self._seed = seed
        self._actions = actions
        self._replay: Replay | None = None

    def __call__(self) -> None:
        if self._replay is None:
            self._env.reset(seed=self._seed)
            self._replay = Replay(self._actions)
            return
        try:
            _, _, terminated, truncated, _ = self._env.step(self._replay(None))
        except StopIteration:
            terminated, truncated = True, False
        if terminated or truncated:
            self._replay = None


def _play_disturbed(context: WorkerContext, part: Part, single: bool, keep_frames: bool) -> Episode:  # noqa: FBT001
    """With the global random states moved before make, reset and every step."""
    pin_globals(_PIN + _NUDGE)
    with lend_env(context, single=single) as env:

        def beat(phase: str, step: int) -> None:
            context.beat(phase, step)
            pin_globals(_PIN + _NUDGE * (step + 2))

        return play_episode(env, part.spec, Replay(part.actions), beat=beat, keep_frames=keep_frames)


def _play_unseeded(context: WorkerContext, part: Part, single: bool, keep_frames: bool) -> Episode:  # noqa: FBT001
    """The episode after the seeded one: an unseeded reset, the same actions."""
    with lend_env(context, single=single) as env:
        pin_globals(_PIN)
        _play(context, env, part)
        following = Part(seed=None, driver=part.driver, actions=part.actions)
        return _play(context, env, following, keep_frames=keep_frames)


HOWS: dict[str, Callable[[WorkerContext, Part, bool, bool], Episode]] = {
    "fresh": _play_fresh,
    "reused": _play_reused,
    "interleaved": _play_interleaved,
    "disturbed": _play_disturbed,
    "unseeded": _play_unseeded,
}


def _crashed(part: Part, crash: EnvCrash) -> Episode:
    return Episode(
        spec=part.spec,
        worker=0,
        rewards=(),
        terminated=False,
        truncated=False,
        fingerprint="",
        step_digests=b"",
        frames=(),
        crash=crash,
    )
