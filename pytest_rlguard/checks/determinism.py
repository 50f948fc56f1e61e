"""The determinism stage's rules: an episode is a function of its seed and its actions, and of nothing else.

One cause shows in many comparisons. A rule speaks only where no other rule explains what it saw; the explained one is
skipped and says by which.
"""

from __future__ import annotations

import dataclasses
import itertools

from pytest_rlguard.checks.rules import Rule, Ruling, failed, inconclusive, passed, rule, skipped
from pytest_rlguard.evidence import Case, Comparison, DeterminismEvidence, Mismatch, Stream
from pytest_rlguard.stats.exact import chance_of_split, claim_of_equals, share_bound
from pytest_rlguard.verdict import Severity

__all__ = ["RULES"]

_STAGE = "determinism"
_CHANCE = 1e-6
_PHASES = {"make": "its constructor", "episode": "its episodes", "close": "close()"}


def _root(evidence: DeterminismEvidence) -> str:
    """The rule whose finding shows in every other comparison too; empty if none is so deep."""
    if not _has_failed(evidence, "fresh"):
        return ""
    return "DET204" if evidence.is_history_decisive else "DET201"


def _has_failed(evidence: DeterminismEvidence, name: str) -> bool:
    return bool(evidence.comparisons.get(name, Comparison()).mismatches)


def _is_seedless(evidence: DeterminismEvidence) -> bool:
    """Whether all seeds give one episode and unseeded resets others, more often than a rare event explains."""
    effect = evidence.seed_effect
    if effect is None or effect.seeded_distinct > 1 or not effect.unseeded_new:
        return False
    return chance_of_split(effect.seeded, effect.unseeded, effect.unseeded_new) < _CHANCE


def _not_judged(evidence: DeterminismEvidence, code: str, *explained_by: str) -> Ruling | None:
    """Why `code` has nothing to say: the env broke, is random by declaration, or another rule explains it."""
    if evidence.broken:
        advice = "Run the contract stage, which names the defect, and mend it first."
        return inconclusive(f"the reference episodes could not be played: {evidence.broken}", advice)
    if evidence.declared_random:
        return skipped("the env is declared random by design (env.reproducible: false)")
    causes = [_root(evidence)] if _root(evidence) != code else []
    for cause in [*causes, *explained_by]:
        if cause:
            return skipped(f"cannot be told while {cause} holds")
    return None


def _explained(is_failed: bool, code: str) -> str:  # noqa: FBT001 - reads as a sentence at its calls
    return code if is_failed else ""


def _judge_comparison(evidence: DeterminismEvidence, name: str, what: str, advice: str) -> Ruling:
    """Equal pairs pass with the claim that they support; the first mismatch fails."""
    comparison = evidence.comparisons[name]
    if comparison.skipped:
        return skipped(comparison.skipped)
    counts = {"pairs": comparison.pairs, "seeds": evidence.seeds, "differing": comparison.differing}
    if not comparison.mismatches:
        claim = claim_of_equals(evidence.seeds)
        ruling = passed(f"{comparison.pairs} pairs equal to the last bit: {claim}", counts)
        return dataclasses.replace(ruling, estimate=0.0, interval=(0.0, share_bound(evidence.seeds)), threshold=0.0)
    first = comparison.mismatches[0]
    sentence = f"{what}: seed {first.seed}, {first.difference.describe()} ({first.driver} actions)"
    if not first.is_repeatable:
        sentence += f"; {comparison.differing} of {comparison.pairs} pairs, not the same ones when run again"
    return failed(sentence, advice, counts, case=_case(name, first))


def _case(kind: str, mismatch: Mismatch) -> Case:
    return Case(
        kind=kind,
        seed=mismatch.seed,
        driver=mismatch.driver,
        step=mismatch.difference.step,
        actions=mismatch.actions,
        history=mismatch.history,
    )


@rule("DET201", "same seed, fresh instance: another episode", stage=_STAGE)
def judge_fresh(evidence: DeterminismEvidence) -> Ruling:
    """Two fresh instances in one process, reset with one seed and given the same actions, part.

    Every global random state was the same before both. What is left is entropy from outside: a generator made without
    a seed, the clock, `id()`, an unordered set of objects, threads. No failure of such an env can be shown again, and
    no two of its runs can be compared but by statistics.

    To mend: draw from `self.np_random` only, after `super().reset(seed=seed)`. If the env is random by design,
    declare it: `env.reproducible: false`.
    """
    advice = "Draw from self.np_random only; call super().reset(seed=seed) first."
    what = "a fresh instance with the same seed played another episode"
    return _not_judged(evidence, "DET201") or _judge_comparison(evidence, "fresh", what, advice)


@rule("DET202", "same seed, another process or hash seed: another episode", stage=_STAGE)
def judge_processes(evidence: DeterminismEvidence) -> Ruling:
    """The same seed and actions give another episode in another process, which has another PYTHONHASHSEED.

    `hash()` of text and the order of sets change from process to process. In one process everything looks sound; across
    a fleet each worker is another env, and a restarted worker is another one again.

    To mend: sort what comes out of a set; seed from numbers, never from `hash(name)`; read no process id.
    """
    advice = "Sort what comes out of a set, and never seed from hash()."
    what = "another process with another PYTHONHASHSEED played another episode"
    return _not_judged(evidence, "DET202") or _judge_comparison(evidence, "process", what, advice)


