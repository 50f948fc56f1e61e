"""How a pipeline seeds its workers: ours, the customary `base + index`, or the user's own function."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np

from pytest_rlguard.errors import TargetError
from pytest_rlguard.targets import load_callable

__all__ = ["Seeding", "resolve_seeding"]

Seeding = Callable[[int, int, int, int], tuple[int | None, ...]]


def resolve_seeding(name: str) -> Seeding:
    """`(base_seed, worker, workers, episodes)` → the seed of each episode of that worker; None is an unseeded reset.

    `name` is `spawn` (every episode of the fleet its own spawned seed), `base_plus_index` (gymnasium's and SB3's vector
    envs: the first reset gets base + worker, the later ones none) or module:callable, a function of
    `(base_seed, worker)` that returns or yields seeds. Raises TargetError where that cannot be found.
    """
    if name == "spawn":
        return _spawn
    if name == "base_plus_index":
        return _base_plus_index
    own = load_callable(name, what="a seeding function")

    def ask(base_seed: int, worker: int, workers: int, episodes: int) -> tuple[int | None, ...]:  # noqa: ARG001
        return _pad(own(base_seed, worker), episodes, name)

    return ask


def _spawn(base_seed: int, worker: int, workers: int, episodes: int) -> tuple[int | None, ...]:
    children = np.random.SeedSequence(base_seed).spawn(workers * episodes)[worker::workers]
    return tuple(int(child.generate_state(1)[0]) >> 1 for child in children)


def _base_plus_index(base_seed: int, worker: int, workers: int, episodes: int) -> tuple[int | None, ...]:  # noqa: ARG001
    return (base_seed + worker, *itertools.repeat(None, episodes - 1))


def _pad(seeds: Iterable[int | None] | int, episodes: int, name: str) -> tuple[int | None, ...]:
    row = [seeds] if isinstance(seeds, int) else list(itertools.islice(seeds, episodes))
    if not all(seed is None or isinstance(seed, int) for seed in row):
        raise TargetError(f"{name} gave {row!r}, expected seeds", advice="Return ints, or None for an unseeded reset.")
    return (*row, *itertools.repeat(None, episodes - len(row)))
