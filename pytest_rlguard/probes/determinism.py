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
from pytest_rlguard.probes.comparing import differ, explainer, find_problem, replay_values, spread
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
_SHOWN_EPISODES = 8
_SHOWN_TRIES = 5


def collect_determinism(context: ProbeContext) -> DeterminismEvidence:
    """Run the determinism stage's episodes; raises PolicyError where the user's policy does."""
    instances = collect_instances(context)
    evidence = _Session(context, instances, context.pool).collect()
    if evidence.broken or not any(comparison.mismatches for comparison in evidence.comparisons.values()):
        return evidence
    with context.open_pool(workers=1) as alone:
        evidence = _Session(context, instances, alone).collect()
    return dataclasses.replace(evidence, first_in_process_equal=_compare_first_in_process(context, evidence))


class _Session:
    """One pass over all runs, on one pool."""

    def __init__(self, context: ProbeContext, instances: InstanceFacts, pool: WorkerPool) -> None:
        self._context = context
        self._instances = instances
        self._pool = pool
        self._single = not instances.remake
        self._takes: list[Take] = []

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
            return self._pair(reference, results, lambda part: replay_values(pool, pool, how, part, self._single))

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
                explain = explainer(pool, other, self._single)
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
            joined = _join(comparisons)
            shown = tuple(self._show_again(pool, mismatch) for mismatch in joined.mismatches[:1])
        return dataclasses.replace(joined, mismatches=(*shown, *joined.mismatches[1:]))

    def _show_again(self, pool: WorkerPool, seen: Mismatch) -> Mismatch:
        """The mismatch with its values: one worker plays its part over and over, beside others at other episodes."""
        part = Part(seed=seen.seed, driver=seen.driver, actions=seen.actions)
        (alone,) = pool.on_each(replay, [("fresh", part, self._single, True)])
        others = [take.part for take in self._takes if take.part.seed != part.seed][:_SHOWN_EPISODES]
        for _ in range(_SHOWN_TRIES):
            start = time.monotonic() + _RENDEZVOUS_SEC
            crowd = [(start, others, self._single)] * (len(pool.workers()) - 1)
            watched, *_ = pool.on_each(replay_at, [(start, [part] * _SHOWN_EPISODES, self._single, True), *crowd])
            for episode in watched.value or ():
                found = first_difference(alone.value.frames or (), episode.frames or ()) if alone.value else None
                if found:
                    return dataclasses.replace(seen, difference=found, actions=part.actions[: found.step])
        return seen

    def _compare_unseeded(self) -> Comparison:
        """Twice the same: a seeded episode, then an unseeded one, which is compared."""
        takes = [take for take in self._takes if take.part.driver == "random"]
        items = [("unseeded", take.part, self._single) for take in takes]
        with self._borrow_pool() as pool:
            first = self._map(pool, replay, items)
        with self._borrow_pool() as pool:
            second = self._map(pool, replay, items)
            expected = [result.value or take.episode for result, take in zip(first, takes, strict=True)]
            parts = [take.part for take in takes]
            return self._pair(
                expected, second, lambda part: replay_values(pool, pool, "unseeded", part, self._single), parts
            )

    def _pair(
        self,
        expected: Sequence[Episode],
        results: Sequence[JobResult[Episode]],
        explain: Callable[[Part], Difference | None] | None,
        parts: Sequence[Part] | None = None,
    ) -> Comparison:
        """Every pair that differs, the one with the shortest way to it first; that one with its values explained."""
        played = parts or [take.part for take in self._takes]
        pairs = zip(expected, results, played, strict=True)
        found = [(difference, part) for left, result, part in pairs if (difference := differ(left, result))]
        found.sort(key=lambda pair: (pair[0].step, pair[1].seed != 0))
        if found and explain:
            difference, part = found[0]
            found[0] = explain(part) or difference, part
        mismatches = tuple(_to_mismatch(difference, part) for difference, part in found[:_KEPT_MISMATCHES])
        return Comparison(pairs=len(played), differing=len(found), mismatches=mismatches)

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
        return pool.map(job, items)


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
        actions=part.actions[: difference.step],
        history=part.history,
    )


def _compare_first_in_process(context: ProbeContext, evidence: DeterminismEvidence) -> bool | None:
    """One differing episode, as the first thing that two new processes do: equal, or not. None if it cannot be told."""
    found = next((c.mismatches[0] for c in evidence.comparisons.values() if c.mismatches), None)
    if found is None:
        return None
    part = Part(seed=found.seed, driver=found.driver, actions=found.actions)
    fingerprints = []
    for _ in range(2):
        with context.open_pool(workers=1, hash_seed=0) as pool:
            (result,) = pool.map(replay, [("fresh", part, False)])
        if result.value is None:
            return None
        fingerprints.append(result.value.fingerprint)
    return fingerprints[0] == fingerprints[1]
