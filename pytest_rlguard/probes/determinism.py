"""What the determinism stage runs: every episode once as the reference, then again with one thing varied at a time.

All runs replay the reference's actions, so that what differs is the env's doing. The first pass shares the machine
between workers; where anything differs, a second one runs with one worker alone, so that the cause can be told.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from pytest_rlguard.evidence import (
    Comparison,
    DeterminismEvidence,
    GlobalsFacts,
    InstanceFacts,
    Mismatch,
    SeedEffect,
    Stream,
)
from pytest_rlguard.fingerprint import Difference, first_difference
from pytest_rlguard.pool import JobResult, WorkerPool
from pytest_rlguard.probes.comparing import differ, find_problem, replay_values, spread
from pytest_rlguard.probes.context import ProbeContext
from pytest_rlguard.probes.instances import collect_instances
from pytest_rlguard.probes.replays import (
    Part,
    Take,
    play_stream,
    read_after,
    record,
    replay,
    replay_at,
    replay_unpinned,
)
from pytest_rlguard.probes.seeding import draw_seed_rows
from pytest_rlguard.records import Episode

__all__ = ["collect_determinism"]

_HASH_SEEDS = (1, 2)
_UNFINISHED_STEPS = 5
_SEED_EFFECT_SEEDS = 8
_UNSEEDED_IN_A_ROW = 8
_STREAM_BASES = (0, 1)
_STREAM_WORKERS = 4
_STREAM_EPISODES = 6
_KEPT_MISMATCHES = 8
_RENDEZVOUS_SEC = 0.05
_TOO_MANY_FOR_CHANCE = 6


def collect_determinism(context: ProbeContext) -> DeterminismEvidence:
    """Run the determinism stage's episodes; raises PolicyError where the user's policy does."""
    instances = collect_instances(context)
    shared = _Session(context, instances, context.pool).collect()
    if shared.broken or not _mismatched(shared):
        return shared
    with context.open_pool(workers=1) as pool:
        alone = _Session(context, instances, pool).collect()
    evidence = _attribute(alone, shared)
    return dataclasses.replace(evidence, is_history_decisive=_ask_history(context, evidence))


def _mismatched(evidence: DeterminismEvidence) -> set[str]:
    return {name for name, comparison in evidence.comparisons.items() if comparison.mismatches}


def _attribute(alone: DeterminismEvidence, shared: DeterminismEvidence) -> DeterminismEvidence:
    """What both passes saw, each under the comparison that its cause belongs to.

    A pair that was the same when it was run again parted by itself: that is no effect of what was varied, and counts as
    `fresh`. But where much differed while other workers ran and nothing does alone (six against none: 0.25 % by
    chance), the other workers are the cause. And where processes differ though instances of one do not, the first pass
    has nothing to add: its pairs are of one process or of two, as it happened.
    """
    if alone.broken:
        return alone
    seen = [*alone.comparisons.items(), *({} if _is_bound_to_process(alone) else shared.comparisons).items()]
    busy = [comparison for name, comparison in shared.comparisons.items() if name != "concurrent"]
    if not _mismatched(alone) - {"concurrent"} and _join(busy).differing >= _TOO_MANY_FOR_CHANCE:
        concurrent = alone.comparisons["concurrent"]
        return _with(alone, concurrent=concurrent if concurrent.mismatches else _join(busy))
    once = [c for name, c in seen if name != "concurrent" and c.mismatches and not c.mismatches[0].is_repeatable]
    repeated = {name: c for name, c in reversed(seen) if c.mismatches and c not in once}
    cleared = {name: dataclasses.replace(c, differing=0, mismatches=()) for name, c in alone.comparisons.items()}
    evidence = _with(alone, **{**cleared, **repeated})
    return evidence if "fresh" in repeated or not once else _with(evidence, fresh=_join(once))


def _is_bound_to_process(alone: DeterminismEvidence) -> bool:
    process = alone.comparisons.get("process", Comparison())
    return _mismatched(alone) <= {"process", "concurrent"} and any(m.is_repeatable for m in process.mismatches[:1])


def _with(evidence: DeterminismEvidence, **comparisons: Comparison) -> DeterminismEvidence:
    return dataclasses.replace(evidence, comparisons={**evidence.comparisons, **comparisons})


class _Session:
    """One pass over all runs, on one pool."""

    def __init__(self, context: ProbeContext, instances: InstanceFacts, pool: WorkerPool) -> None:
        self._context = context
        self._instances = instances
        self._pool = pool
        self._single = not instances.remake
        self._takes: list[Take] = []
        self._done = 0

    def collect(self) -> DeterminismEvidence:
        """The evidence; `broken` where the reference itself could not be run."""
        context = self._context
        blank = DeterminismEvidence(
            seeds=len(context.seeds),
            episodes=len(context.seeds) * len(context.drivers),
            seeding=context.config.worker_pool.seeding,
            declared_random=not context.config.env.reproducible,
        )
        broken = self._record_all()
        if broken:
            return dataclasses.replace(blank, broken=broken)
        seed_effect, coincidence = self._collect_seed_effect()
        return dataclasses.replace(
            blank,
            comparisons={} if blank.declared_random else self._collect_comparisons(),
            globals_facts=self._collect_globals(),
            seed_effect=seed_effect,
            streams=self._collect_streams(),
            coincidence=coincidence,
        )

    def _record_all(self) -> str:
        """Record every episode; what broke, empty if nothing did."""
        limit = self._context.limit
        items = [
            (seed, driver, limit, self._single) for seed in self._context.seeds for driver in self._context.drivers
        ]
        with self._borrow_pool() as pool:
            results = self._map(pool, record, items[: len(self._context.drivers)])
            if not any(map(find_problem, results)):
                results += self._map(pool, record, items[len(results) :])
        for result, (seed, driver, *_) in zip(results, items, strict=False):
            problem = find_problem(result)
            if problem:
                return f"{problem} (seed {seed}, {driver} actions)"
        self._takes = [result.value for result in results]
        for index, take in enumerate(self._takes):
            self._takes[index] = dataclasses.replace(
                take, part=dataclasses.replace(take.part, history=self._past(index))
            )
        return ""

    def _past(self, index: int) -> tuple[tuple[int, tuple[bytes, ...]], ...]:
        """What an instance does before the episode: a whole other episode, then one that is left unfinished."""
        whole, unfinished = (self._takes[(index + offset) % len(self._takes)].part for offset in (2, 4))
        return (
            (whole.seed or 0, whole.actions),
            (unfinished.seed or 0, unfinished.actions[:_UNFINISHED_STEPS]),
        )

    def _collect_comparisons(self) -> dict[str, Comparison]:
        reference = [take.episode for take in self._takes]
        ways: dict[str, Callable[[], Comparison]] = {
            "fresh": lambda: self._compare(reference, "fresh"),
            "process": lambda: self._compare_processes(reference),
            "reused": lambda: self._compare(reference, "reused"),
            "interleaved": lambda: self._compare_interleaved(reference),
            "disturbed": lambda: self._compare(reference, "disturbed"),
            "concurrent": lambda: self._compare_concurrent(reference),
            "unseeded": self._compare_unseeded,
        }
        return {name: compare() for name, compare in ways.items()}

    def _compare(self, reference: Sequence[Episode], how: str) -> Comparison:
        with self._borrow_pool() as pool:
            results = self._map(pool, replay, [(how, take.part, self._single) for take in self._takes])
            return self._pair(reference, results, partial(replay_values, pool, pool, how, single=self._single))

    def _compare_interleaved(self, reference: Sequence[Episode]) -> Comparison:
        if not self._instances.coexist:
            return Comparison(skipped=f"two instances do not live in one process: {self._instances.problem}")
        return self._compare(reference, "interleaved")

    def _compare_processes(self, reference: Sequence[Episode]) -> Comparison:
        """Other processes under other hash seeds, one after the other."""
        found: list[Comparison] = []
        for hash_seed in _HASH_SEEDS:
            with self._context.open_pool(workers=1, hash_seed=hash_seed) as other, self._borrow_pool() as pool:
                results = self._map(other, replay, [("fresh", take.part, self._single) for take in self._takes])
                explain = partial(replay_values, pool, other, "fresh", single=self._single)
                found.append(self._pair(reference, results, explain))
        return _join(found)

    def _compare_concurrent(self, reference: Sequence[Episode]) -> Comparison:
        """All workers at once, each through all episodes from another place on, so that unlike ones meet."""
        workers = max(2, len(self._context.pool.workers()))
        parts = [take.part for take in self._takes]
        shift = max(1, len(parts) // workers)
        with self._context.open_pool(workers=workers) as pool:
            pool.on_each(replay_at, [(0.0, parts[:1], self._single)] * workers)
            start = time.monotonic() + _RENDEZVOUS_SEC
            turns = [parts[shift * w :] + parts[: shift * w] for w in range(workers)]
            results = pool.on_each(replay_at, [(start, turn, self._single) for turn in turns])
            comparisons = []
            for worker, result in enumerate(results):
                expected = list(reference[shift * worker :]) + list(reference[: shift * worker])
                comparisons.append(self._pair(expected, spread(result, len(parts)), None, turns[worker]))
        return _join(comparisons)

    def _compare_unseeded(self) -> Comparison:
        """Twice the same: a seeded episode, then an unseeded one, which is compared."""
        takes = [take for take in self._takes if take.part.driver == "random"]
        with self._borrow_pool() as pool:
            items = [("unseeded", dataclasses.replace(take.part, expected=None), self._single) for take in takes]
            first = self._map(pool, replay, items)
        expected = [result.value or take.episode for result, take in zip(first, takes, strict=True)]
        parts = [
            dataclasses.replace(take.part, expected=left.step_digests)
            for take, left in zip(takes, expected, strict=True)
        ]
        with self._borrow_pool() as pool:
            second = self._map(pool, replay, [("unseeded", part, self._single) for part in parts])
            explain = partial(replay_values, pool, pool, "unseeded", single=self._single)
            return self._pair(expected, second, explain, parts)

    def _pair(
        self,
        expected: Sequence[Episode],
        results: Sequence[JobResult[Episode]],
        explain: Callable[[Part], Difference | None] | None,
        parts: Sequence[Part] | None = None,
    ) -> Comparison:
        """Every pair that differs, the one with the shortest way to it first; that one with its values.

        `explain` runs both again. What is the same then is shown as it was seen, if the reference is still what it was.
        """
        played = parts or [take.part for take in self._takes]
        pairs = zip(expected, results, played, strict=True)
        found = [(difference, part, r) for left, r, part in pairs if (difference := differ(left, r))]
        found.sort(key=lambda row: (row[0].step, row[1].seed != 0))
        mismatches = [_to_mismatch(difference, part) for difference, part, _ in found[:_KEPT_MISMATCHES]]
        if found:
            difference, part, seen = found[0]
            again = explain(part) if explain else None
            mismatches[0] = dataclasses.replace(
                mismatches[0],
                difference=again or self._recall(part, seen) or difference,
                is_repeatable=explain is None or again is not None,
            )
        return Comparison(pairs=len(played), differing=len(found), mismatches=tuple(mismatches))

    def _recall(self, part: Part, seen: JobResult[Episode]) -> Difference | None:
        """The values of a difference that was seen: the reference once more, against the frames that came back."""
        if seen.value is None or seen.value.crash:
            return None
        for how in ("fresh", "unseeded"):
            with self._borrow_pool() as pool:
                (result,) = pool.map(replay, [(how, part, self._single, True)])
            if result.value and result.value.step_digests == part.expected:
                frames, told = result.value.frames or (), seen.value.frames or ()
                kept = {step for step, frame in enumerate(told) if frame}
                return first_difference([f if step in kept else b"" for step, f in enumerate(frames)], told)
        return None

    def _collect_globals(self) -> GlobalsFacts:
        moved = next((take for take in self._takes if take.moved_in), None)
        if moved is None:
            return GlobalsFacts()
        (result,) = self._pool.map(read_after, [(moved.part, self._single)])
        after = result.value or {}
        return GlobalsFacts(
            moved_in=moved.moved_in,
            generators=moved.moved,
            reseeded=all(after.get(generator) == moved.globals_after[generator] for generator in moved.moved),
            seed=moved.part.seed or 0,
            actions=moved.part.actions,
        )

    def _collect_seed_effect(self) -> tuple[SeedEffect, float]:
        """Episodes of several seeds, and of none, under the same actions; and how often two seeds give one episode."""
        actions = max((take.part.actions for take in self._takes if take.part.driver == "random"), key=len)
        seeded = self._play_seeds(self._context.seeds[:_SEED_EFFECT_SEEDS], actions)
        in_a_row = 2
        if len(set(seeded)) == 1:
            seeded = self._play_seeds(self._context.seeds, actions)
            in_a_row = _UNSEEDED_IN_A_ROW
        unseeded_parts = [Part(seed=None, driver="random", actions=actions)] * in_a_row
        results = self._pool.map(replay_unpinned, [(unseeded_parts, self._single, stir) for stir in range(4)])
        unseeded = [fingerprint for result in results for fingerprint in result.value or ()]
        pairs = len(seeded) * (len(seeded) - 1)
        equal = sum(count * (count - 1) for count in Counter(seeded).values())
        effect = SeedEffect(
            seeded=len(seeded),
            seeded_distinct=len(set(seeded)),
            unseeded=len(unseeded),
            unseeded_distinct=len(set(unseeded)),
            unseeded_new=sum(fingerprint not in seeded for fingerprint in unseeded),
            actions=actions,
        )
        return effect, equal / pairs if pairs else 1.0

    def _play_seeds(self, seeds: Sequence[int], actions: tuple[bytes, ...]) -> list[str]:
        parts = [Part(seed=seed, driver="random", actions=actions) for seed in seeds]
        results = self._pool.map(replay, [("fresh", part, self._single) for part in parts])
        return [result.value.fingerprint for result in results if result.value]

    def _collect_streams(self) -> tuple[Stream, ...]:
        """What each worker of the pipeline would play under neighbouring base seeds, by its own seeding."""
        seeding = self._context.config.worker_pool.seeding
        actions = max((take.part.actions for take in self._takes if take.part.driver == "random"), key=len)
        places = [(base, worker) for base in _STREAM_BASES for worker in range(_STREAM_WORKERS)]
        seeds = draw_seed_rows(self._pool, seeding, places, workers=_STREAM_WORKERS, episodes=_STREAM_EPISODES)
        results = self._pool.map(play_stream, [(row, actions, self._single) for row in seeds])
        return tuple(
            Stream(base_seed=base, worker=worker, seeds=row, fingerprints=result.value or ())
            for (base, worker), row, result in zip(places, seeds, results, strict=True)
        )

    @contextlib.contextmanager
    def _borrow_pool(self) -> Iterator[WorkerPool]:
        """The session's pool; a process of its own for an env of which a process can hold only one, ever."""
        if not self._single:
            yield self._pool
            return
        with self._context.open_pool(workers=1) as pool:
            yield pool

    def _map(self, pool: WorkerPool, job: Callable[..., Any], items: Sequence[tuple[Any, ...]]) -> list[Any]:
        return pool.map(job, items, on_done=self._tell)

    def _tell(self, _index: int, _result: object) -> None:
        self._done += 1
        self._context.progress(self._done, max(self._done, self._planned))

    @property
    def _planned(self) -> int:
        """The jobs of one pass, but for those of `concurrent`, which all run at once."""
        episodes = len(self._context.seeds) * len(self._context.drivers)
        if not self._context.config.env.reproducible:
            return episodes
        ways = 5 + self._instances.coexist + len(_HASH_SEEDS) - 1
        return episodes * ways + 2 * len(self._context.seeds)


