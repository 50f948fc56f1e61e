"""How a pipeline seeds its workers: ours, the customary `base + index`, or the user's own function."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from pytest_rlguard.errors import TargetError
from pytest_rlguard.pool import WorkerContext, WorkerPool
from pytest_rlguard.probes.asking import ask
from pytest_rlguard.targets import load_callable

__all__ = ["Seeding", "draw_seed_rows", "resolve_seeding"]

Seeding = Callable[[int, int, int, int], tuple[int | None, ...]]
Row = tuple[int | None, ...]


def draw_seed_rows(
    pool: WorkerPool, name: str, places: Sequence[tuple[int, int]], *, workers: int, episodes: int
) -> list[Row]:
    """The seeds at each (base seed, worker), drawn in a worker: the user's function is theirs to run there.

    Raises TargetError where there is none, or it does not give seeds.
    """
    if name in _BUILT_IN:
        return [_BUILT_IN[name](base, worker, workers, episodes) for base, worker in places]
    result = ask(pool, _draw, name, places, workers, episodes)
    if result.value is not None:
        rows: list[Row] = result.value
        return rows
    how = f"{result.crash.error}: {result.crash.message}" if result.crash else "it hung, or ended its process"
    raise TargetError(
        f"the seeding function {name} failed: {how}",
        advice="It is called with (base_seed, worker) and returns or yields seeds.",
        user_traceback=result.crash.traceback if result.crash else "",
    )


def _draw(
    _context: WorkerContext, name: str, places: Sequence[tuple[int, int]], workers: int, episodes: int
) -> list[Row]:
    seeding = resolve_seeding(name)
    return [seeding(base, worker, workers, episodes) for base, worker in places]


def resolve_seeding(name: str) -> Seeding:
    """`(base_seed, worker, workers, episodes)` → the seed of each episode of that worker; None is an unseeded reset.

    `name` is `spawn` (every episode of the fleet its own spawned seed), `base_plus_index` (gymnasium's and SB3's vector
    envs: the first reset gets base + worker, the later ones none) or module:callable, a function of
    `(base_seed, worker)` that returns or yields seeds. Raises TargetError where that cannot be found.
    """
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    own = load_callable(name, what="a seeding function")

    def ask(base_seed: int, worker: int, workers: int, episodes: int) -> tuple[int | None, ...]:  # noqa: ARG001
        return _pad(own(base_seed, worker), episodes, name)

    return ask


def _spawn(base_seed: int, worker: int, workers: int, episodes: int) -> tuple[int | None, ...]:
    children = np.random.SeedSequence(base_seed).spawn(workers * episodes)[worker::workers]
    return tuple(int(child.generate_state(1)[0]) >> 1 for child in children)


def _base_plus_index(base_seed: int, worker: int, workers: int, episodes: int) -> tuple[int | None, ...]:  # noqa: ARG001
    return (base_seed + worker, *itertools.repeat(None, episodes - 1))


_BUILT_IN: dict[str, Seeding] = {"spawn": _spawn, "base_plus_index": _base_plus_index}


def _pad(seeds: Iterable[int | None] | int, episodes: int, name: str) -> tuple[int | None, ...]:
    row = [seeds] if isinstance(seeds, int) else list(itertools.islice(seeds, episodes))
    if not all(seed is None or (isinstance(seed, int) and seed >= 0) for seed in row):
        advice = "Return ints from 0 on, or None for an unseeded reset."
        raise TargetError(f"{name} gave {row!r}, expected seeds", advice=advice)
    return (*row, *itertools.repeat(None, episodes - len(row)))