@rule("DET203", "state leaks through reset", stage=_STAGE)
def judge_reuse(evidence: DeterminismEvidence) -> Ruling:
    """An episode depends on what the instance did before its reset.

    The same seed and actions were played on a fresh instance and on one that had played a whole other episode and then
    an unfinished one. A counter, a buffer, a warm solver state or a generator that `reset` does not put back makes the
    return of an episode depend on the order in which a worker happened to get its work.

    To mend: set every attribute that `step` changes in `reset`, also when the last episode was cut short.
    """
    advice = "Set every attribute that step() changes in reset(), also after an unfinished episode."
    what = "after other episodes on the same instance, the same seed played another episode"
    seedless = _explained(_is_seedless(evidence), "DET207")
    return _not_judged(evidence, "DET203", seedless) or _judge_comparison(evidence, "reused", what, advice)


@rule("DET204", "two instances share state", stage=_STAGE)
def judge_sharing(evidence: DeterminismEvidence) -> Ruling:
    """Stepping one instance changes what another one of the same process does.

    A mutable class attribute, a module-level cache or a simulator handle that all instances use. Vectorised envs in one
    process then play one entangled episode, and an evaluation env disturbs the training env.

    To mend: move the state from the class or module to the instance.
    """
    advice = "Move mutable state from the class or module to the instance."
    if _root(evidence) == "DET204" and not evidence.declared_random:
        what = "an instance made after another one in its process played another episode"
        return _judge_comparison(evidence, "fresh", what, advice)
    what = "beside a sibling that was stepped in turn, the same seed played another episode"
    depends = _explained(_has_failed(evidence, "disturbed"), "DET205")
    return _not_judged(evidence, "DET204", depends) or _judge_comparison(evidence, "interleaved", what, advice)


@rule("DET205", "the episode depends on the global random state", stage=_STAGE)
def judge_dependence(evidence: DeterminismEvidence) -> Ruling:
    """The same seed and actions give another episode when the global random state is moved in between.

    `random.random()`, `np.random.normal()` or `torch.rand()` inside the env: its noise then depends on how often the
    policy, the logger or another env drew before. An env that seeds the global state in `reset` has the same fault, one
    step later, and resets everybody else's randomness with it.

    To mend: draw from `self.np_random`.
    """
    advice = "Draw from self.np_random, not from random, numpy.random or torch's global generator."
    what = "with the global random state moved, the same seed played another episode"
    return _not_judged(evidence, "DET205") or _judge_comparison(evidence, "disturbed", what, advice)


@rule("DET206", "concurrent resets differ", stage=_STAGE)
def judge_concurrency(evidence: DeterminismEvidence) -> Ruling:
    """An episode comes out otherwise while other processes reset and step the same env.

    A scene file under one name in the temporary folder, a shared cache on disk, a fixed port: alone each worker is
    sound, together they read each other's scene. It grows with the number of workers.

    To mend: give every instance its own files (`tempfile.mkdtemp()`) and ports.
    """
    advice = "Give every instance its own temporary folder, files and ports."
    what = "while other processes ran the env, the same seed played another episode"
    process = _explained(_has_failed(evidence, "process"), "DET202")
    return _not_judged(evidence, "DET206", process) or _judge_comparison(evidence, "concurrent", what, advice)


@rule("DET207", "the seed has no effect although the env is random", stage=_STAGE)
def judge_seed_effect(evidence: DeterminismEvidence) -> Ruling:
    """All seeds give one and the same episode, while unseeded resets give others.

    The env is random, and `reset(seed=...)` does not reach its generator, or seeds it with a constant. Every worker of
    a fleet then trains on the same few episodes. An env that is deterministic by nature passes: its unseeded episodes
    are equal too.

    To mend: call `super().reset(seed=seed)` and draw from `self.np_random`.
    """
    depends = _explained(_has_failed(evidence, "disturbed"), "DET205")
    if stop := _not_judged(dataclasses.replace(evidence, declared_random=False), "DET207", depends):
        return stop
    effect = evidence.seed_effect
    if effect is None:
        return inconclusive("no episode could be played under several seeds", "Run the contract stage first.")
    counts = {"seeds": effect.seeded, "different": effect.seeded_distinct, "unseeded": effect.unseeded}
    if effect.seeded_distinct > 1:
        return passed(f"{effect.seeded} seeds gave {effect.seeded_distinct} different episodes", counts)
    if not effect.unseeded_new:
        return passed(f"deterministic by nature: {effect.unseeded} unseeded episodes are equal too", counts)
    if not _is_seedless(evidence):
        rare = f"{effect.unseeded_new} of {effect.unseeded} unseeded episodes were others, which a rare event explains"
        return passed(f"{effect.seeded} seeds gave one episode; {rare}", counts)
    return failed(
        f"{effect.seeded} seeds gave one and the same episode, {effect.unseeded} unseeded resets gave "
        f"{effect.unseeded_distinct}",
        "Call super().reset(seed=seed) and draw from self.np_random.",
        counts,
        case=Case(kind="seedless", seed=0, other_seed=1, actions=effect.actions),
    )