def _join(comparisons: Sequence[Comparison]) -> Comparison:
    mismatches = [mismatch for comparison in comparisons for mismatch in comparison.mismatches]
    return Comparison(
        pairs=sum(comparison.pairs for comparison in comparisons),
        differing=sum(comparison.differing for comparison in comparisons),
        mismatches=tuple(sorted(mismatches, key=lambda m: (m.difference.step, m.seed != 0))[:_KEPT_MISMATCHES]),
    )


def _to_mismatch(difference: Difference, part: Part) -> Mismatch:
    return Mismatch(
        seed=part.seed or 0,
        driver=part.driver,
        difference=difference,
        actions=part.actions,
        history=part.history,
    )


def _ask_history(context: ProbeContext, evidence: DeterminismEvidence) -> bool | None:
    """Whether a fresh instance's episode depends on the instances that its process had before, and on nothing else.

    In two new processes, the same episode is played by the first instance and by the second: if both first ones agree,
    both second ones agree, and the second is not the first, the instances share state; entropy would not agree.
    """
    fresh = evidence.comparisons.get("fresh", Comparison())
    if not fresh.mismatches:
        return None
    seen = fresh.mismatches[0]
    part = Part(seed=seen.seed, driver=seen.driver, actions=seen.actions)
    rows = set()
    for _ in range(2):
        with context.open_pool(workers=1, hash_seed=0) as pool:
            results = pool.map(replay, [("fresh", part, False)] * 2)
        rows.add(tuple(result.value.fingerprint if result.value else "" for result in results))
    first, second = rows.pop()
    return not rows and first != second
