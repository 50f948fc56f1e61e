"""What the probes collect and the checks judge: one frozen dataclass a stage, made of measurements and no opinion.

Hand-made evidence tests a judge in milliseconds. `Case` is the part of it that shows one defect alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_rlguard.fingerprint import Difference
from pytest_rlguard.records import EnvCrash, WorkerExit

__all__ = [
    "Case",
    "Comparison",
    "ContractEvidence",
    "DeterminismEvidence",
    "EnvFacts",
    "EpisodeFacts",
    "GlobalsFacts",
    "InstanceFacts",
    "Mismatch",
    "SeedEffect",
    "Sighting",
    "SpaceSighting",
    "Stream",
]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One defect, ready to be shown alone: the seed, the step that shows it, and what `kind` needs.

    `actions` are those of the episode, as far as it is known, encoded (`fingerprint.decode`), one a step. `history` is
    what the instance did before, each entry a seed and its actions.
    """

    kind: str
    seed: int
    driver: str = "random"
    step: int = 0
    actions: tuple[bytes, ...] = field(default=(), repr=False)
    other_seed: int | None = None
    history: tuple[tuple[int, tuple[bytes, ...]], ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class EnvFacts:
    """What an env says of itself, before anything is judged. `limit` is its declared time limit, in steps."""

    limit: int | None
    reward_by_contract: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class InstanceFacts:
    """Whether two instances live in one process (`coexist`), and one after the other (`remake`); why not, if not."""

    coexist: bool
    remake: bool
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Something seen at a step of an episode: the key inside what the env returned, and what it was."""

    step: int
    detail: str
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class EpisodeFacts:
    """One whole episode of the contract stage.

    `sightings` holds the first of each kind: `outside`, `outside_form` (wrong shape or dtype), `aliased`, `reward`,
    `end`, `info`. `form` is the shape and dtype of the reset's observation. `actions` are kept where any was.
    """

    seed: int
    driver: str
    steps: int = 0
    ended: bool = False
    form: str = ""
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    actions: tuple[bytes, ...] = field(default=(), repr=False)
    crash: EnvCrash | None = None
    exit: WorkerExit | None = None
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class SpaceSighting:
    """The spaces that an instance declares: exact, as encoded bytes, and as text."""

    where: str
    seed: int
    observation: bytes = field(repr=False)
    action: bytes = field(repr=False)
    observation_text: str = ""
    action_text: str = ""


@dataclass(frozen=True, kw_only=True)
class ContractEvidence:
    """What the contract probe collected.

    `objections` are those of gymnasium's own `check_env`; `unseeded` is how the action space failed to follow its seed
    (empty: it followed); None where they were not asked, since the env had hung or died before. `endless_steps` is how
    long the longest episode was left to run without an end.
    """

    facts: EnvFacts
    episodes: tuple[EpisodeFacts, ...]
    instances: InstanceFacts
    spaces: tuple[SpaceSighting, ...] = ()
    objections: tuple[str, ...] | None = None
    unseeded: str | None = None
    endless_steps: int | None = None
    seeds: int = 0


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """Two runs of one episode that were to be the same and are not: where they part, and the episode's actions.

    `is_repeatable` is False where both runs were the same when they were run again.
    """

    seed: int
    driver: str
    difference: Difference
    actions: tuple[bytes, ...] = field(default=(), repr=False)
    history: tuple[tuple[int, tuple[bytes, ...]], ...] = field(default=(), repr=False)
    is_repeatable: bool = True


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """`pairs` episodes run twice, `differing` of them unlike; the first few `mismatches`, the shortest first.

    `skipped` says why nothing was run.
    """

    pairs: int = 0
    differing: int = 0
    mismatches: tuple[Mismatch, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, kw_only=True)
class GlobalsFacts:
    """What the env does to the caller's global random states.

    In which phase it moved them first, and whether the state afterwards is the same wherever it was before
    (`reseeded`).
    """

    moved_in: str = ""
    generators: tuple[str, ...] = ()
    reseeded: bool = False
    seed: int = 0
    step: int = 0
    actions: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class SeedEffect:
    """Episodes under the same actions: how many different ones `seeded` seeds gave, and unseeded resets gave.

    `unseeded_new` counts the unseeded episodes that no seed gave.
    """

    seeded: int
    seeded_distinct: int
    unseeded: int
    unseeded_distinct: int
    unseeded_new: int
    actions: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class Stream:
    """The episodes of one worker under one base seed: the seeds it was told (None: unseeded reset), what it played."""

    base_seed: int
    worker: int
    seeds: tuple[int | None, ...]
    fingerprints: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DeterminismEvidence:
    """What the determinism probe collected.

    `comparisons` by name: `fresh`, `process`, `reused`, `interleaved`, `disturbed`, `concurrent`, `unseeded`.
    `is_history_decisive` is whether a differing episode depends on which instances its process had before, and on
    nothing else (None: not asked).
    `broken` says why nothing could be compared. `coincidence` is the share of episode pairs with different seeds that
    are equal all the same.
    """

    seeds: int
    episodes: int
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    globals_facts: GlobalsFacts = GlobalsFacts()
    seed_effect: SeedEffect | None = None
    streams: tuple[Stream, ...] = ()
    seeding: str = "spawn"
    coincidence: float = 0.0
    is_history_decisive: bool | None = None
    declared_random: bool = False
    broken: str = ""
