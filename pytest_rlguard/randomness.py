"""The process's global random states (`random`, `numpy.random`, torch where it is loaded): pinned, stirred, read.

torch is touched only if the env has imported it: an env that has not cannot depend on it. Reading moves nothing.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Sequence

import numpy as np

__all__ = ["draw_seeds", "list_generators", "pin_globals", "read_globals"]


def list_generators() -> tuple[str, ...]:
    """The global generators that exist by now."""
    return ("random", "numpy.random", *(["torch"] if "torch" in sys.modules else []))


def pin_globals(seed: int) -> None:
    """Put every global random state where `seed` says."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the legacy global state is the subject
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)


def read_globals() -> dict[str, str]:
    """A digest of each global random state; where two are equal, nobody drew from it or seeded it in between."""
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002 - as above
    states = {
        "random": repr(random.getstate()).encode(),
        "numpy.random": repr((name, position, has_gauss, cached)).encode() + np.asarray(keys).tobytes(),
    }
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return {generator: hashlib.blake2b(state, digest_size=16).hexdigest() for generator, state in states.items()}


def draw_seeds(root_seed: int, count: int) -> tuple[int, ...]:
    """`count` distinct env seeds in [0, 2**31), seed 0 first, the rest spawned from `root_seed`.

    Spawned (`numpy.random.SeedSequence`), never `base + index`: neighbouring base seeds would share their streams.
    31 bits, since simulators behind the env often keep a seed in a signed int.
    """
    seeds: dict[int, None] = {0: None}
    sequence: Sequence[np.random.SeedSequence] = np.random.SeedSequence(root_seed).spawn(2 * count)
    for child in sequence:
        if len(seeds) == count:
            break
        seeds[int(child.generate_state(1)[0]) >> 1] = None
    return tuple(seeds)[:count]
