"""The determinism stage's judges on hand-made evidence: one cause, one code, and the others say by which."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pytest_rlguard import Outcome, Verdict
from pytest_rlguard.checks.catalog import CATALOG, rules_of
from pytest_rlguard.evidence import Comparison, DeterminismEvidence, GlobalsFacts, Mismatch, SeedEffect, Stream
from pytest_rlguard.fingerprint import Difference
from pytest_rlguard.verdict import Severity

NAMES = ("fresh", "process", "reused", "interleaved", "disturbed", "concurrent", "unseeded")
COMPARED = {
    "DET201": "fresh",
    "DET202": "process",
    "DET203": "reused",
    "DET204": "interleaved",
    "DET205": "disturbed",
    "DET206": "concurrent",
    "DET209": "unseeded",
}
MISMATCH = Mismatch(
    seed=3,
    driver="extreme",
    difference=Difference(6, "observation[2]", "0.031", "0.044"),
    actions=(b"a",) * 9,
    history=((1, (b"b",)),),
)
FAILED = Comparison(pairs=60, differing=4, mismatches=(MISMATCH,))
SEEDS = tuple(range(6))


def make_stream(base_seed: int, worker: int, **changes: Any) -> Stream:
    """A stream of six episodes that are nobody else's."""
    seeds = tuple(100 * base_seed + 10 * worker + number for number in SEEDS)
    stream = Stream(base_seed=base_seed, worker=worker, seeds=seeds, fingerprints=tuple(map(str, seeds)))
    return dataclasses.replace(stream, **changes)


def make_effect(seeded: tuple[int, int] = (8, 8), unseeded: tuple[int, int, int] = (8, 8, 8)) -> SeedEffect:
    """`(how many, how many different)`; the unseeded ones with how many no seed gave."""
    return SeedEffect(
        seeded=seeded[0],
        seeded_distinct=seeded[1],
        unseeded=unseeded[0],
        unseeded_distinct=unseeded[1],
        unseeded_new=unseeded[2],
    )


SEEDLESS = make_effect((30, 1), (32, 8, 28))


def make_evidence(*failing: str, **changes: Any) -> DeterminismEvidence:
    """Evidence of a sound env, in which the comparisons named `failing` found a mismatch."""
    evidence = DeterminismEvidence(
        seeds=30,
        episodes=60,
        comparisons={name: FAILED if name in failing else Comparison(pairs=60) for name in NAMES},
        seed_effect=make_effect(),
        streams=tuple(make_stream(base, worker) for base in (0, 1) for worker in (0, 1)),
    )
    return dataclasses.replace(evidence, **changes)


def judge(code: str, evidence: DeterminismEvidence) -> Verdict:
    """The rule's verdict."""
    return CATALOG[code].rule_on(evidence)[0]


def list_failed(evidence: DeterminismEvidence) -> list[str]:
    """The codes that fail."""
    return [code for code in rules_of("determinism") if judge(code, evidence).outcome is Outcome.FAIL]


@pytest.mark.parametrize("code", rules_of("determinism"))
def test_a_sound_env_passes(code: str) -> None:
    assert judge(code, make_evidence()).outcome is Outcome.PASS


@pytest.mark.parametrize("code", COMPARED)
def test_equal_pairs_pass_with_the_claim_that_they_support(code: str) -> None:
    verdict = judge(code, make_evidence())
    assert verdict.sentence == "60 pairs equal to the last bit: at most 9.5 % of seeds can differ, 95 %"
    assert verdict.interval == (0.0, pytest.approx(0.0950, abs=1e-4))


@pytest.mark.parametrize(("code", "name"), COMPARED.items())
def test_a_mismatch_fails_with_seed_step_key_and_both_values(code: str, name: str) -> None:
    verdict, case = CATALOG[code].rule_on(make_evidence(name))
    assert verdict.outcome is Outcome.FAIL
    assert "seed 3, step 6, observation[2]: 0.031 against 0.044 (extreme actions)" in verdict.sentence
    assert verdict.counts == {"pairs": 60, "seeds": 30, "differing": 4}
    assert case is not None
    assert (case.kind, case.seed, case.step, case.history) == (name, 3, 6, MISMATCH.history)


def test_one_that_does_not_come_again_says_so() -> None:
    once = dataclasses.replace(FAILED, mismatches=(dataclasses.replace(MISMATCH, is_repeatable=False),))
    comparisons = make_evidence().comparisons | {"fresh": once}
    sentence = judge("DET201", make_evidence(comparisons=comparisons)).sentence
    assert sentence.endswith("; 4 of 60 pairs, not the same ones when run again")


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (make_evidence(*NAMES), "DET201"),
        (make_evidence(*NAMES, is_history_decisive=True), "DET204"),
        (make_evidence("disturbed", "interleaved"), "DET205"),
        (make_evidence("process", "concurrent"), "DET202"),
        (make_evidence("reused", seed_effect=SEEDLESS), "DET207"),
        (make_evidence("disturbed", globals_facts=GlobalsFacts(moved_in="episode", generators=("torch",))), "DET205"),
    ],
)
def test_one_cause_has_one_code(evidence: DeterminismEvidence, code: str) -> None:
    assert list_failed(evidence) == [code]
    skipped = [judge(other, evidence) for other in rules_of("determinism") if other != code]
    reasons = {verdict.sentence for verdict in skipped if verdict.outcome is Outcome.SKIPPED}
    assert all(reason.startswith(f"cannot be told while {code} holds") for reason in reasons)
    assert reasons