@rule("DET208", "two workers get the same episode stream", stage=_STAGE)
def judge_streams(evidence: DeterminismEvidence) -> Ruling:
    """Two workers of one run, or of two runs with neighbouring base seeds, play the same episodes.

    Seeding by `base_seed + worker` makes worker 1 of run 0 the twin of worker 0 of run 1: most of a second run with "a
    new seed" is the first one again, and its confidence intervals are too narrow. Giving all workers one seed, or none
    to an env that seeds itself with a constant, makes a fleet of one. The seeding is `worker_pool.seeding`: ours
    (`spawn`), `base_plus_index`, or your pipeline's own function.

    To mend: spawn seeds, `np.random.SeedSequence(base_seed).spawn(workers)`.
    """
    if stop := _not_judged(
        dataclasses.replace(evidence, declared_random=False),
        "DET208",
        _explained(_is_seedless(evidence), "DET207"),
    ):
        return stop
    effect = evidence.seed_effect
    counts = {"streams": len(evidence.streams), "episodes": sum(len(s.fingerprints) for s in evidence.streams)}
    if effect is not None and effect.seeded_distinct == 1 and not effect.unseeded_new:
        return passed("deterministic by nature: all streams are equal, as all episodes are", counts)
    for left, right in itertools.combinations(evidence.streams, 2):
        if shared := _shared(left, right, evidence.coincidence):
            seed = next((seed for seed in left.seeds if seed is not None), 0)
            return failed(
                f"worker {left.worker} of base seed {left.base_seed} and worker {right.worker} of base seed "
                f"{right.base_seed} play the same episodes ({shared}), seeded by {evidence.seeding}",
                "Spawn the workers' seeds: numpy.random.SeedSequence(base_seed).spawn(workers).",
                counts,
                case=Case(kind="streams", seed=seed),
            )
    return passed(f"{len(evidence.streams)} workers' streams differ, seeded by {evidence.seeding}", counts)


def _shared(left: Stream, right: Stream, coincidence: float) -> str:
    """What two streams have in common that chance does not explain, in words; empty if nothing."""
    seeds = sorted({seed for seed in left.seeds if seed is not None} & {s for s in right.seeds if s is not None})
    if seeds:
        return f"both are told seed {seeds[0]}"
    episodes = len(left.fingerprints)
    if episodes and left.fingerprints == right.fingerprints and coincidence**episodes < _CHANCE:
        return f"all {episodes} are equal"
    return ""


@rule("DET209", "an unseeded reset after a seeded one is not reproducible", stage=_STAGE)
def judge_unseeded(evidence: DeterminismEvidence) -> Ruling:
    """After `reset(seed=s)`, a plain `reset()` gives another episode each time.

    Vector envs seed once and then reset unseeded for the rest of the run: from the second episode on nothing can be
    replayed. gymnasium's contract is that `reset()` goes on with the generator that the seed made.

    To mend: make a generator in `reset` only `if seed is not None`; `super().reset(seed=seed)` does it.
    """
    advice = "Make a new generator only if seed is not None; super().reset(seed=seed) does it."
    what = "the episode after the seeded one was another one the second time"
    return _not_judged(evidence, "DET209") or _judge_comparison(evidence, "unseeded", what, advice)


@rule("DET210", "the env moves or reseeds the caller's global random state", stage=_STAGE)
def judge_globals(evidence: DeterminismEvidence) -> Ruling:
    """`random`, `numpy.random` or torch's global generator is in another state after the env was used.

    Reseeding in `reset` repeats the exploration noise of every policy that draws from there; moving it ties the
    learner's randomness to the number of env steps. It is a warning where nothing was found to depend on it.

    To mend: draw from `self.np_random`; never call `random.seed`, `np.random.seed` or `torch.manual_seed` in an env.
    """
    if stop := _not_judged(dataclasses.replace(evidence, declared_random=False), "DET210"):
        return stop
    facts = evidence.globals_facts
    if not facts.moved_in:
        return passed("the global random states were left alone", {"episodes": evidence.episodes})
    depends = _has_failed(evidence, "disturbed")
    if depends and not facts.reseeded:
        return skipped("cannot be told while DET205 holds: an env that draws from the state moves it")
    verb = "reseeds" if facts.reseeded else "moves"
    return failed(
        f"the env {verb} the caller's global random state ({', '.join(facts.generators)}) in {_PHASES[facts.moved_in]}",
        "Draw from self.np_random; seed no global generator in an env.",
        {"episodes": evidence.episodes},
        severity=Severity.ERROR if depends else Severity.WARNING,
        case=Case(kind="globals", seed=facts.seed, actions=facts.actions),
    )


RULES: tuple[Rule[DeterminismEvidence], ...] = (
    judge_fresh,
    judge_processes,
    judge_reuse,
    judge_sharing,
    judge_dependence,
    judge_concurrency,
    judge_seed_effect,
    judge_streams,
    judge_unseeded,
    judge_globals,
)