@pytest.mark.parametrize("code", rules_of("determinism"))
def test_an_env_that_cannot_be_played_is_never_a_pass(code: str) -> None:
    verdict = judge(code, make_evidence(broken="ValueError in reset"))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "ValueError in reset" in verdict.sentence


@pytest.mark.parametrize("code", COMPARED)
def test_an_env_that_is_declared_random_is_not_compared(code: str) -> None:
    verdict = judge(code, make_evidence(comparisons={}, declared_random=True))
    assert verdict.outcome is Outcome.SKIPPED
    assert verdict.sentence == "the env is declared random by design (env.reproducible: false)"


def test_what_was_not_run_says_why() -> None:
    comparisons = make_evidence().comparisons | {"interleaved": Comparison(skipped="only one can live")}
    verdict = judge("DET204", make_evidence(comparisons=comparisons))
    assert (verdict.outcome, verdict.sentence) == (Outcome.SKIPPED, "only one can live")


@pytest.mark.parametrize(
    ("effect", "outcome", "words"),
    [
        (make_effect(), Outcome.PASS, "8 seeds gave 8 different episodes"),
        (make_effect((30, 1), (32, 1, 0)), Outcome.PASS, "deterministic by nature: 32 unseeded episodes are equal too"),
        (SEEDLESS, Outcome.FAIL, "30 seeds gave one and the same episode, 32 unseeded resets gave 8"),
        (make_effect((30, 1), (32, 2, 2)), Outcome.PASS, "2 of 32 unseeded episodes were others, which a rare event"),
        (make_effect((30, 2), (32, 9, 9)), Outcome.PASS, "30 seeds gave 2 different episodes"),
        (None, Outcome.INCONCLUSIVE, "no episode could be played under several seeds"),
    ],
)
def test_the_effect_of_the_seed(effect: SeedEffect | None, outcome: Outcome, words: str) -> None:
    verdict = judge("DET207", make_evidence(seed_effect=effect))
    assert verdict.outcome is outcome
    assert words in verdict.sentence


def test_neighbouring_base_seeds_that_share_a_seed_share_a_stream() -> None:
    twin = make_stream(1, 0, seeds=(999, 10, None, None, None, None))
    verdict = judge("DET208", make_evidence(streams=(make_stream(0, 1), twin), seeding="base_plus_index"))
    assert verdict.sentence == (
        "worker 1 of base seed 0 and worker 0 of base seed 1 play the same episodes (both are told seed 10), "
        "seeded by base_plus_index"
    )


def test_equal_streams_fail_unless_chance_explains_them() -> None:
    streams = (make_stream(0, 0, fingerprints=("a",) * 6), make_stream(0, 1, fingerprints=("a",) * 6))
    assert judge("DET208", make_evidence(streams=streams, coincidence=0.05)).sentence.count("all 6 are equal") == 1
    assert judge("DET208", make_evidence(streams=streams, coincidence=0.5)).outcome is Outcome.PASS


def test_equal_streams_of_a_deterministic_env_pass() -> None:
    streams = (make_stream(0, 0, fingerprints=("a",) * 6), make_stream(0, 1, fingerprints=("a",) * 6))
    effect = make_effect((30, 1), (32, 1, 0))
    verdict = judge("DET208", make_evidence(streams=streams, seed_effect=effect, coincidence=1.0))
    assert verdict.sentence == "deterministic by nature: all streams are equal, as all episodes are"


@pytest.mark.parametrize(
    ("facts", "failing", "severity", "words"),
    [
        (
            {"moved_in": "episode"},
            (),
            Severity.WARNING,
            "moves the caller's global random state (torch) in its episodes",
        ),
        ({"moved_in": "make"}, (), Severity.WARNING, "in its constructor"),
        ({"moved_in": "close"}, (), Severity.WARNING, "in close()"),
        ({"moved_in": "episode", "reseeded": True}, ("disturbed",), Severity.ERROR, "reseeds the caller's global"),
    ],
)
def test_a_moved_global_state_is_a_warning_where_nothing_depends_on_it(
    facts: dict[str, Any], failing: tuple[str, ...], severity: Severity, words: str
) -> None:
    globals_facts = GlobalsFacts(generators=("torch",), **facts)
    verdict = judge("DET210", make_evidence(*failing, globals_facts=globals_facts))
    assert (verdict.outcome, verdict.severity) == (Outcome.FAIL, severity)
    assert words in verdict.sentence
